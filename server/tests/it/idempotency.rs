//! Lost replies: asked twice, done once.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

on_both!(
    the_same_call_under_a_key_gets_the_same_answer,
    a_key_stands_for_one_call,
    two_at_once_under_a_key_do_it_once,
    two_equal_creates_at_once_do_it_once,
    a_lost_reply_is_answered_again_until_the_topic_was_seen,
    many_topics_are_seen_in_one_call,
    a_decision_under_a_key_is_taken_once,
);
on_sqlite!(
    decisions_on_several_under_a_key_are_answered_again,
    a_key_is_forgotten_after_a_day,
    a_key_belongs_to_its_principal,
    changes_and_deletions_are_answered_again_under_a_key,
    what_the_platform_team_creates_is_created_once_under_a_key,
);

async fn the_same_call_under_a_key_gets_the_same_answer(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").in_prod();
    let first = orders.create_once("k-1").await;
    let before = orbit.dump_of_work().await;

    let again = orders.create_once("k-1").await;

    assert_eq!(first.accepted().body, again.accepted().body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(orbit.dump_of_work().await, before);
    assert_eq!(orbit.audit_of("payments/prod/orders").await, ["request.filed"]);
}

async fn a_key_stands_for_one_call(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.topic("orders").create_once("k-1").await.accepted();
    let other = dev.topic("invoices").create_once("k-1").await;
    other.problem(422, "idempotency-key").advises("send a fresh random key");
    dev.topic("invoices").get().await.no_topic();
}

async fn two_at_once_under_a_key_do_it_once(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    let (a, b) = tokio::join!(orders.create_once("k-1"), orders.create_once("k-1"));
    assert_eq!(a.accepted().id(), b.accepted().id());
    assert_eq!(a.operation_id(), b.operation_id());
    orders.active().await;
    assert_eq!(orbit.main().kafka.made(&orders.physical()), 1);
    assert_eq!(orbit.root().get("/v1/requests").await.count(), 1);
}

async fn two_equal_creates_at_once_do_it_once(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let (hers, orders) = (eve.topic("orders").in_prod(), dev.topic("orders").in_prod());
    let (a, b, c) = tokio::join!(orders.create(), hers.create(), orders.create());
    assert_eq!(a.accepted().request_id(), b.accepted().request_id());
    assert_eq!(a.request_id(), c.accepted().request_id());
    assert_eq!(orbit.root().get("/v1/requests").await.count(), 1);
}

async fn a_lost_reply_is_answered_again_until_the_topic_was_seen(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let orders = dev.topic("orders.v1").partitions(3);
    let made = orders.made().await;

    let again = orders.create().await;
    assert_eq!(again.created().id(), made.id(), "nobody has seen it yet");
    orders.clone().partitions(4).create().await.problem(409, "topic.exists");
    eve.topic("orders.v1").partitions(3).create().await.problem(409, "topic.exists");
    orders.acknowledge().await.ok();

    let late = orders.create().await;

    late.problem(409, "topic.exists").says("topic payments/dev/orders.v1 exists already");
    late.problem(409, "topic.exists").advises("terraform import orbit_kafka_topic.orders_v1 payments/dev/orders.v1");
}

async fn many_topics_are_seen_in_one_call(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let (orders, refunds) = (dev.topic("orders"), dev.topic("refunds"));
    let ids = [orders.made().await.id(), refunds.made().await.id()];
    assert_eq!(orders.get().await.ok().body["acknowledged"], false);

    eve.post("/v1/topics:acknowledge", json!({ "topics": ids })).await.gone();
    assert_eq!(orders.create().await.created().id(), ids[0], "she did not ask for them");
    dev.post("/v1/topics:acknowledge", json!({ "topics": ids })).await.gone();
    orders.create().await.problem(409, "topic.exists");
    refunds.create().await.problem(409, "topic.exists");
    assert_eq!(orders.get().await.ok().body["acknowledged"], true);

    let wrong = dev.post("/v1/topics:acknowledge", json!({ "topics": ["orders"] })).await;
    wrong.invalid().says("is no id of a topic");
    let many = vec![ids[0].clone(); 1_001];
    dev.post("/v1/topics:acknowledge", json!({ "topics": many })).await.invalid().limits(
        "/topics",
        "length",
        Some("1000"),
    );
}

async fn a_decision_under_a_key_is_taken_once(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let path = format!("/v1/requests/{id}/approve");
    let approve = async || root.call(Method::POST, &path).key("yes").json(&json!({})).send().await;

    let first = approve().await;
    let again = approve().await;

    assert_eq!(first.ok().text("/operation_id"), again.ok().text("/operation_id"));
    root.approve(&id).await.problem(409, "request.decided");
}

async fn decisions_on_several_under_a_key_are_answered_again(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let ids =
        [dev.topic("a").in_prod().create().await.request_id(), dev.topic("b").in_prod().create().await.request_id()];
    let decide = async |decision: &str| {
        let body = json!({ "requests": ids, "decision": decision, "words": "so" });
        root.call(Method::POST, "/v1/requests:decide").key("both").json(&body).send().await
    };

    let first = decide("approve").await;
    let again = decide("approve").await;

    for (n, id) in ids.iter().enumerate() {
        let operation = format!("/items/{n}/request/operation_id");
        assert_eq!(first.text(&operation), again.text(&operation), "{id}");
    }
    let other = decide("reject").await;
    assert_eq!(other.text("/items/0/problem/code"), "idempotency-key");
}

async fn a_key_is_forgotten_after_a_day(orbit: TestApp) {
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), Duration::from_hours(90)).await;
    dev.topic("orders").create_once("k-1").await.accepted();
    orbit.pass(Duration::from_hours(25));
    let invoices = dev.topic("invoices");
    crate::support::until("the key is forgotten", async || {
        (invoices.create_once("k-1").await.status == 202).then_some(())
    })
    .await;
}

