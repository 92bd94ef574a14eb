//! Profiles: presets that a policy offers.

use crate::support::{TestApp, on_both, on_sqlite};
use serde_json::json;

on_both!(what_a_profile_gives_is_copied_and_stays, a_topic_that_names_none_gets_the_default);
on_sqlite!(
    what_is_said_goes_before_the_profile,
    what_a_profile_gives_is_judged_like_the_rest,
    a_profile_that_there_is_not_is_told_with_those_that_there_are,
    the_platforms_profile_goes_before_the_workspaces,
    wrong_profiles_of_a_policy_are_told,
);

fn audit(partitions: u32) -> serde_json::Value {
    json!({ "partitions": partitions, "config": { "retention.ms": "7776000000", "cleanup.policy": "compact,delete" } })
}

async fn what_a_profile_gives_is_copied_and_stays(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({ "profiles": { "audit": audit(6) } })).await;
    let orders = dev.topic("orders").with("profile", "audit");

    let told = orders.evaluate("create").await;
    assert_eq!(told.decision(0), "allow");
    orders.made().await;

    let seen = orders.get().await;
    assert_eq!(seen.text("/profile"), "audit");
    assert!(seen.lacks("/partitions") && seen.lacks("/config"), "what was not said is not shown as said");
    assert_eq!(seen.body["from_profile"], audit(6));
    assert!(seen.conditions().is_empty() && seen.body["drift"] == json!([]));
    let made = orbit.main().kafka.topic(&orders.physical()).unwrap();
    assert_eq!((made.partitions, made.configs["retention.ms"].as_str()), (6, "7776000000"));

    // The policy changes, the topic does not.
    root.platform_policy(json!({ "profiles": { "audit": audit(12) } })).await;
    orders.create().await.created();
    orders.patch(json!({ "description": "of the shop" })).await.ok();
    assert_eq!(orders.get().await.body["from_profile"], audit(6));
    root.platform_policy(json!({})).await;
    orders.replace(json!({ "profile": "audit", "config": { "flush.ms": "5" } })).await.accepted();
    assert_eq!(orders.active().await.body["from_profile"], audit(6), "also where no policy has it any more");
    orders.replace(json!({ "config": { "flush.ms": "5" } })).await.accepted();
    orders.active().await;
    let without = orbit.main().kafka.topic(&orders.physical()).unwrap();
    assert_eq!(without.configs.into_keys().collect::<Vec<_>>(), ["flush.ms"], "what it gave is no longer managed");
}

async fn what_is_said_goes_before_the_profile(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.root().platform_policy(json!({ "profiles": { "audit": audit(6) } })).await;
    let orders = dev.topic("orders").with("profile", "audit").partitions(3).retention_ms(1_000);
    orders.made().await;

    let made = orbit.main().kafka.topic(&orders.physical()).unwrap();
    assert_eq!(made.partitions, 3);
    let settings: Vec<_> = made.configs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(settings, [("cleanup.policy", "compact,delete"), ("retention.ms", "1000")]);
    // What was changed past Orbit is drift, whoever asked for it.
    orbit.main().kafka.alter(&orders.physical(), "cleanup.policy", Some("delete"));
    assert_eq!(orders.fresh().await.text("/drift/0/field"), "/cleanup_policy");
}

async fn what_a_profile_gives_is_judged_like_the_rest(orbit: TestApp) {
    let dev = orbit.dev().await;
    let rules = json!({ "partition_limits": { "max": 50 }, "profiles": { "huge": { "partitions": 60 } } });
    orbit.root().platform_policy(rules).await;
    let denied = dev.topic("orders").with("profile", "huge").create().await;
    denied.denied().names("/partitions", "Denied: exceeds platform limit of 50 partitions");
}

