//! What a request says for itself, and what a policy wants to be told.

use crate::support::{TestApp, on_both, on_sqlite};
use serde_json::json;

on_both!(a_policy_names_what_a_request_has_to_say);
on_sqlite!(a_change_is_documented_like_a_creation, words_have_limits, other_words_file_a_rejected_request_again);

async fn a_policy_names_what_a_request_has_to_say(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let due = json!(["justification", "producers", "consumers", "schema_references", "retention_rationale", "links"]);
    let rules = json!({ "required_request_fields": due, "require_approval_for": ["prod"] });
    root.platform_policy(rules).await;
    assert_eq!(root.get("/v1/topic-policies/platform").await.body["required_request_fields"], due);

    let silent = dev.topic("orders").with("producers", json!([" "])).in_prod().create().await;
    for field in due.as_array().unwrap().iter().map(|f| f.as_str().unwrap()) {
        let detail = format!("Denied: the platform wants to know {field} with every request for a topic");
        silent.denied().names(&format!("/{field}"), &detail);
    }
    let told = json!({
        "justification": "the fair", "producers": ["checkout"], "consumers": ["billing", "search"],
        "schema_references": ["orders-value"], "retention_rationale": "refunds take 30 days", "links": ["https://tickets.test/7"],
    });
    let mut orders = dev.topic("orders").in_prod();
    for (field, words) in told.as_object().unwrap() {
        orders = orders.with(field, words.clone());
    }
    assert_eq!(orders.evaluate("create").await.decision(0), "needs-approval");
    let filed = orders.create().await;
    let request = root.request(&filed.accepted().request_id()).await;
    for (field, words) in told.as_object().unwrap() {
        assert_eq!(&request.body[field], words);
    }
    assert!(filed.lacks("/producers"), "the topic does not keep them");
    root.approve(&request.id()).await.ok();
    orders.active().await;
    // Whoever takes it away need not say all that again.
    orders.delete().await.going_or_gone();
}

async fn a_change_is_documented_like_a_creation(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders");
    orders.made().await;
    root.platform_policy(json!({ "required_request_fields": ["consumers"] })).await;

    orders
        .patch(json!({ "partitions": 3 }))
        .await
        .denied()
        .names("/consumers", "Denied: the platform wants to know consumers with every request for a topic");
    orders.patch(json!({ "description": "words need none" })).await.ok();
    orders.patch(json!({ "partitions": 3, "consumers": ["billing"] })).await.accepted();
    orders.active().await;
    orders.replace(json!({ "partitions": 4, "consumers": ["billing"] })).await.accepted();
}

async fn words_have_limits(orbit: TestApp) {
    let dev = orbit.dev().await;
    let long = dev
        .topic("orders")
        .with("producers", json!(vec!["x"; 51]))
        .with("links", json!(["x".repeat(201)]))
        .with("retention_rationale", "x".repeat(2_001));
    let told = long.create().await;
    told.invalid()
        .names("/producers", "has 51 texts: at most 50 are allowed")
        .names("/links/0", "has 201 characters: at most 200 are allowed")
        .names("/retention_rationale", "has 2001 characters: at most 2000 are allowed");
    let wrong = orbit.root().put("/v1/topic-policies/platform", json!({ "required_request_fields": ["owner"] })).await;
    wrong.invalid().field("/required_request_fields/0");
}

async fn other_words_file_a_rejected_request_again(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod();
    let filed = orders.create().await.request_id();
    root.reject(&filed, "who reads it?").await.ok();
    orders.create().await.problem(409, "request.rejected");

    let again = orders.with("consumers", json!(["billing"])).create().await;
    assert_ne!(again.accepted().request_id(), filed);
}