async fn a_key_belongs_to_its_principal(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    dev.topic("orders").create_once("k-1").await.accepted();
    eve.topic("invoices").create_once("k-1").await.accepted();
}

async fn changes_and_deletions_are_answered_again_under_a_key(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    let patch = json!({ "partitions": 3 });
    let change = async || dev.call(Method::PATCH, &orders.path()).key("k-1").json(&patch).send().await;
    let delete = async |key: &str| dev.call(Method::DELETE, &orders.path()).key(key).send().await;
    let first = change().await;
    orders.active().await;
    assert_eq!(first.accepted().operation_id(), change().await.accepted().operation_id());
    delete("k-1").await.problem(422, "idempotency-key");
    delete("k-2").await.going_or_gone();
    orders.vanished().await;
    delete("k-2").await.gone();
    delete("k-3").await.no_topic();
    change().await.no_topic();
    // Whoever lost their role since sees nothing more, under their old key either.
    let memberships = dev.get("/v1/whoami").await.body["memberships"].clone();
    let bills = dev.topic("bills");
    bills.create_once("k-4").await.accepted();
    orbit.root().delete(&format!("/v1/memberships/{}", memberships[0]["id"].as_str().unwrap())).await.gone();
    bills.create_once("k-4").await.no_topic();
    // Elsewhere a key does no harm.
    let elsewhere = "/v1/workspaces/payments";
    orbit.root().call(Method::PATCH, elsewhere).key("k").json(&json!({ "display_name": "P" })).send().await.ok();
}

async fn what_the_platform_team_creates_is_created_once_under_a_key(orbit: TestApp) {
    let root = orbit.root();
    let connection = json!({ "bootstrap_servers": ["main.test:9092"], "security_protocol": "PLAINTEXT" });
    for (path, body) in [
        ("/v1/workspaces", json!({ "slug": "sales" })),
        ("/v1/environments", json!({ "slug": "staging" })),
        ("/v1/clusters", json!({ "slug": "second", "connection": connection })),
        ("/v1/environment-mappings", json!({ "environment": "staging", "cluster": "second" })),
        ("/v1/topic-policies", json!({ "name": "more", "scope": "platform" })),
        ("/v1/principals", json!({ "name": "ci" })),
        ("/v1/memberships", json!({ "principal": "ci", "role": "member", "workspace": "sales" })),
    ] {
        let post = async |key: &str| root.call(Method::POST, path).key(key).json(&body).send().await;
        let first = post(&format!("key of {path}")).await;
        let again = post(&format!("key of {path}")).await;
        assert_eq!(first.created().id(), again.created().id(), "{path}");
        let noun_exists = post("another").await;
        assert_eq!(noun_exists.is(409).text("/code").rsplit('.').next(), Some("exists"), "{path}");
        post("another").await.is(409);
    }
}
