//! What happens past Orbit: told field by field, reverted on request, never touched where it is not Orbit's.

use crate::support::{TestApp, on_both, on_sqlite};
use serde_json::json;

on_both!(a_changed_field_is_told_and_reverted, a_topic_that_was_deleted_past_orbit_is_made_again);
on_sqlite!(
    drift_of_several_kinds_is_told_as_it_is,
    a_topic_that_was_recreated_is_not_touched,
    a_recreated_topic_is_dropped_and_the_foreign_one_left_alone,
    a_topic_grown_past_orbit_cannot_be_led_back,
    an_unmanaged_topic_is_denied_at_submit_once_it_was_seen,
    an_unmanaged_topic_that_was_not_seen_fails_the_operation,
    a_fresh_list_asks_each_cluster_once,
    what_cannot_be_reached_keeps_what_was_seen,
);

async fn a_changed_field_is_told_and_reverted(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3).retention_ms(1000).config("max.message.bytes", "2000");
    orders.made().await;
    assert!(orders.fresh().await.conditions().is_empty());
    orbit.main().kafka.alter(&orders.physical(), "retention.ms", Some("5000"));
    assert!(orders.get().await.conditions().is_empty(), "nobody has looked yet");

    let seen = orders.fresh().await;

    assert_eq!(seen.body["drift"], json!([{ "field": "/retention_ms", "before": "1000", "after": "5000" }]));
    assert_eq!(seen.conditions(), ["Drifted"]);
    assert_eq!(seen.text("/conditions/0/message"), "the cluster differs in retention_ms");
    assert_eq!(seen.body["retention_ms"], 1000, "what is desired stays");
    assert_eq!(seen.text("/observed/config/retention.ms"), "5000");
    orders.patch(json!({ "retention_ms": 1000 })).await.accepted();
    orders.active().await;
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().configs["retention.ms"], "1000");
    assert_eq!(orders.fresh().await.body["drift"], json!([]));
}

async fn a_topic_that_was_deleted_past_orbit_is_made_again(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3);
    let made = orders.made().await;
    orbit.main().kafka.remove(&orders.physical());

    let seen = orders.fresh().await;

    assert_eq!(seen.conditions(), ["Drifted"]);
    assert!(seen.text("/conditions/0/message").contains("somebody deleted it past Orbit"));
    assert_eq!(seen.body["observed"]["present"], false);
    orders.patch(json!({ "partitions": 3 })).await.accepted();
    let again = orders.active().await;
    assert_eq!(again.id(), made.id());
    assert_ne!(again.text("/kafka_topic_id"), made.text("/kafka_topic_id"));
    assert!(orders.fresh().await.conditions().is_empty());
}

async fn drift_of_several_kinds_is_told_as_it_is(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3).retention_ms(1000);
    orders.made().await;
    let kafka = orbit.main().kafka;
    kafka.alter(&orders.physical(), "retention.ms", None);
    kafka.alter(&orders.physical(), "segment.ms", Some("7"));
    kafka.edit(&orders.physical(), |topic| topic.partitions = 5);
    let seen = orders.fresh().await;
    let fields: Vec<_> = seen.body["drift"].as_array().unwrap().iter().map(|d| d["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["/partitions", "/retention_ms"], "what Orbit does not manage is no drift");
}

async fn a_topic_that_was_recreated_is_not_touched(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").retention_ms(1000);
    orders.made().await;
    orbit.main().kafka.recreate(&orders.physical());

    let seen = orders.fresh().await;

    assert!(seen.text("/conditions/0/message").contains("is not the one that Orbit made"));
    let refused = orders.patch(json!({ "retention_ms": 2000 })).await;
    refused
        .problem(409, "topic.recreated")
        .advises("or delete the topic here, which leaves the one on the cluster alone");
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().configs["retention.ms"], "1000");
}

async fn a_recreated_topic_is_dropped_and_the_foreign_one_left_alone(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    let foreign = orbit.main().kafka.recreate(&orders.physical());
    orders.delete().await.going_or_gone();
    orders.vanished().await;
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().id, foreign);
    assert!(orbit.main().kafka.deleted().is_empty());
}

async fn a_topic_grown_past_orbit_cannot_be_led_back(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3);
    orders.made().await;
    orbit.main().kafka.edit(&orders.physical(), |topic| topic.partitions = 5);
    orders.fresh().await.ok();
    let denied = orders.patch(json!({ "partitions": 3 })).await;
    denied.denied().says("Denied: partitions cannot shrink from 5 to 3");
    orders.patch(json!({ "partitions": 5 })).await.accepted();
    orders.active().await;
    assert!(orders.fresh().await.conditions().is_empty());
}

async fn an_unmanaged_topic_is_denied_at_submit_once_it_was_seen(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orbit.main().kafka.put(&orders.physical(), 1, &[]);
    orbit.looked_at("main").await;
    let denied = orders.create().await;
    let why = "Denied: a topic named dev.payments.orders is on cluster main already, and Orbit does not manage it";
    denied.denied().names("/name", why);
    orbit.main().kafka.remove(&orders.physical());
    orbit.looked_at("main").await;
    orders.made().await;
}

async fn an_unmanaged_topic_that_was_not_seen_fails_the_operation(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    let foreign = orbit.main().kafka.put(&orders.physical(), 1, &[]);
    let created = orders.create().await;
    let ended = dev.operation_end(&created.operation_id()).await;
    assert_eq!(ended.text("/state"), "rolled-back");
    assert_eq!(ended.text("/error/code"), "topic.unmanaged");
    let why = "a topic named dev.payments.orders is on the cluster already, and Orbit does not manage it: \
               choose another name, or have it removed by its owner";
    assert_eq!(ended.text("/error/message"), why);
    orders.settled("failed").await;
    assert_eq!(orbit.main().kafka.topic(&orders.physical()).unwrap().id, foreign);
    orders.delete().await.gone();
    assert!(orbit.main().kafka.topic(&orders.physical()).is_some());
}

async fn a_fresh_list_asks_each_cluster_once(orbit: TestApp) {
    use orbit_core::testing::Method::TopicsDescribe;
    let dev = orbit.dev().await;
    for i in 0..5 {
        dev.topic(&format!("t{i}")).made().await;
    }
    let before = orbit.main().kafka.calls_of(TopicsDescribe);
    let seen = dev.get("/v1/topics?workspace=payments&observe=fresh").await;
    assert_eq!(seen.count(), 5);
    assert!(!seen.lacks("/items/4/observed"));
    assert_eq!(orbit.main().kafka.calls_of(TopicsDescribe), before + 1);
}

async fn what_cannot_be_reached_keeps_what_was_seen(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    let seen = orders.fresh().await;
    orbit.main().go_down();
    let kept = orders.fresh().await;
    assert_eq!(kept.ok().text("/observed/at"), seen.text("/observed/at"));
    // The look that failed asks for a look at the cluster.
    let unreachable = crate::support::until("the cluster is known to be down", async || {
        Some(orders.get().await).filter(|seen| !seen.conditions().is_empty())
    })
    .await;
    assert_eq!(unreachable.conditions(), ["ClusterUnreachable"]);
}
