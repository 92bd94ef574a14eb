//! Policy packs: installed with one call, upgraded with the difference shown first.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};

on_both!(a_pack_is_installed_with_one_call_and_holds);
on_sqlite!(
    a_newer_version_shows_its_difference_first,
    what_was_changed_by_hand_is_not_lost_by_accident,
    environments_can_move_between_groups,
    wrong_wishes_are_told_and_change_nothing,
);

const INSTALL: &str = "/v1/policy-packs/messaging-bus/install";

fn both() -> Value {
    json!({ "environments": { "production": ["prod"], "development": ["dev"] } })
}

fn steps(answer: &crate::support::Answer) -> Vec<(&str, &str)> {
    let all = answer.ok().body["policies"].as_array().unwrap();
    all.iter().map(|s| (s["policy"].as_str().unwrap(), s["action"].as_str().unwrap())).collect()
}

const ALL: [&str; 3] = ["messaging-bus-names", "messaging-bus-production", "messaging-bus-development"];

async fn a_pack_is_installed_with_one_call_and_holds(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let pack = dev.get("/v1/policy-packs/messaging-bus").await;
    assert!(pack.ok().lacks("/installed"));
    let mut wish = both();
    wish["dry_run"] = json!(true);
    let would = root.post(INSTALL, wish).await;
    assert_eq!(steps(&would), ALL.map(|name| (name, "create")));
    assert_eq!(root.all("/v1/topic-policies", 100).await.len(), 1, "it only tells");

    let done = root.call(reqwest::Method::POST, INSTALL).key("k").json(&both()).send().await;
    assert_eq!(steps(&done), ALL.map(|name| (name, "create")));
    assert_eq!((&done.body["version"], done.lacks("/before")), (&json!(1), true));
    let repeated = root.call(reqwest::Method::POST, INSTALL).key("k").json(&both()).send().await;
    assert_eq!(repeated.body, done.body, "what was done then");
    let again = root.post(INSTALL, json!({})).await;
    assert_eq!(steps(&again), ALL.map(|name| (name, "keep")));
    let installed = dev.get("/v1/policy-packs").await.body["items"][0]["installed"].clone();
    let mut names = ALL;
    names.sort_unstable();
    assert_eq!(
        installed,
        json!({
            "version": 1, "environments": both()["environments"], "policies": names, "changed_by_hand": [],
        })
    );
    let policy = dev.get("/v1/topic-policies/messaging-bus-names").await;
    assert_eq!((policy.text("/pack"), &policy.body["pack_version"]), ("messaging-bus", &json!(1)));

    let denied = dev.topic("orders").create().await;
    denied.denied().names(
        "/name",
        r"Denied: the name orders does not fit the platform pattern [a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*\.v[1-9][0-9]*",
    );
    denied.denied().field("/consumers");
    let documented = |name: &str| {
        let orders = dev.topic(name).with("producers", json!(["checkout"])).with("consumers", json!(["billing"]));
        orders.with("schema_references", json!(["orders-value"])).with("retention_rationale", "refunds")
    };
    let made = documented("orders.created.v1").made().await;
    assert_eq!(made.text("/default_profile"), "processed");
    let kafka = orbit.main().kafka.snapshot();
    let topic = &kafka["dev.payments.orders.created.v1"];
    assert_eq!((topic.partitions, topic.replication_factor), (6, 1));
    assert_eq!(topic.configs["retention.ms"], (14 * 86_400_000_i64).to_string());
    let audit = documented("orders.audited.v1").with("profile", "audit").in_prod().create().await.request_id();
    root.approve(&audit).await.ok();
    documented("orders.audited.v1").in_prod().active().await;
    let kafka = orbit.main().kafka.snapshot();
    let topic = &kafka["prod.payments.orders.audited.v1"];
    assert_eq!((topic.replication_factor, topic.configs["cleanup.policy"].as_str()), (3, "compact,delete"));
}

