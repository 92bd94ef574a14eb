//! The rule book that holds, merged.

use crate::support::{TestApp, on_both, on_sqlite};
use serde_json::{Value, json};

on_both!(the_merged_rule_book_says_whose_word_each_rule_is);
on_sqlite!(
    who_is_no_member_reads_no_rule_book,
    what_contradicts_itself_is_told,
    the_stricter_of_two_limits_is_named,
    patterns_that_no_name_fits_are_refused,
);

const BOOK: &str = "/v1/topic-policies:effective?workspace=payments&environment=prod";

fn word(policy: &str, version: i64, layer: &str) -> Value {
    json!({ "policy": policy, "version": version, "layer": layer })
}

async fn the_merged_rule_book_says_whose_word_each_rule_is(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({
        "naming_pattern": "[a-z.]+", "partition_limits": { "min": 2, "max": 50 }, "require_approval_for": ["prod"],
        "auto_approve_patterns": ["tmp.*"], "required_request_fields": ["producers"], "deletion_lead_time_hours": 24,
        "allowed_configs": ["flush.ms", "segment.ms"], "config_rules": { "flush.ms": { "max": 9, "required": true } },
        "profiles": { "audit": { "partitions": 6 } }, "default_profile": "audit",
    }))
    .await;
    let own = json!({
        "name": "own", "scope": "workspace", "workspace": "payments", "partition_limits": { "min": 1, "max": 10 },
        "retention_limits": { "max": 1_000 }, "require_deletion_approval_for": ["prod"], "quorum": 2,
        "allowed_configs": ["flush.ms"], "config_rules": { "flush.ms": { "max": 5 } }, "deletion_protection_default": true,
        "profiles": { "audit": { "partitions": 9 }, "small": { "partitions": 2 } },
    });
    root.post("/v1/topic-policies", own).await.created();
    root.post("/v1/topic-policies", json!({ "name": "elsewhere", "scope": "platform", "environments": ["dev"] }))
        .await
        .created();

    let book = dev.get(BOOK).await;
    let (platform, own) = (word("platform", 2, "platform"), word("own", 1, "workspace"));
    let said = |value: Value, whose: &Value| {
        let mut said = whose.clone();
        said["value"] = value;
        said
    };
    let book = &book.ok().body;
    assert_eq!(book["policies"], json!([platform, own]));
    assert_eq!((&book["covered"], &book["contradictions"]), (&json!(true), &json!([])));
    assert_eq!(book["naming_patterns"], json!([said(json!("[a-z.]+"), &platform)]));
    let partitions = json!({ "min": said(json!(2), &platform), "max": said(json!(10), &own) });
    assert_eq!(book["partition_limits"], partitions);
    assert_eq!(book["retention_limits"], json!({ "max": said(json!(1_000), &own) }));
    assert_eq!(book["replication_factor_limits"], json!({}));
    assert_eq!(book["allowed_configs"], json!(["flush.ms"]));
    let flush = json!({ "required": platform, "limits": { "max": said(json!(5), &own) } });
    assert_eq!(book["config_rules"], json!({ "flush.ms": flush }));
    assert_eq!(book["required_request_fields"], json!({ "producers": platform }));
    let approvals = book["approvals"].as_array().unwrap();
    let asked: Vec<_> = approvals.iter().map(|a| (&a["policy"], &a["deletions"], &a["need"]["approvers"])).collect();
    assert_eq!(
        json!(asked),
        json!([["platform", false, "a platform admin"], ["own", true, "2 of: an admin of workspace payments"],])
    );
    assert_eq!(approvals[0]["auto_approve_patterns"], json!(["tmp.*"]));
    assert_eq!(book["deletion_lead_time_hours"], said(json!(24), &platform));
    assert_eq!(book["deletion_protection_default"], own);
    assert_eq!(book["profiles"]["audit"]["preset"], json!({ "partitions": 6 }), "the platform's goes first");
    assert_eq!(book["profiles"]["small"]["layer"], "workspace");
    assert_eq!(book["default_profile"], said(json!("audit"), &platform));
}

async fn who_is_no_member_reads_no_rule_book(orbit: TestApp) {
    orbit.stranger("x").await.get(BOOK).await.problem(404, "workspace.not-found");
    let viewer = orbit.person("v", orbit_server::auth::permission::Role::Viewer, "payments").await;
    viewer.get(BOOK).await.ok();
    viewer
        .get("/v1/topic-policies:effective?workspace=payments&environment=moon")
        .await
        .problem(404, "environment.not-found");
    let told = viewer.get("/v1/topic-policies:effective").await;
    told.invalid().names("workspace", "is missing").names("environment", "is missing");
}

async fn what_contradicts_itself_is_told(orbit: TestApp) {
    let root = orbit.root();
    root.platform_policy(json!({ "partition_limits": { "max": 5 }, "naming_pattern": "[a-z]+" })).await;
    let own = json!({
        "name": "own", "scope": "workspace", "workspace": "payments", "partition_limits": { "min": 6 },
        "naming_pattern": "[0-9]+",
    });
    root.post("/v1/topic-policies", own).await.created();
    let told = root.get(BOOK).await.body["contradictions"].clone();
    assert_eq!(
        told,
        json!([
            "partitions: policy own wants at least 6, policy platform at most 5",
            "names: no name fits [a-z]+ of platform and [0-9]+ of own",
        ])
    );
}

async fn the_stricter_of_two_limits_is_named(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let tight = json!({ "name": "tight", "scope": "platform", "partition_limits": { "max": 5 } });
    root.post("/v1/topic-policies", tight).await.created();
    let told = dev.topic("orders").partitions(60).evaluate("create").await;
    let violations = told.body.pointer("/items/0/verdict/violations").unwrap().as_array().unwrap();
    let each: Vec<_> = violations.iter().map(|v| (v["policy"].as_str().unwrap(), v["overruled_by"].as_str())).collect();
    assert_eq!(each, [("platform", Some("tight")), ("tight", None)]);
}

async fn patterns_that_no_name_fits_are_refused(orbit: TestApp) {
    let root = orbit.root();
    let rules = json!({ "naming_pattern": "orders v[0-9]+", "auto_approve_patterns": ["a", "x{300}"] });
    let told = root.put("/v1/topic-policies/platform", rules).await;
    told.invalid()
        .names("/naming_pattern", "is orders v[0-9]+, which no legal topic name fits")
        .names("/auto_approve_patterns/1", "is x{300}, which no legal topic name fits");
    root.put("/v1/topic-policies/platform", json!({ "default_profile": "audit" }))
        .await
        .invalid()
        .names("/default_profile", "is audit, and the policy has no such profile");
}
