//! What a policy says of Kafka's topic settings.

use crate::support::{TestApp, on_both, on_sqlite};
use serde_json::json;

on_both!(settings_are_judged_by_the_policys_rules);
on_sqlite!(
    what_is_not_set_is_judged_at_the_clusters_default,
    a_value_that_is_no_number_is_within_no_bounds,
    wrong_rules_are_told
);

async fn settings_are_judged_by_the_policys_rules(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let rules = json!({
        "allowed_configs": ["retention.ms", "cleanup.policy", "max.message.bytes", "segment.ms"],
        "config_rules": {
            "cleanup.policy": { "required": true, "values": ["compact,delete", "delete"] },
            "max.message.bytes": { "min": 1_000, "max": 2_000_000 },
            "segment.ms": { "forbidden": true },
        },
    });
    root.put("/v1/topic-policies/platform", rules.clone()).await.ok();
    assert_eq!(root.get("/v1/topic-policies/platform").await.body["config_rules"], rules["config_rules"]);

    let orders = || dev.topic("orders");
    let denied = orders()
        .config("flush.ms", "5")
        .config("segment.ms", "1")
        .config("max.message.bytes", "3000000")
        .create()
        .await;
    denied
        .denied()
        .names("/cleanup_policy", "Denied: the platform requires cleanup.policy to be set")
        .names("/config/flush.ms", "Denied: the platform allows only some settings, and flush.ms is none of them")
        .names(
            "/config/max.message.bytes",
            "Denied: max.message.bytes is 3000000, which exceeds the platform limit of 2000000",
        )
        .names("/config/segment.ms", "Denied: the platform forbids to set segment.ms");
    let compact = orders().with("cleanup_policy", "compact").create().await;
    compact
        .denied()
        .names("/cleanup_policy", "Denied: cleanup.policy is compact, and the platform allows compact,delete, delete");
    let fine = orders().config("cleanup.policy", "delete,compact").config("max.message.bytes", "2000000");
    assert_eq!(fine.evaluate("create").await.decision(0), "allow");
    fine.made().await;
    let told = fine.patch(json!({ "config": { "max.message.bytes": "999" } })).await;
    told.denied().names(
        "/config/max.message.bytes",
        "Denied: max.message.bytes is 999, which is below the platform limit of 1000",
    );
}

async fn what_is_not_set_is_judged_at_the_clusters_default(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let rules = json!({ "config_rules": { "retention.bytes": { "max": 1_000 }, "vendor.setting": { "max": 5 } } });
    root.put("/v1/topic-policies/platform", rules).await.ok();
    let denied = dev.topic("orders").create().await;
    denied.denied().names(
        "/config/retention.bytes",
        "Denied: retention.bytes is not set, the cluster's default is -1, which exceeds the platform limit of 1000",
    );
    denied.denied().names(
        "/config/vendor.setting",
        "Denied: vendor.setting is not set, the platform limits it, and the cluster's default is not known",
    );
}

/// What a setting takes that Kafka's documentation does not know, is not known either.
async fn a_value_that_is_no_number_is_within_no_bounds(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let rules = json!({ "config_rules": { "vendor.setting": { "max": 5 } } });
    root.put("/v1/topic-policies/platform", rules).await.ok();
    let denied = dev.topic("orders").config("vendor.setting", "many").create().await;
    denied.denied();
    let told: Vec<_> = denied.body["errors"].as_array().unwrap().iter().map(|e| &e["detail"]).collect();
    let unknown = "Denied: Kafka has no topic setting vendor.setting";
    assert_eq!(told, [unknown, "Denied: vendor.setting is many, and the platform limits it as a whole number"]);
}

async fn wrong_rules_are_told(orbit: TestApp) {
    let rules = json!({ "config_rules": {
        "a": { "forbidden": true, "required": true }, "b": { "min": 5, "max": 1 }, "c": { "min": -2 }, "d": { "most": 1 },
        "cleanup.policy": { "values": ["compact", "deleted"] }, "min.cleanable.dirty.ratio": { "max": 1 },
    } });
    let refused = orbit.root().put("/v1/topic-policies/platform", rules).await;
    refused
        .invalid()
        .limits("/config_rules/a", "format", None)
        .limits("/config_rules/b", "range", None)
        .limits(
            "/config_rules/cleanup.policy/values/1",
            "format",
            Some("a list, separated by commas, of compact, delete"),
        )
        .limits("/config_rules/min.cleanable.dirty.ratio", "format", None)
        .limits("/config_rules/c/min", "range", Some("-1..9223372036854775807"))
        .limits("/config_rules/d/most", "unknown-field", None);
}
