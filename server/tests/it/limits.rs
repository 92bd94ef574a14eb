//! How much a workspace and a cluster may hold in all: counted with what is open, and never by two at once.

use crate::support::{TestApp, on_both, on_sqlite};
use futures::future::join_all;
use serde_json::json;

on_both!(two_at_once_do_not_both_take_the_last_slot, what_waits_for_a_person_counts_too);
on_sqlite!(
    limits_are_the_platforms_to_set,
    retained_bytes_want_a_limit_on_each_topic,
    items_of_a_batch_count_together,
    what_shrinks_or_fails_gives_room_back,
);

const LIMITS: &str = "/v1/workspaces/payments/limits";

async fn two_at_once_do_not_both_take_the_last_slot(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    let ship = orbit.person("ship", orbit_server::auth::permission::Role::Member, "shipping").await;
    root.put(LIMITS, json!({ "topics": 5 })).await.ok();
    root.put("/v1/clusters/main/limits", json!({ "partitions": 16 })).await.ok();
    let other = orbit.replica(&|_| {}).await;

    // Twelve want five places, on two servers.
    let names: Vec<_> = (0..12).map(|i| format!("t{i}")).collect();
    let people = [dev.clone(), dev.on(&other)];
    let wanted = names.iter().enumerate().map(async |(i, name)| people[i % 2].topic(name).partitions(1).create().await);
    let answers = join_all(wanted).await;
    let accepted = answers.iter().filter(|a| a.status == 202).count();
    assert_eq!(accepted, 5, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    let denied = answers.iter().find(|a| a.status == 422).unwrap();
    denied.denied().names("", "Denied: workspace payments would have 6 topics, with what is open, and its limit is 5");

    // Two workspaces want what is left of the cluster: 11 partitions, four at a time.
    let people = [ship.clone(), ship.on(&other)];
    let wanted = names
        .iter()
        .enumerate()
        .map(async |(i, name)| people[i % 2].topic(name).of("shipping").partitions(4).create().await);
    let answers = join_all(wanted).await;
    assert_eq!(answers.iter().filter(|a| a.status == 202).count(), 2);
    let denied = answers.iter().find(|a| a.status == 422).unwrap();
    denied
        .denied()
        .names("/partitions", "Denied: cluster main would have 17 partitions, with what is open, and its limit is 16");
    let limits = root.get("/v1/clusters/main/limits").await;
    assert_eq!(limits.body["used"]["partitions"], 13);
    other.stop().await;
}

async fn what_waits_for_a_person_counts_too(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.put(LIMITS, json!({ "partitions": 10 })).await.ok();
    let first = dev.topic("first").in_prod().partitions(6).create().await.request_id();
    let second = dev.topic("second").in_prod().partitions(5);
    second.create().await.denied().field("/partitions");
    assert_eq!(second.evaluate("create").await.decision(0), "deny");
    // It makes room as it goes.
    root.reject(&first, "no").await.ok();
    let filed = second.create().await.accepted().request_id();
    // A limit that was lowered meanwhile is told to who approves.
    root.put(LIMITS, json!({ "partitions": 4 })).await.ok();
    root.approve(&filed).await.denied().field("/partitions");
    root.put(LIMITS, json!({ "partitions": 5 })).await.ok();
    root.approve(&filed).await.ok();
    second.active().await;
    // What takes no more is not in the way, whatever the limit is by now.
    root.put(LIMITS, json!({ "partitions": 1 })).await.ok();
    let waits = second.patch(json!({ "retention_ms": 1_000 })).await;
    root.approve(&waits.accepted().request_id()).await.ok();
}

async fn limits_are_the_platforms_to_set(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", orbit_server::auth::permission::Role::Admin, "payments").await;
    lead.put(LIMITS, json!({ "topics": 5 })).await.problem(403, "forbidden");
    lead.put("/v1/clusters/main/limits", json!({ "topics": 5 })).await.problem(403, "forbidden");
    let none = dev.get(LIMITS).await;
    assert_eq!(none.ok().etag(), "\"0\"");
    assert_eq!(none.body["limits"], json!({}));

    let set = root.put(LIMITS, json!({ "topics": 5, "retained_bytes": 1 })).await;
    assert_eq!(set.ok().etag(), "\"1\"");
    let stale = root.call(reqwest::Method::PUT, LIMITS).if_match("\"0\"").json(&json!({})).send().await;
    stale.problem(412, "stale");
    root.put(LIMITS, json!({ "topics": -1 })).await.invalid().field("/topics");
    let lifted = root.put(LIMITS, json!({})).await;
    assert_eq!(lifted.ok().body["limits"], json!({}));
    assert_eq!(orbit.stranger("x").await.get(LIMITS).await.status, 404);
    let told = orbit.texts("SELECT action FROM audit_event WHERE action LIKE '%.limited' ORDER BY id").await;
    assert_eq!(told, ["workspace.limited", "workspace.limited"]);
}

async fn retained_bytes_want_a_limit_on_each_topic(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    dev.topic("before").made().await;
    root.put(LIMITS, json!({ "retained_bytes": 1_000 })).await.ok();
    let orders = dev.topic("orders").partitions(4);
    orders.create().await.denied().names(
        "/config/retention.bytes",
        "Denied: workspace payments has a limit of 1000 retained bytes, and this has none",
    );
    let orders = orders.config("retention.bytes", "250");
    orders.made().await;
    orders.patch(json!({ "partitions": 5 })).await.denied().names(
        "/config/retention.bytes",
        "Denied: workspace payments would have 1250 retained bytes, with what is open, and its limit is 1000",
    );
    let limits = dev.get(LIMITS).await;
    assert_eq!(
        (&limits.body["used"]["retained_bytes"], &limits.body["topics_without_retention_bytes"]),
        (&json!(1_000), &json!(1))
    );
}

async fn items_of_a_batch_count_together(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.put(LIMITS, json!({ "topics": 3, "partitions": 10 })).await.ok();
    let there = dev.topic("there").partitions(2);
    there.made().await;
    let items = [
        ("update", there.clone().partitions(6)),
        ("create", dev.topic("a").partitions(4)),
        ("create", dev.topic("b").partitions(1)),
        ("create", dev.topic("c").partitions(100)),
    ];
    let told = dev.evaluate(&items).await;
    let decisions: Vec<_> = (0..4).map(|i| told.decision(i)).collect();
    assert_eq!(decisions, ["allow", "allow", "deny", "deny"]);
    assert_eq!(told.findings(2, "violations")[0].0, "/partitions");
}

async fn what_shrinks_or_fails_gives_room_back(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.put(LIMITS, json!({ "topics": 1, "retained_bytes": 1_000 })).await.ok();
    let used = async || root.get(LIMITS).await.body["used"].clone();
    orbit.main().refuse_next_create();
    let orders = dev.topic("orders").partitions(1).config("retention.bytes", "900");
    orders.create().await.accepted();
    orders.settled("failed").await;
    assert_eq!(used().await["topics"], 0);

    orders.made().await;
    orders.patch(json!({ "config": { "retention.bytes": "100" } })).await.accepted();
    orders.active().await;
    assert_eq!(used().await["retained_bytes"], 100);
    orders.delete().await.going_or_gone();
    orders.vanished().await;
    assert_eq!(used().await["topics"], 0);
}