async fn a_newer_version_shows_its_difference_first(orbit: TestApp) {
    let root = orbit.root();
    root.post(INSTALL, both()).await.ok();
    // As an older version wrote it.
    orbit
        .raw(
            "UPDATE topic_policy SET pack_version = 0, rules = json_set(rules, '$.naming_pattern', '[a-z.]+'), \
             version = 7, pack_wrote = 7 WHERE name = 'messaging-bus-names'",
        )
        .await;
    let would = root.post(INSTALL, json!({ "dry_run": true })).await;
    let names = &would.ok().body["policies"][0];
    assert_eq!((&names["action"], &names["changed_by_hand"]), (&json!("update"), &json!(false)));
    let pattern = r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*\.v[1-9][0-9]*";
    assert_eq!(names["differences"], json!([{ "field": "/naming_pattern", "before": "[a-z.]+", "after": pattern }]));
    let done = root.post(INSTALL, json!({})).await;
    assert_eq!(steps(&done), [(ALL[0], "update"), (ALL[1], "keep"), (ALL[2], "keep")]);
    let policy = root.get("/v1/topic-policies/messaging-bus-names").await;
    assert_eq!((policy.text("/naming_pattern"), &policy.body["pack_version"]), (pattern, &json!(1)));
    assert_eq!(policy.body["version"], 8, "the version before is kept");
}

async fn what_was_changed_by_hand_is_not_lost_by_accident(orbit: TestApp) {
    let root = orbit.root();
    root.post(INSTALL, both()).await.ok();
    let mine = json!({ "environments": ["prod"], "quorum": 2 });
    root.put("/v1/topic-policies/messaging-bus-production", mine).await.ok();
    let pack = root.get("/v1/policy-packs/messaging-bus").await;
    assert_eq!(pack.body["installed"]["changed_by_hand"], json!(["messaging-bus-production"]));
    root.post(INSTALL, json!({})).await.problem(409, "policy-pack.changed").advises("\"overwrite\": true");
    assert_eq!(root.get("/v1/topic-policies/messaging-bus-production").await.body["quorum"], 2);
    let told = root.post(INSTALL, json!({ "dry_run": true })).await;
    assert_eq!(told.ok().body["policies"][1]["changed_by_hand"], true);
    let done = root.post(INSTALL, json!({ "overwrite": true })).await;
    assert_eq!(steps(&done), [(ALL[0], "keep"), (ALL[1], "update"), (ALL[2], "keep")]);
    let pack = root.get("/v1/policy-packs/messaging-bus").await;
    assert_eq!(pack.body["installed"]["changed_by_hand"], json!([]));
}

async fn environments_can_move_between_groups(orbit: TestApp) {
    let root = orbit.root();
    root.post(INSTALL, both()).await.ok();
    let moved =
        root.post(INSTALL, json!({ "environments": { "production": ["dev", "prod"], "development": [] } })).await;
    assert_eq!(steps(&moved), [(ALL[0], "keep"), (ALL[1], "update"), (ALL[2], "delete")]);
    root.get("/v1/topic-policies/messaging-bus-development").await.problem(404, "policy.not-found");
    let trail = orbit.audit_of("messaging-bus-development").await;
    assert_eq!(trail, ["topic-policy.created", "topic-policy.deleted"]);
}

async fn wrong_wishes_are_told_and_change_nothing(orbit: TestApp) {
    let root = orbit.root();
    root.post(INSTALL, json!({})).await.invalid().field("/environments");
    let twice = json!({ "environments": { "production": ["prod"], "development": ["prod", "Dev"] } });
    let told = root.post(INSTALL, twice).await;
    told.invalid().names("/environments", "names prod twice");
    told.invalid().field("/environments/development/1");
    root.post(INSTALL, json!({ "environments": { "production": ["moon"] } })).await.invalid().field("/environments");
    root.post("/v1/policy-packs/no/install", both()).await.problem(404, "policy-pack.not-found");
    orbit.person("lead", Role::Admin, "payments").await.post(INSTALL, both()).await.problem(403, "forbidden");
    root.post("/v1/topic-policies", json!({ "name": "messaging-bus-development", "scope": "platform" }))
        .await
        .created();
    root.post(INSTALL, both()).await.problem(409, "policy.exists");
    // Together with what is there, nothing could be created in prod: the fake cluster has three brokers, the rules here want at most two replicas.
    root.delete("/v1/topic-policies/messaging-bus-development").await.gone();
    root.platform_policy(json!({ "replication_factor_limits": { "max": 2 } })).await;
    root.post(INSTALL, both()).await.problem(409, "policy.locks-out").advises("?confirm=prod");
    let mut wish = both();
    wish["dry_run"] = json!(true);
    let told = root.post(INSTALL, wish).await;
    assert!(told.ok().body["locks_out"]["prod"][0].as_str().unwrap().starts_with("replicas"), "{told:?}");
    assert_eq!(root.all("/v1/topic-policies", 100).await.len(), 1, "all of its policies, or none");
    let done = root.post(&format!("{INSTALL}?confirm=prod"), both()).await;
    assert_eq!(done.ok().body["locks_out"].as_object().unwrap().len(), 1);
}
