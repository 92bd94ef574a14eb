//! Pages: every item once, none left out, none more than asked for.

use crate::support::{TestApp, on_both};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both!(every_list_gives_every_item_once, filtered_pages_leave_nothing_out, lists_can_be_narrowed);

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
    for (query, count) in [("", 3), ("?state=pending", 1), ("?state=rejected", 1), ("?state=approved", 1)] {
        assert_eq!(dev.get(&format!("/v1/requests{query}")).await.count(), count, "{query}");
    }
}
