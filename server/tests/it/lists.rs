//! Pages: every item once, none left out, none more than asked for.

use crate::support::{TestApp, on_both};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both!(
    every_list_gives_every_item_once,
    filtered_pages_leave_nothing_out,
    lists_can_be_narrowed,
    topics_are_exported_as_terraforms_configuration,
    large_lists_can_be_sorted,
);

fn distinct(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn every_list_gives_every_item_once(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    for i in 0..6 {
        let name = format!("n{i}");
        dev.topic(&name).create().await.accepted();
        root.post("/v1/workspaces", json!({ "slug": name })).await.created();
        root.post("/v1/environments", json!({ "slug": name })).await.created();
        root.post("/v1/topic-policies", json!({ "name": name, "scope": "platform" })).await.created();
        root.post("/v1/principals", json!({ "name": name.to_uppercase() })).await.created();
        root.post("/v1/principals", json!({ "name": name })).await.created();
        root.post("/v1/memberships", json!({ "principal": name, "role": "viewer", "workspace": "payments" }))
            .await
            .created();
        root.post("/v1/tokens", json!({ "name": name })).await.created();
        root.register(&name, "main.test:9092").await.created();
        root.post("/v1/environment-mappings", json!({ "environment": name, "cluster": name })).await.created();
    }
    for (list, count) in [
        ("topics", 6),
        ("requests", 6),
        ("operations", 6),
        ("workspaces", 7),
        ("environments", 8),
        ("topic-policies", 7),
        // The system's own principal is nobody's to see.
        ("principals", 14),
        ("memberships", 8),
        ("tokens", 8),
        ("clusters", 7),
        ("environment-mappings", 8),
    ] {
        for limit in [1, 2, 4, 500] {
            let items = root.all(&format!("/v1/{list}"), limit).await;
            assert_eq!(distinct(&items).len(), items.len(), "{list} gives something twice");
            assert_eq!(items.len(), count, "{list} by {limit}");
        }
    }
}

async fn filtered_pages_leave_nothing_out(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    root.post("/v1/workspaces", json!({ "slug": "sales" })).await.created();
    let sam = orbit.person("sam", Role::Member, "sales").await;
    for i in 0..9 {
        let (mine, slug) =
            if i % 3 == 0 { (sam.topic("t").of("sales"), "sales") } else { (dev.topic("t"), "payments") };
        mine.in_prod().with("name", format!("t{i}")).create().await.accepted();
        let policy = json!({ "name": format!("p{i}"), "scope": "workspace", "workspace": slug });
        root.post("/v1/topic-policies", policy).await.created();
    }
    for limit in [1, 2, 5] {
        for (list, count) in [("requests", 3), ("topics", 3), ("topic-policies", 4)] {
            let items = sam.all(&format!("/v1/{list}"), limit).await;
            assert_eq!(items.len(), count, "{list} by {limit}");
        }
        assert_eq!(dev.all("/v1/requests", limit).await.len(), 6);
        assert_eq!(root.all("/v1/requests?workspace=sales", limit).await.len(), 3);
    }
}

async fn lists_can_be_narrowed(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    dev.topic("orders").made().await;
    dev.topic("orders").in_prod().create().await.accepted();
    let filed = dev.topic("invoices").in_prod().create().await;
    root.reject(&filed.request_id(), "no").await.ok();
    for (query, count) in [
        ("", 3),
        ("?environment=prod", 2),
        ("?name=orders", 2),
        ("?name=orders&environment=dev", 1),
        ("?status=pending-approval", 1),
        ("?status=rejected&workspace=payments", 1),
        ("?status=failed", 0),
    ] {
        assert_eq!(dev.get(&format!("/v1/topics{query}")).await.count(), count, "{query}");
    }
    dev.get("/v1/topics?environment=nowhere").await.problem(404, "environment.not-found");
    let ann = orbit.person("ann", Role::Member, "payments").await;
    ann.topic("refunds").made().await;
    for (query, count) in [
        ("", 4),
        ("?state=pending", 1),
        ("?state=rejected", 1),
        ("?state=approved", 2),
        ("?requester=ann", 1),
        ("?requester=dev&environment=dev", 1),
        ("?environment=prod", 2),
        ("?requester=nobody", 0),
    ] {
        assert_eq!(dev.get(&format!("/v1/requests{query}")).await.count(), count, "{query}");
    }
    dev.get("/v1/requests?environment=nowhere").await.problem(404, "environment.not-found");
    for (query, count) in [("", 2), ("?state=succeeded", 2), ("?state=stuck", 0)] {
        assert_eq!(dev.get(&format!("/v1/operations{query}")).await.count(), count, "{query}");
    }
    dev.get("/v1/operations?state=done").await.problem(422, "invalid");
}

async fn topics_are_exported_as_terraforms_configuration(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    root.post("/v1/workspaces", json!({ "slug": "sales" })).await.created();
    for name in ["orders", "bills.v1"] {
        dev.topic(name).made().await;
    }
    dev.topic("orders").in_prod().create().await.accepted();
    let physical = dev.get("/v1/topics/payments%2Fdev%2Forders").await.text("/physical_name").to_owned();
    assert_eq!(dev.get(&format!("/v1/topics?physical_name={physical}")).await.count(), 1);
    assert_eq!(dev.get("/v1/topics?physical_name=orders-of-old").await.count(), 0);

    let all = dev.get("/v1/topics:export?workspace=payments").await;
    assert_eq!((all.status, all.header("content-type")), (200, "text/plain; charset=utf-8"));
    let text = &all.raw;
    assert_eq!(text.matches("import {").count(), 2, "what waits is not there yet: {text}");
    assert!(
        text.contains("to = orbit_kafka_topic.bills_v1") && text.contains("id = \"payments/dev/bills.v1\""),
        "{text}"
    );
    let of_prod = dev.get("/v1/topics:export?workspace=payments&environment=prod").await;
    assert_eq!(of_prod.raw, "");
    dev.get("/v1/topics:export?workspace=sales").await.problem(404, "workspace.not-found");
    dev.get("/v1/topics:export?workspace=payments&environment=nowhere").await.problem(404, "environment.not-found");
    dev.get("/v1/topics:export?workspace=payments&format=json").await.problem(422, "invalid");
    dev.get("/v1/topics:export").await.problem(422, "invalid");
}

async fn large_lists_can_be_sorted(orbit: TestApp) {
    let dev = orbit.dev().await;
    for (name, environment) in [("b", "dev"), ("a", "dev"), ("c", "dev"), ("a", "prod")] {
        dev.topic(name).with("environment", environment).create().await.accepted();
    }
    let sorted = async |list: &str, sort: &str, field: &str| -> Vec<String> {
        let mut pages = Vec::new();
        for limit in [1, 3, 500] {
            let items = dev.all(&format!("/v1/{list}?sort={sort}"), limit).await;
            pages.push(
                items.iter().map(|item| item.pointer(field).unwrap().as_str().unwrap().to_owned()).collect::<Vec<_>>(),
            );
        }
        assert!(pages.windows(2).all(|two| two[0] == two[1]), "the same, however large the pages: {pages:?}");
        pages.remove(0)
    };
    let key = |of: &[String]| of.join(" ");
    assert_eq!(key(&sorted("topics", "created_at", "/name").await), "b a c a");
    assert_eq!(key(&sorted("topics", "-created_at", "/name").await), "a c a b");
    assert_eq!(key(&sorted("topics", "name", "/environment").await), "dev prod dev dev");
    assert_eq!(key(&sorted("topics", "name", "/name").await), "a a b c");
    assert_eq!(key(&sorted("topics", "-name", "/name").await), "c b a a");
    assert_eq!(key(&sorted("requests", "created_at", "/items/0/object_key").await).split('/').nth(1), Some("dev"));
    let oldest = sorted("operations", "created_at", "/id").await;
    let newest = sorted("operations", "-created_at", "/id").await;
    assert_eq!(oldest, newest.iter().rev().cloned().collect::<Vec<_>>());
    let wrong = dev.get("/v1/topics?sort=size").await;
    wrong.invalid().names("sort", "is none of: created_at, -created_at, name, -name");
    let page = dev.get("/v1/topics?limit=4").await;
    assert_eq!(page.ok().body.get("next_cursor"), None, "the last page leads nowhere, however full it is");
    let page = dev.get("/v1/topics?sort=name&limit=1").await;
    let cursor = page.ok().text("/next_cursor").to_owned();
    dev.get(&format!("/v1/topics?limit=1&cursor={cursor}")).await.problem(400, "malformed");
}
