//! What policy allows goes ahead, what it forbids leaves no trace but one line of the audit trail.

use crate::support::{TestApp, on_both};
use serde_json::json;

on_both!(
    what_policy_allows_is_made_at_once,
    a_topic_over_the_platform_limit_is_denied_with_the_rule_that_won,
    every_violation_is_told_in_one_answer,
    a_denial_is_not_kept_under_the_idempotency_key,
);

async fn what_policy_allows_is_made_at_once(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(6).retention_ms(3_600_000).config("min.insync.replicas", "2");

    orbit.main().hold();

    let created = orders.create().await;

    created.accepted().has_status("provisioning");
    assert_eq!(created.header("location"), format!("/v1/operations/{}", created.operation_id()));
    orbit.main().release();
    let operation = dev.operation_end(&created.operation_id()).await;
    assert_eq!(operation.text("/state"), "succeeded");
    let active = orders.active().await;
    assert_eq!(active.text("/physical_name"), "dev.payments.orders");
    assert_eq!(active.text("/cluster"), "main");
    assert_eq!(active.body["approval_required"], false);
    let made = orbit.main().kafka.topic("dev.payments.orders").unwrap();
    assert_eq!(active.text("/kafka_topic_id"), made.id.to_string());
    assert_eq!(made.partitions, 6);
    assert_eq!(made.configs["retention.ms"], "3600000");
    assert_eq!(made.configs["min.insync.replicas"], "2");
}

async fn a_topic_over_the_platform_limit_is_denied_with_the_rule_that_won(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(60);
    let before = orbit.dump_of_work().await;

    let denied = orders.create().await;

    let problem = denied.denied();
    problem.says("Denied: exceeds platform limit of 50 partitions");
    problem.names("/partitions", "Denied: exceeds platform limit of 50 partitions");
    problem.limits("/partitions", "topic.partitions.limit", Some("50"));
    assert_eq!(problem.field("/partitions")["value"], "60");
    let rule = problem.field("/partitions")["rule"].as_str().unwrap();
    assert_eq!(rule, "partition_limits.max of \"platform\" (platform policy, version 1)");
    assert_eq!(orbit.dump_of_work().await, before, "nothing was filed");
    assert_eq!(orbit.audit_of(&orders.key()).await, ["request.denied"]);
    orders.get().await.no_topic();
}

async fn every_violation_is_told_in_one_answer(orbit: TestApp) {
    let dev = orbit.dev().await;
    let rules = json!({ "partition_limits": { "max": 50 }, "retention_limits": { "max": 1000 }, "naming_pattern": "[a-z]+\\.v[0-9]+" });
    orbit.root().platform_policy(rules).await;

    let denied = dev.topic("orders").partitions(60).retention_ms(2000).config("retentoin.ms", "5").create().await;

    let problem = denied.denied();
    assert_eq!(problem.pointers(), ["/config/retentoin.ms", "/name", "/partitions", "/retention_ms"]);
    problem.says("(and 3 more)");
    assert_eq!(problem.field("/config/retentoin.ms")["remedy"], "did you mean retention.ms?");
}

async fn a_denial_is_not_kept_under_the_idempotency_key(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(60);
    orders.create_once("k-1").await.denied();
    orbit.root().platform_policy(json!({ "partition_limits": { "max": 60 } })).await;

    orders.create_once("k-1").await.accepted();

    orders.active().await;
}
