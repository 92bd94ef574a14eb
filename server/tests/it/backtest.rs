//! A draft of a policy over the topics that are there, and policies that would lock everybody out.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::json;

on_both!(a_draft_is_tried_on_the_whole_estate);
on_sqlite!(
    a_draft_takes_the_place_of_the_policy_of_its_name,
    a_workspace_tries_its_own_policy_on_its_own_topics,
    a_back_test_changes_nothing_and_says_what_is_wrong,
    what_would_lock_everybody_out_has_to_be_confirmed,
    a_restored_version_may_lock_out_too,
);

const TEST: &str = "/v1/topic-policies:backtest";

async fn a_draft_is_tried_on_the_whole_estate(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    let ship = orbit.person("ship", Role::Member, "shipping").await;
    dev.topic("small").partitions(2).made().await;
    dev.topic("large").partitions(20).made().await;
    ship.topic("large").of("shipping").partitions(30).create().await.accepted();
    let waits = dev.topic("prod").in_prod().partitions(3).create().await.request_id();
    let refused = dev.topic("refused").in_prod().partitions(40).create().await.request_id();
    root.reject(&refused, "no").await.ok();

    let draft = json!({
        "name": "tight", "scope": "platform", "partition_limits": { "max": 10 }, "naming_pattern": "[a-z]+",
        "require_approval_for": ["dev"], "required_request_fields": ["producers"],
    });
    let told = root.post(TEST, json!({ "draft": draft })).await;
    assert_eq!(told.ok().body["topics"], 4, "what was refused is not there");
    assert_eq!(told.body["today"], json!({ "allow": 3, "needs_approval": 1, "deny": 0 }));
    assert_eq!(told.body["then"], json!({ "allow": 0, "needs_approval": 2, "deny": 2 }));
    assert_eq!((&told.body["changed"], &told.body["locks_out"]), (&json!(3), &json!({})));
    let items = told.body["items"].as_array().unwrap();
    let mut each: Vec<_> =
        items.iter().map(|i| [&i["topic"], &i["today"], &i["then"]["decision"]].map(|v| v.as_str().unwrap())).collect();
    each.sort_unstable();
    assert_eq!(
        each,
        [
            ["payments/dev/large", "allow", "deny"],
            ["payments/dev/small", "allow", "needs-approval"],
            ["payments/prod/prod", "needs-approval", "needs-approval"],
            ["shipping/dev/large", "allow", "deny"],
        ]
    );
    let large = items.iter().find(|i| i["topic"] == "payments/dev/large").unwrap();
    assert_eq!(large["then"]["violations"][0]["message"], "Denied: exceeds platform limit of 10 partitions");
    // As many as asked for, those that change first.
    let few = root.post(TEST, json!({ "draft": draft, "limit": 3 })).await;
    assert_eq!(few.body["items"].as_array().unwrap().len(), 3);
    assert!(few.body["items"].as_array().unwrap().iter().all(|i| i["today"] == "allow"));
    root.request(&waits).await.ok();
}

async fn a_draft_takes_the_place_of_the_policy_of_its_name(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    dev.topic("orders").partitions(20).made().await;
    let tight = json!({ "name": "tight", "scope": "platform", "partition_limits": { "max": 20 } });
    root.post("/v1/topic-policies", tight).await.created();
    let draft = json!({ "name": "tight", "scope": "platform", "partition_limits": { "max": 19 } });
    let told = root.post(TEST, json!({ "draft": draft })).await;
    assert_eq!((&told.body["today"]["allow"], &told.body["then"]["deny"]), (&json!(1), &json!(1)));
    let lifted = root
        .post(TEST, json!({ "draft": { "name": "platform", "scope": "platform", "environments": ["prod"] } }))
        .await;
    assert_eq!(lifted.body["then"]["allow"], 1, "the other one covers it still");
    let dropped = json!({ "name": "tight", "scope": "workspace", "workspace": "payments" });
    root.post(TEST, json!({ "draft": dropped })).await.invalid().field("/draft/name");
}

