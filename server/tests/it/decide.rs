//! The other ends of a request: rejected, withdrawn, superseded, expired.

use crate::support::{Answer, Person, TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::json;
use std::time::Duration;

on_both!(
    a_rejection_needs_a_reason_and_tells_it,
    an_equal_request_is_not_filed_again_after_a_rejection,
    a_different_request_supersedes_the_requesters_own,
    a_different_request_of_somebody_else_is_told_the_difference,
    an_equal_request_of_somebody_else_attaches,
    asking_again_may_say_more_for_what_waits,
    asking_for_what_is_there_takes_back_what_waits,
);
on_sqlite!(
    a_withdrawn_request_ends_its_topic_and_can_be_filed_again,
    a_workspace_admin_withdraws_and_supersedes,
    nobody_decides_twice,
    a_request_expires,
);

async fn waiting(who: &Person) -> Answer {
    let answer = who.topic("orders").in_prod().partitions(6).create().await;
    answer.accepted().has_status("pending-approval");
    answer
}

async fn a_rejection_needs_a_reason_and_tells_it(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let filed = waiting(&dev).await;
    let id = filed.request_id();
    let path = format!("/v1/requests/{id}/reject");

    root.post(&path, json!({})).await.invalid().limits("/reason", "missing", None);
    root.reject(&id, "  ").await.invalid().limits("/reason", "missing", None);
    root.reject(&id, &"x".repeat(2_001)).await.invalid().limits("/reason", "length", Some("2000"));
    root.reject(&id, "use the shared topic").await.ok();

    let seen = dev.topic("orders").in_prod().get().await;
    seen.has_status("rejected");
    assert_eq!(seen.text("/request/state"), "rejected");
    assert_eq!(seen.text("/request/decided_by"), "root");
    assert_eq!(seen.text("/request/reason"), "use the shared topic");
    assert!(orbit.main().kafka.calls().iter().all(|call| call.topics.is_empty()), "nothing was asked of the cluster");
    assert_eq!(orbit.audit_of("payments/prod/orders").await, ["request.filed", "request.rejected"]);
}

async fn an_equal_request_is_not_filed_again_after_a_rejection(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let filed = waiting(&dev).await;
    root.reject(&filed.request_id(), "too many topics").await.ok();
    let orders = dev.topic("orders").in_prod().partitions(6);

    let again = orders.create().await;

    again.problem(409, "request.rejected").says("root rejected the same request: too many topics");
    assert_eq!(again.request_id(), filed.request_id());
    let justified = orders.clone().because("the old one goes").create().await;
    justified.accepted().has_status("pending-approval");
    assert_eq!(justified.id(), filed.id(), "the topic's id stays");
    assert_ne!(justified.request_id(), filed.request_id());
    root.reject(&justified.request_id(), "still too many").await.ok();
    orders.clone().because("the old one goes").create().await.problem(409, "request.rejected");
    let changed = orders.partitions(3).because("the old one goes").create().await;
    assert_eq!(changed.accepted().id(), filed.id());
}

async fn a_different_request_supersedes_the_requesters_own(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let filed = waiting(&dev).await;

    let changed = dev.topic("orders").in_prod().partitions(12).create().await;

    assert_eq!(changed.accepted().id(), filed.id());
    assert_ne!(changed.request_id(), filed.request_id());
    let old = dev.request(&filed.request_id()).await;
    assert_eq!((old.text("/state"), old.text("/superseded_by")), ("superseded", changed.request_id().as_str()));
    root.approve(&filed.request_id()).await.problem(409, "request.decided").says("was superseded by dev before");
    root.approve(&changed.request_id()).await.ok();
    dev.topic("orders").in_prod().active().await;
    assert_eq!(orbit.main().kafka.topic("prod.payments.orders").unwrap().partitions, 12);
}

async fn a_different_request_of_somebody_else_is_told_the_difference(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let filed = waiting(&dev).await;

    let other = eve.topic("orders").in_prod().partitions(12).create().await;

    other.problem(409, "request.open").says("dev has a different request open: create (partitions not set → 6)");
    assert_eq!(other.request_id(), filed.request_id());
    eve.topic("orders").in_prod().patch(json!({ "partitions": 9 })).await.problem(409, "request.open");
    assert_eq!(dev.request(&filed.request_id()).await.text("/state"), "pending");
}

async fn an_equal_request_of_somebody_else_attaches(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let filed = waiting(&dev).await;

    let attached = eve.topic("orders").in_prod().partitions(6).create().await;

    assert_eq!(attached.accepted().id(), filed.id());
    assert_eq!(attached.request_id(), filed.request_id());
    assert_eq!(orbit.root().get("/v1/requests").await.count(), 1);
}

async fn asking_again_may_say_more_for_what_waits(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let filed = waiting(&dev).await.request_id();
    let (orders, hers) = (dev.topic("orders").in_prod().partitions(6), eve.topic("orders").in_prod().partitions(6));
    let said = async |field: &str| dev.request(&filed).await.body[field].clone();
    let ticket = json!(["https://tickets.example.com/1"]);

    let first = orders.clone().because("the fair").with("links", ticket.clone()).create().await;
    assert_eq!(first.accepted().request_id(), filed);
    assert_eq!((said("justification").await, said("links").await), (json!("the fair"), ticket.clone()));
    orders.clone().because("the spring fair").create().await.accepted();
    assert_eq!((said("justification").await, said("links").await), (json!("the spring fair"), ticket.clone()));

    // Neither who says nothing, nor who could not put another request in its place.
    orders.clone().create().await.accepted();
    hers.because("mine").create().await.accepted();
    assert_eq!(said("justification").await, "the spring fair");
    let trail = orbit.audit_of("payments/prod/orders").await;
    assert_eq!(trail, ["request.filed", "request.documented", "request.documented"]);

    // A rejection is of what was said last.
    orbit.root().reject(&filed, "no").await.ok();
    orders
        .clone()
        .because("the spring fair")
        .with("links", json!(["https://tickets.example.com/1"]))
        .create()
        .await
        .problem(409, "request.rejected");
}

async fn asking_for_what_is_there_takes_back_what_waits(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let orders = dev.topic("orders").in_prod().partitions(2);
    root.approve(&orders.create().await.request_id()).await.ok();
    orders.active().await;
    let as_it_is = json!({ "partitions": 2 });
    let change = orders.patch(json!({ "partitions": 4 })).await.request_id();

    let others = eve.topic("orders").in_prod().patch(as_it_is.clone()).await;
    others.problem(409, "request.open").says("dev has a different request open: update (partitions 2 → 4)");
    assert_eq!(orders.evaluate("update").await.text("/items/0/supersedes/id"), change);
    orders.patch(as_it_is.clone()).await.ok().lacks("/request");

    assert_eq!(dev.request(&change).await.text("/state"), "superseded");
    assert!(orders.get().await.conditions().is_empty());
    root.approve(&change).await.problem(409, "request.decided");
    let deletion = orders.delete().await.request_id();
    orders.patch(as_it_is.clone()).await.ok();
    assert_eq!(dev.request(&deletion).await.text("/state"), "superseded");
    // With nothing open, nothing is filed.
    let filed = root.get("/v1/requests").await.count();
    orders.patch(as_it_is).await.ok();
    assert_eq!(root.get("/v1/requests").await.count(), filed);
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().partitions, 2);
}

