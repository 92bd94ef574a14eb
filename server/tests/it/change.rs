//! Topics that are there: changing them, taking them away.

use crate::support::{TestApp, on_both, on_sqlite, until};
use orbit_core::{
    ports::KafkaErrorKind,
    testing::{Fault, Method},
};
use orbit_server::auth::permission::Role;
use serde_json::json;
use std::time::Duration;

on_both!(
    a_change_that_waits_leaves_the_topic_as_it_is,
    a_deletion_that_waits_leaves_the_topic_until_it_is_approved,
    a_deletion_takes_the_topic_away,
    a_create_under_way_cannot_be_changed_and_attaches_its_equal,
);
on_sqlite!(
    what_needs_no_cluster_is_done_at_once,
    settings_change_and_return_to_the_default,
    partitions_cannot_shrink,
    a_refused_change_leaves_cluster_and_record,
    a_pending_create_is_withdrawn_and_dropped_by_its_deletion,
    deletion_protection_holds,
    failed_and_rejected_records_are_dropped,
    a_failed_deletion_restores_the_topic,
    a_topic_that_is_deleted_cannot_be_changed,
    a_change_that_was_not_accepted_leaves_the_topic_active,
    a_request_names_its_run,
    a_patch_merges_and_a_replacement_does_not,
    a_rejected_deletion_can_be_asked_for_again_with_another_reason,
);

async fn a_change_that_waits_leaves_the_topic_as_it_is(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod().partitions(6);
    root.approve(&orders.create().await.request_id()).await.ok();
    orders.active().await;

    let changed = orders.patch(json!({ "partitions": 12 })).await;

    changed.accepted().has_status("active");
    assert_eq!(changed.conditions(), ["ChangePending"]);
    assert_eq!(changed.body["partitions"], 6, "what is desired is what was accepted");
    let request = root.request(&changed.request_id()).await;
    let differences = request.body.pointer("/items/0/differences").unwrap();
    assert_eq!(*differences, json!([{ "field": "/partitions", "before": "6", "after": "12" }]));
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().partitions, 6);
    let again = orders.patch(json!({ "partitions": 12 })).await;
    assert_eq!(again.accepted().request_id(), changed.request_id(), "an equal change attaches");
    root.approve(&changed.request_id()).await.ok();
    let active = orders.active().await;
    assert!(active.conditions().is_empty());
    assert_eq!(active.body["partitions"], 12);
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().partitions, 12);
}

async fn a_deletion_that_waits_leaves_the_topic_until_it_is_approved(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod();
    root.approve(&orders.create().await.request_id()).await.ok();
    orders.active().await;

    let asked = orders.delete().await;

    asked.accepted().has_status("active");
    assert_eq!(asked.conditions(), ["ChangePending"]);
    assert_eq!(asked.text("/request/action"), "delete");
    assert_eq!(orders.delete().await.accepted().request_id(), asked.request_id());
    assert!(orbit.main().kafka.topic(&orders.physical()).is_some());
    root.reject(&asked.request_id(), "it is read still").await.ok();
    orders.active().await;
    orders.delete().await.problem(409, "request.rejected").says("it is read still");
    orders.patch(json!({ "description": "soon gone" })).await.ok();
}

async fn a_deletion_takes_the_topic_away(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;

    orbit.main().hold();

    let asked = orders.delete().await;

    asked.accepted().has_status("deleting");
    assert_eq!(asked.header("location"), format!("/v1/operations/{}", asked.operation_id()));
    orbit.main().release();
    assert_eq!(dev.operation_end(&asked.operation_id()).await.text("/state"), "succeeded");
    orders.get().await.no_topic();
    assert!(orbit.main().kafka.snapshot().is_empty());
    let anew = orders.made().await;
    assert_ne!(anew.id(), asked.id());
}

async fn a_create_under_way_cannot_be_changed_and_attaches_its_equal(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(6);
    orbit.main().hold();
    let created = orders.create().await;

    let equal = orders.create().await;

    assert_eq!(equal.accepted().operation_id(), created.operation_id());
    let running = orders.clone().partitions(7).create().await;
    running.problem(409, "operation.running").advises(&format!("GET /v1/operations/{}", created.operation_id()));
    orders.patch(json!({ "partitions": 7 })).await.problem(409, "operation.running");
    orders.delete().await.problem(409, "operation.running");
    orbit.main().release();
    orders.active().await;
    assert_eq!(orbit.main().kafka.made(&orders.physical()), 1);
}