async fn a_workspace_tries_its_own_policy_on_its_own_topics(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    root.topic("theirs").of("shipping").partitions(20).create().await.accepted();
    dev.topic("ours").partitions(20).made().await;
    let draft =
        json!({ "name": "own", "scope": "workspace", "workspace": "payments", "partition_limits": { "max": 5 } });
    let told = lead.post(TEST, json!({ "draft": draft })).await;
    assert_eq!((&told.ok().body["topics"], &told.body["then"]["deny"]), (&json!(1), &json!(1)));
    dev.post(TEST, json!({ "draft": draft })).await.problem(403, "forbidden");
    lead.post(TEST, json!({ "draft": { "name": "x", "scope": "platform" } })).await.problem(403, "forbidden");
}

async fn a_back_test_changes_nothing_and_says_what_is_wrong(orbit: TestApp) {
    let root = orbit.root();
    let before = root.all("/v1/topic-policies", 100).await;
    root.post(TEST, json!({ "draft": { "name": "x", "scope": "platform", "partition_limits": { "max": 1 } } }))
        .await
        .ok();
    assert_eq!(root.all("/v1/topic-policies", 100).await, before);
    let wrong = json!({ "draft": { "name": "X", "scope": "platform", "partition_limits": { "min": 2, "max": 1 } }, "limit": 1_001 });
    let told = root.post(TEST, wrong).await;
    told.invalid().field("/draft/name");
    told.invalid().field("/draft/partition_limits");
    told.invalid().field("/limit");
}

async fn what_would_lock_everybody_out_has_to_be_confirmed(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let policy =
        json!({ "name": "hot", "scope": "platform", "environments": ["dev"], "partition_limits": { "min": 51 } });
    let refused = root.post("/v1/topic-policies", policy.clone()).await;
    refused.problem(409, "policy.locks-out").advises("?confirm=dev");
    let why = "no topic could be created any more in dev (partitions: policy hot wants at least 51, policy platform at most 50)";
    assert_eq!(refused.text("/detail"), why);
    let refused = root.post("/v1/topic-policies?confirm=prod", policy.clone()).await;
    refused.problem(409, "policy.locks-out").advises("?confirm=dev");
    let told = root.post(TEST, json!({ "draft": policy })).await;
    assert_eq!(told.body["locks_out"].as_object().unwrap().keys().collect::<Vec<_>>(), ["dev"]);
    root.post("/v1/topic-policies?confirm=dev", policy).await.created();
    dev.topic("orders").partitions(51).create().await.denied();

    // It contradicts itself already: a change for the better or for another reason needs no leave.
    root.put("/v1/topic-policies/hot", json!({ "environments": ["dev"], "partition_limits": { "min": 52 } }))
        .await
        .ok();
    root.put("/v1/topic-policies/hot", json!({})).await.ok();
    // Three brokers are all there are.
    let many = json!({ "replication_factor_limits": { "min": 4 } });
    root.put("/v1/topic-policies/hot", many).await.problem(409, "policy.locks-out").advises("?confirm=dev,prod");
    // A workspace that locks itself out harms nobody else.
    let own =
        json!({ "name": "own", "scope": "workspace", "workspace": "payments", "partition_limits": { "min": 51 } });
    root.post("/v1/topic-policies", own).await.created();
    root.post("/v1/topic-policies?confirm=Dev", json!({ "name": "x", "scope": "platform" }))
        .await
        .invalid()
        .field("confirm");
}

async fn a_restored_version_may_lock_out_too(orbit: TestApp) {
    let root = orbit.root();
    root.platform_policy(json!({ "partition_limits": { "max": 5 } })).await;
    let hot = json!({ "name": "hot", "scope": "platform", "partition_limits": { "min": 6 } });
    root.post("/v1/topic-policies?confirm=dev,prod", hot).await.created();
    root.platform_policy(json!({ "partition_limits": { "max": 50 } })).await;
    let path = "/v1/topic-policies/platform/restore";
    root.post(path, json!({ "version": 2 })).await.problem(409, "policy.locks-out");
    root.post(&format!("{path}?confirm=dev,prod"), json!({ "version": 2 })).await.ok();
}
