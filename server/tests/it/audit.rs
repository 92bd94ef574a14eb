//! The trail shows what an object was before a deed and what it is after it.

use crate::support::{TestApp, on_both};
use serde_json::{Value, json};

on_both!(platform_things_are_shown_before_and_after, a_request_is_shown_with_what_policy_said);

/// What the trail shows of the deeds on an object, oldest first: action, before, after.
async fn pictures(orbit: &TestApp, key: &str) -> Vec<(String, Value, Value)> {
    let column = async |name: &str| {
        let text = format!(
            "SELECT COALESCE(CAST({name} AS TEXT), 'null') FROM audit_event WHERE object_key = '{key}' ORDER BY id"
        );
        orbit.texts(&text).await
    };
    let parsed = |text: &String| serde_json::from_str(text).unwrap();
    let (actions, before, after) = (column("action").await, column("before").await, column("after").await);
    let values = before.iter().zip(&after).map(|(before, after)| (parsed(before), parsed(after)));
    actions.into_iter().zip(values).map(|(action, (before, after))| (action, before, after)).collect()
}

/// What a story changes on an object, field by field, as the trail shows it.
#[track_caller]
fn changed(picture: &(String, Value, Value), action: &str, field: &str, before: &Value, after: &Value) {
    assert_eq!(picture.0, action);
    assert_eq!((picture.1.pointer(field), picture.2.pointer(field)), (Some(before), Some(after)), "{picture:#?}");
}

async fn platform_things_are_shown_before_and_after(orbit: TestApp) {
    let root = orbit.root();
    root.post("/v1/workspaces", json!({ "slug": "w", "display_name": "W" })).await.created();
    root.patch("/v1/workspaces/w", json!({ "display_name": "new" })).await.ok();
    root.post("/v1/environments", json!({ "slug": "e", "display_name": "E" })).await.created();
    root.patch("/v1/environments/e", json!({ "default_approvers": ["root"] })).await.ok();
    let address = "main.test:9092";
    root.register_with_password("c", address, "the-first-secret").await.created();
    root.patch("/v1/clusters/c", json!({ "display_name": "new" })).await.ok();
    let mapping = root.post("/v1/environment-mappings", json!({ "environment": "e", "cluster": "c" })).await;
    root.delete(&format!("/v1/environment-mappings/{}", mapping.created().id())).await.gone();
    root.post("/v1/topic-policies", json!({ "name": "p", "scope": "platform", "environments": ["e"] })).await.created();
    root.put("/v1/topic-policies/p", json!({ "partition_limits": { "max": 3 } })).await.ok();
    root.post("/v1/principals", json!({ "name": "ann" })).await.created();
    let membership = json!({ "principal": "ann", "role": "viewer", "workspace": "w" });
    let membership = root.post("/v1/memberships", membership).await.created().id();
    let token = root.post("/v1/tokens", json!({ "principal": "ann", "name": "laptop" })).await.created().id();
    root.delete(&format!("/v1/tokens/{token}")).await.gone();
    root.delete(&format!("/v1/memberships/{membership}")).await.gone();
    for path in ["/v1/topic-policies/p", "/v1/clusters/c", "/v1/environments/e", "/v1/workspaces/w"] {
        root.delete(path).await.gone();
    }

    let workspace = pictures(&orbit, "w").await;
    assert_eq!(workspace[0].2, json!({ "slug": "w", "display_name": "W" }));
    changed(&workspace[1], "workspace.updated", "/display_name", &json!("W"), &json!("new"));
    assert_eq!((workspace[2].0.as_str(), &workspace[2].2), ("workspace.deleted", &Value::Null));
    changed(&pictures(&orbit, "e").await[1], "environment.updated", "/default_approvers", &json!([]), &json!(["root"]));
    let cluster = pictures(&orbit, "c").await;
    changed(&cluster[1], "cluster.updated", "/display_name", &json!("c"), &json!("new"));
    assert_eq!(cluster[0].2["has_credentials"], true);
    assert!(!format!("{cluster:?}").contains("the-first-secret"));
    let mapping = pictures(&orbit, "e/c").await;
    assert_eq!((mapping[1].0.as_str(), &mapping[1].1["is_default"]), ("environment-mapping.deleted", &json!(true)));
    let policy = pictures(&orbit, "p").await;
    changed(&policy[1], "topic-policy.replaced", "/version", &json!(1), &json!(2));
    assert_eq!(policy[1].2.pointer("/rules/partition_limits/max"), Some(&json!(3)));
    let ann: Vec<_> = pictures(&orbit, "ann").await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(
        ann,
        ["principal.created", "membership.created", "token.created", "token.revoked", "membership.deleted"]
    );
}

async fn a_request_is_shown_with_what_policy_said(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.topic("orders").in_prod().create().await.accepted();
    dev.topic("orders").in_prod().partitions(60).create().await.denied();

    let said = orbit
        .texts("SELECT CAST(verdict AS TEXT) FROM audit_event WHERE object_key = 'payments/prod/orders' ORDER BY id")
        .await;
    let said: Vec<Value> = said.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(said[0].pointer("/reasons/0/code"), Some(&json!("topic.approval.environment")), "{said:#?}");
    assert_eq!(said[1].pointer("/violations/0/field"), Some(&json!("/partitions")), "{said:#?}");
}