async fn a_profile_that_there_is_not_is_told_with_those_that_there_are(orbit: TestApp) {
    let dev = orbit.dev().await;
    let profiles = json!({ "environments": ["dev"], "profiles": { "audit": audit(6), "raw": {} } });
    orbit.root().platform_policy(profiles).await;
    let orders = dev.topic("orders").with("profile", "adit");
    let detail = "is adit, and there is no such profile in dev";
    let refused = orders.create().await;
    refused.invalid().names("/profile", detail).limits("/profile", "topic.profile.unknown", None);
    assert_eq!(refused.text("/errors/0/remedy"), "take one of: audit, raw");
    assert_eq!(orders.evaluate("create").await.text("/items/0/problem/errors/0/code"), "topic.profile.unknown");
    let elsewhere = dev.topic("orders").in_prod().with("profile", "audit").create().await;
    elsewhere.invalid();
    assert_eq!(elsewhere.text("/errors/0/remedy"), "take it out: no policy has a profile for prod");
}

async fn the_platforms_profile_goes_before_the_workspaces(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let own = json!({ "name": "a-own", "scope": "workspace", "workspace": "payments", "profiles": { "audit": audit(2), "own": audit(3) } });
    root.post("/v1/topic-policies", own).await.created();
    root.platform_policy(json!({ "profiles": { "audit": audit(6) } })).await;
    dev.topic("orders").with("profile", "audit").made().await;
    dev.topic("bills").with("profile", "own").made().await;
    let partitions = |name: &str| orbit.main().kafka.topic(&format!("dev.payments.{name}")).unwrap().partitions;
    assert_eq!((partitions("orders"), partitions("bills")), (6, 3));
}

async fn wrong_profiles_of_a_policy_are_told(orbit: TestApp) {
    let profiles = json!({ "Audit": {}, "raw": { "partitions": 0, "config": { "": "x" } }, "odd": { "retention": 5 } });
    let refused = orbit.root().put("/v1/topic-policies/platform", json!({ "profiles": profiles })).await;
    refused
        .invalid()
        .limits("/profiles/Audit", "format", None)
        .limits("/profiles/raw/partitions", "range", Some("1..100000"))
        .limits("/profiles/raw/config/", "length", Some("100"))
        .limits("/profiles/odd/retention", "unknown-field", None);
}

async fn a_topic_that_names_none_gets_the_default(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let before = dev.topic("before");
    before.made().await;
    let profiles = json!({ "audit": audit(6), "small": { "partitions": 2 } });
    root.platform_policy(json!({ "profiles": profiles, "default_profile": "audit" })).await;

    let orders = dev.topic("orders");
    let made = orders.made().await;
    assert!(made.lacks("/profile"), "it named none");
    assert_eq!((made.text("/default_profile"), &made.body["from_profile"]), ("audit", &audit(6)));
    assert_eq!(orbit.main().kafka.snapshot()[orders.physical().as_str()].partitions, 6);
    // An equal call is equal still, and a change keeps it.
    orders.create().await.created();
    root.platform_policy(json!({ "profiles": { "audit": audit(12) }, "default_profile": "audit" })).await;
    orders.patch(json!({ "config": { "flush.ms": "5" } })).await.accepted();
    assert_eq!(orders.active().await.body["from_profile"], audit(6));
    orders.replace(json!({ "config": { "flush.ms": "5" } })).await.ok();
    // Who names it after all is heard: the record says so, what it gave then stays.
    orders.replace(json!({ "config": { "flush.ms": "5" }, "profile": "audit" })).await;
    let said = orders.active().await;
    assert!(said.lacks("/default_profile") && said.text("/profile") == "audit");
    assert_eq!(said.body["from_profile"], audit(6));
    // What was there before gets none, and who names one has that.
    before.patch(json!({ "config": { "flush.ms": "5" } })).await.accepted();
    assert!(before.active().await.lacks("/default_profile"));
    let named = dev.topic("named").with("profile", "audit").made().await;
    assert!(named.lacks("/default_profile") && named.text("/profile") == "audit");
}