async fn what_needs_no_cluster_is_done_at_once(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod();
    root.approve(&orders.create().await.request_id()).await.ok();
    orders.active().await;
    orbit.main().kafka.forget_calls();

    let patch = json!({ "description": "what is sold", "tags": ["sales"], "owner_contact": "#sales" });
    let changed = orders.patch(patch.clone()).await;

    assert_eq!(changed.ok().text("/description"), "what is sold");
    assert_eq!(changed.body["tags"], json!(["sales"]));
    assert!(orbit.main().kafka.calls().is_empty());
    let same = orders.patch(patch).await;
    assert_eq!(same.ok().body["revision"], changed.body["revision"], "nothing to do is no change");
    assert!(orders.patch(json!({ "description": null })).await.ok().lacks("/description"));
}

async fn settings_change_and_return_to_the_default(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").retention_ms(1000).config("max.message.bytes", "2000");
    orders.made().await;
    let foreign = "segment.ms";
    orbit.main().kafka.alter(&orders.physical(), foreign, Some("60000"));

    orders.patch(json!({ "retention_ms": null, "config": { "max.message.bytes": "3000" } })).await.accepted();
    orders.active().await;

    let topic = orbit.main().kafka.topic(&orders.physical()).unwrap();
    assert!(!topic.configs.contains_key("retention.ms"), "unset means the broker's default");
    assert_eq!(topic.configs["max.message.bytes"], "3000");
    assert_eq!(topic.configs[foreign], "60000", "what Orbit does not manage it leaves alone");
    assert!(orders.fresh().await.conditions().is_empty());
}

async fn partitions_cannot_shrink(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(6);
    orders.made().await;
    let denied = orders.patch(json!({ "partitions": 3 })).await;
    let why = "Denied: partitions cannot shrink from 6 to 3: Kafka would lose the records of the partitions removed";
    denied.denied().names("/partitions", why);
    orders.active().await;
}

async fn a_refused_change_leaves_cluster_and_record(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").retention_ms(1000);
    orders.made().await;
    orbit.main().kafka.fault_once(Method::ConfigsChange, Fault::FailBefore(KafkaErrorKind::Invalid));

    let changed = orders.patch(json!({ "retention_ms": 2000 })).await;

    let ended = dev.operation_end(&changed.accepted().operation_id()).await;
    assert_eq!(ended.text("/state"), "rolled-back");
    let seen = orders.active().await;
    assert_eq!(seen.body["retention_ms"], 1000);
    assert_eq!(seen.text("/operation/state"), "rolled-back");
    assert!(!seen.text("/operation/error/message").is_empty());
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().configs["retention.ms"], "1000");
    orders.patch(json!({ "retention_ms": 2000 })).await.accepted();
    assert_eq!(orders.active().await.body["retention_ms"], 2000);
}

async fn a_pending_create_is_withdrawn_and_dropped_by_its_deletion(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").in_prod();
    let id = orders.create().await.request_id();
    orders.delete().await.gone();
    orders.get().await.no_topic();
    assert_eq!(dev.request(&id).await.text("/state"), "withdrawn");
    orbit.root().approve(&id).await.problem(409, "request.decided");
    let trail = ["request.filed", "request.withdrawn", "topic.dropped"];
    assert_eq!(orbit.audit_of("payments/prod/orders").await, trail);
}

async fn deletion_protection_holds(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").with("deletion_protection", true);
    orders.made().await;
    let denied = orders.delete().await;
    denied.denied().limits("/deletion_protection", "topic.deletion-protected", None);
    orders.patch(json!({ "deletion_protection": false })).await.ok();
    orders.delete().await.going_or_gone();
    orders.vanished().await;
}

async fn failed_and_rejected_records_are_dropped(orbit: TestApp) {
    let dev = orbit.dev().await;
    let (failed, rejected) = (dev.topic("failed"), dev.topic("rejected").in_prod());
    orbit.main().refuse_next_create();
    failed.create().await.accepted();
    failed.settled("failed").await;
    orbit.root().reject(&rejected.create().await.request_id(), "no").await.ok();
    for topic in [failed, rejected] {
        topic.delete().await.gone();
        topic.get().await.no_topic();
    }
}

async fn a_failed_deletion_restores_the_topic(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    orbit.main().kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(KafkaErrorKind::Forbidden));
    let asked = orders.delete().await;
    let ended = dev.operation_end(&asked.accepted().operation_id()).await;
    assert_eq!(ended.text("/state"), "rolled-back");
    assert_eq!(ended.text("/error/code"), "kafka.forbidden");
    orders.active().await;
    orders.delete().await.going_or_gone();
    orders.vanished().await;
}