async fn a_withdrawn_request_ends_its_topic_and_can_be_filed_again(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let filed = waiting(&dev).await;
    eve.withdraw(&filed.request_id()).await.problem(403, "request.not-yours");

    assert_eq!(dev.withdraw(&filed.request_id()).await.ok().text("/state"), "withdrawn");

    dev.topic("orders").in_prod().get().await.has_status("withdrawn");
    assert_eq!(waiting(&dev).await.id(), filed.id());
}

async fn a_workspace_admin_withdraws_and_supersedes(orbit: TestApp) {
    let dev = orbit.dev().await;
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let filed = waiting(&dev).await;
    let changed = lead.topic("orders").in_prod().partitions(2).create().await;
    assert_eq!(changed.accepted().text("/request/requester"), "lead");
    assert_eq!(dev.request(&filed.request_id()).await.text("/decided_by"), "lead");
    lead.withdraw(&changed.request_id()).await.ok();
}

async fn nobody_decides_twice(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = waiting(&dev).await.request_id();
    root.reject(&id, "no").await.ok();
    for late in [root.approve(&id).await, root.reject(&id, "no").await, dev.withdraw(&id).await] {
        late.problem(409, "request.decided").says("was rejected by root before");
    }
}

async fn a_request_expires(orbit: TestApp) {
    let root = orbit.root();
    // A token that outlives the request.
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), Duration::from_hours(30 * 24)).await;
    let filed = waiting(&dev).await;
    let waits = {
        let (dev, path) = (dev.clone(), format!("/v1/requests/{}?wait=25s", filed.request_id()));
        tokio::spawn(async move { dev.get(&path).await })
    };

    orbit.pass(Duration::from_hours(14 * 24 + 1));

    assert_eq!(waits.await.unwrap().text("/state"), "expired");
    dev.topic("orders").in_prod().get().await.has_status("expired");
    root.get("/v1/whoami").await.problem(401, "unauthenticated").says("the token has expired");
    assert_eq!(waiting(&dev).await.id(), filed.id());
    assert_eq!(orbit.audit_of("payments/prod/orders").await, ["request.filed", "request.expired", "request.filed"]);
}
