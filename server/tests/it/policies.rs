//! What a policy said before, who wrote it, and how it says so again.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(versions_are_kept_and_one_can_hold_again);
on_sqlite!(
    a_version_is_restored_by_who_may_write_the_policy,
    a_version_that_cannot_hold_again_is_told,
    what_a_policy_names_is_there,
);

const VERSIONS: &str = "/v1/topic-policies/p/versions";
const RESTORE: &str = "/v1/topic-policies/p/restore";

fn limited(max: i64) -> Value {
    json!({ "partition_limits": { "max": max } })
}

async fn versions_are_kept_and_one_can_hold_again(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let first = json!({ "name": "p", "scope": "platform", "partition_limits": { "max": 9 } });
    root.post("/v1/topic-policies", first).await.created();
    root.put("/v1/topic-policies/p", limited(2)).await.ok();
    dev.topic("orders").with("partitions", 5).create().await.denied();

    let restored = root.call(Method::POST, RESTORE).if_match("\"2\"").json(&json!({ "version": 1 })).send().await;

    assert_eq!((&restored.ok().body["version"], restored.etag()), (&json!(3), "\"3\"".to_owned()));
    assert_eq!(restored.body["partition_limits"], json!({ "max": 9 }));
    dev.topic("orders").with("partitions", 5).made().await;
    // A page after the other.
    let versions = dev.all(VERSIONS, 1).await;
    let told: Vec<_> = versions.iter().map(|v| (&v["policy"]["version"], &v["policy"]["partition_limits"])).collect();
    let (two, nine) = (json!({ "max": 2 }), json!({ "max": 9 }));
    assert_eq!(told, [(&json!(3), &nine), (&json!(2), &two), (&json!(1), &nine)]);
    let now = root.get("/v1/topic-policies/p").await;
    assert_eq!(versions[0]["policy"], now.body, "the newest is what holds");
    assert!(versions.iter().all(|v| v["written_by"] == versions[0]["written_by"] && v["written_by"].is_string()));
    assert_eq!(orbit.audit_of("p").await, ["topic-policy.created", "topic-policy.replaced", "topic-policy.restored"]);

    let old = root.call(Method::POST, RESTORE).if_match("\"2\"").json(&json!({ "version": 2 })).send().await;
    old.problem(412, "stale");
    let once = || root.call(Method::POST, RESTORE).header("idempotency-key", "k").json(&json!({ "version": 2 })).send();
    assert_eq!(once().await.ok().body["version"], 4);
    assert_eq!(once().await.ok().body["version"], 4, "repeated, it is restored once");
}

async fn a_version_is_restored_by_who_may_write_the_policy(orbit: TestApp) {
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let dev = orbit.dev().await;
    orbit.root().post("/v1/workspaces", json!({ "slug": "media" })).await.created();
    let stranger = orbit.person("stranger", Role::Admin, "media").await;
    let ours = json!({ "name": "p", "scope": "workspace", "workspace": "payments", "quorum": 2 });
    lead.post("/v1/topic-policies", ours).await.created();
    lead.put("/v1/topic-policies/p", limited(2)).await.ok();

    dev.post(RESTORE, json!({ "version": 1 })).await.problem(403, "forbidden");
    stranger.post(RESTORE, json!({ "version": 1 })).await.problem(404, "policy.not-found");
    stranger.get(VERSIONS).await.problem(404, "policy.not-found");
    assert_eq!(dev.get(VERSIONS).await.ok().count(), 2);
    assert_eq!(lead.post(RESTORE, json!({ "version": 1 })).await.ok().body["quorum"], 2);
    assert_eq!(lead.get(VERSIONS).await.body["items"][0]["written_by"], "lead");
}

async fn a_version_that_cannot_hold_again_is_told(orbit: TestApp) {
    let root = orbit.root();
    root.post("/v1/environments", json!({ "slug": "lab" })).await.created();
    let first = json!({ "name": "p", "scope": "platform", "environments": ["lab"] });
    root.post("/v1/topic-policies", first).await.created();
    root.put("/v1/topic-policies/p", limited(2)).await.ok();

    let none = root.post(RESTORE, json!({ "version": 7 })).await;
    none.invalid().names("/version", "is 7, and policy p has no such version");
    root.get(&format!("{VERSIONS}?cursor=bm9uZQ")).await.problem(400, "malformed");
    root.delete("/v1/environments/lab").await.gone();
    let gone = root.post(RESTORE, json!({ "version": 1 })).await;
    gone.invalid().names("/environments", "names the environment lab, which there is not");
    assert_eq!(root.get(VERSIONS).await.ok().count(), 2, "nothing was written");
}

async fn what_a_policy_names_is_there(orbit: TestApp) {
    let root = orbit.root();
    let unknown = json!({
        "name": "p", "scope": "platform", "allowed_configs": ["retention.ms", "retention.mss"],
        "config_rules": { "owner.team": { "required": true } },
        "profiles": { "audit": { "config": { "min.insync.replica": "2" } } },
    });
    let refused = root.post("/v1/topic-policies", unknown).await;
    refused.invalid().names("/allowed_configs", "names retention.mss, and Kafka has no such topic setting");
    // What is near to no setting may be a vendor's.
    assert_eq!(refused.invalid().pointers(), ["/allowed_configs", "/profiles/audit/config"]);
    assert_eq!(refused.text("/errors/1/remedy"), "did you mean min.insync.replicas?");

    let nowhere = json!({ "name": "p", "scope": "platform", "environments": [] });
    root.post("/v1/topic-policies", nowhere).await.invalid().names("/environments", "names none");
    let outside = json!({
        "name": "p", "scope": "platform", "environments": ["dev"], "require_approval_for": ["dev", "prod"],
    });
    let refused = root.post("/v1/topic-policies", outside).await;
    refused
        .invalid()
        .names("/require_approval_for", "names prod, where the policy does not hold: it is none of environments");
    assert_eq!(root.get("/v1/topic-policies/p").await.status, 404, "nothing was written");
}