async fn a_topic_that_is_deleted_cannot_be_changed(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    orbit.main().hold();
    orders.delete().await.accepted();
    orders.patch(json!({ "partitions": 3 })).await.problem(409, "topic.deleting");
    orders.create().await.problem(409, "topic.deleting");
    orders.delete().await.going_or_gone();
    orbit.main().release();
    orders.vanished().await;
}

async fn a_change_that_was_not_accepted_leaves_the_topic_active(orbit: TestApp) {
    let root = orbit.root();
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), Duration::from_hours(90 * 24)).await;
    let orders = dev.topic("orders").in_prod().partitions(1);
    root.approve(&orders.create().await.request_id()).await.ok();
    orders.active().await;
    let change = async |partitions: u32| orders.patch(json!({ "partitions": partitions })).await.request_id();

    root.reject(&change(2).await, "not yet").await.ok();
    let seen = orders.active().await;
    assert_eq!((seen.text("/request/state"), seen.text("/request/reason")), ("rejected", "not yet"));
    orders.patch(json!({ "partitions": 2 })).await.problem(409, "request.rejected");
    dev.withdraw(&change(3).await).await.ok();
    let superseded = change(4).await;
    let last = change(5).await;
    assert_eq!(dev.request(&superseded).await.text("/state"), "superseded");
    orbit.pass(Duration::from_hours(15 * 24));
    until("the request expires", async || (dev.request(&last).await.text("/state") == "expired").then_some(())).await;

    let seen = orders.active().await;
    assert!(seen.conditions().is_empty());
    assert_eq!(seen.body["partitions"], 1);
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().partitions, 1);
}

async fn a_patch_merges_and_a_replacement_does_not(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3).config("segment.ms", "60000").config("flush.ms", "5");
    orders.made().await;

    let merged = json!({ "config": { "flush.ms": null, "min.insync.replicas": "1" } });
    orders.patch(merged).await.accepted();
    let seen = orders.active().await;
    assert_eq!(seen.body["config"], json!({ "segment.ms": "60000", "min.insync.replicas": "1" }), "RFC 7396");
    assert_eq!(seen.body["partitions"], 3);

    orders
        .replace(json!({ "partitions": 3, "config": { "flush.ms": "7" }, "description": "of the shop" }))
        .await
        .accepted();
    let seen = orders.active().await;
    assert_eq!((&seen.body["config"], &seen.body["description"]), (&json!({ "flush.ms": "7" }), &json!("of the shop")));
    let settings = orbit.main().kafka.topic(&orders.physical()).unwrap().configs;
    assert_eq!(settings.into_iter().collect::<Vec<_>>(), [("flush.ms".to_owned(), "7".to_owned())]);
    orders.patch(json!({ "config": null })).await.accepted();
    assert!(orders.active().await.lacks("/config"));
    let wrong = json!({ "partitons": 1, "retention_ms": "long", "config": { "flush.ms": 5 } });
    orders.replace(wrong).await.invalid().names("/partitons", "is no field that Orbit knows");
}

async fn a_rejected_deletion_can_be_asked_for_again_with_another_reason(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({ "require_deletion_approval_for": ["dev"] })).await;
    let orders = dev.topic("orders");
    orders.made().await;
    root.reject(&orders.delete().await.request_id(), "somebody reads it").await.ok();
    orders.delete().await.problem(409, "request.rejected").advises("another justification files it again");

    let again = dev.delete(&format!("{}?justification=they%20moved", orders.path())).await;

    let request = dev.request(&again.accepted().request_id()).await;
    assert_eq!((request.text("/state"), request.text("/justification")), ("pending", "they moved"));
    root.approve(&again.request_id()).await.ok();
    orders.vanished().await;
    dev.delete(&format!("{}?justify=x", orders.path()))
        .await
        .invalid()
        .names("justify", "is no parameter of this route");
}

async fn a_request_names_its_run(orbit: TestApp) {
    let dev = orbit.dev().await;
    for name in ["a", "b"] {
        let body = json!({ "workspace": "payments", "environment": "prod", "name": name });
        let call = dev.call(reqwest::Method::POST, "/v1/topics").header("orbit-run-id", "ci-4711");
        call.json(&body).send().await.accepted();
    }
    let requests = dev.all("/v1/requests", 10).await;
    assert!(requests.iter().all(|r| r["run_id"] == "ci-4711"), "{requests:?}");
}
