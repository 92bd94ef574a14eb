//! Another workspace's things are not there: 404, never 403. And who may do what.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(another_workspaces_topic_is_not_there, another_workspaces_requests_and_operations_are_not_there);
on_sqlite!(
    a_viewer_reads_and_evaluates_and_no_more,
    a_member_asks_for_topics_and_no_more,
    a_workspace_admin_rules_the_workspace_and_no_more,
    platform_things_take_a_platform_admin,
    what_the_platform_admin_sees_of_a_cluster_others_do_not,
    tokens_end,
    a_token_is_no_better_than_its_principal,
    an_environments_approver_sees_what_it_may_decide_and_no_more,
);

/// Workspace `sales`, beside `payments`, with somebody in it.
async fn sales(orbit: &TestApp) -> crate::support::Person {
    orbit.root().post("/v1/workspaces", json!({ "slug": "sales" })).await.created();
    orbit.person("sam", Role::Admin, "sales").await
}

async fn another_workspaces_topic_is_not_there(orbit: TestApp) {
    let dev = orbit.dev().await;
    let sam = sales(&orbit).await;
    let viewer = orbit.person("vera", Role::Viewer, "sales").await;
    let stranger = orbit.stranger("nobody").await;
    let made = dev.topic("orders").made().await;

    for foreigner in [&sam, &viewer, &stranger] {
        let orders = foreigner.topic("orders");
        for foreign in [
            orders.get().await,
            orders.fresh().await,
            orders.patch(json!({ "partitions": 3 })).await,
            orders.replace(json!({ "partitions": 3 })).await,
            orders.delete().await,
            foreigner.get(&format!("/v1/topics/{}", made.id())).await,
            foreigner.delete(&format!("/v1/topics/{}", made.id())).await,
        ] {
            foreign.no_topic();
        }
        orders.create().await.problem(404, "workspace.not-found");
        foreigner.get("/v1/topics?workspace=payments").await.problem(404, "workspace.not-found");
        assert_eq!(foreigner.get("/v1/topics").await.count(), 0);
        for action in ["create", "update", "delete"] {
            assert_eq!(orders.evaluate(action).await.text("/items/0/problem/code"), "workspace.not-found");
        }
    }
    let orders = sam.topic("orders");
    // The words do not tell whether it is there.
    let (there, nowhere) = (orders.get().await, sam.topic("ordres").get().await);
    assert_eq!(there.raw.replace("orders", "ordres").len(), nowhere.raw.len());
    dev.topic("orders").active().await;
}

async fn another_workspaces_requests_and_operations_are_not_there(orbit: TestApp) {
    let dev = orbit.dev().await;
    let sam = sales(&orbit).await;
    let filed = dev.topic("waits").in_prod().create().await;
    let made = dev.topic("orders").made().await;
    let id = filed.request_id();

    for foreign in [
        sam.request(&id).await,
        sam.get(&format!("/v1/requests/{id}?wait=1s")).await,
        sam.approve(&id).await,
        sam.reject(&id, "no").await,
        sam.withdraw(&id).await,
    ] {
        foreign.problem(404, "request.not-found");
    }
    sam.operation(&made.operation_id()).await.problem(404, "operation.not-found");
    for list in ["requests", "operations", "memberships"] {
        sam.get(&format!("/v1/{list}?workspace=payments")).await.problem(404, "workspace.not-found");
    }
    assert_eq!(sam.get("/v1/requests").await.count(), 0);
    assert_eq!(sam.get("/v1/operations").await.count(), 0);
    assert_eq!(dev.get("/v1/operations").await.count(), 1);
    assert_eq!(sam.get("/v1/operations?workspace=sales").await.count(), 0);
    assert_eq!(dev.get("/v1/operations?workspace=payments").await.count(), 1);
    assert_eq!(orbit.root().get("/v1/operations").await.count(), 1);
    sam.get("/v1/workspaces/payments").await.problem(404, "workspace.not-found");
    assert_eq!(sam.all("/v1/workspaces", 10).await.len(), 1);
}

async fn a_viewer_reads_and_evaluates_and_no_more(orbit: TestApp) {
    let dev = orbit.dev().await;
    let viewer = orbit.person("viewer", Role::Viewer, "payments").await;
    let made = dev.topic("orders").made().await;
    let orders = viewer.topic("orders");
    orders.get().await.ok();
    viewer.operation(&made.operation_id()).await.ok();
    for refused in [orders.create().await, orders.patch(json!({ "partitions": 2 })).await, orders.delete().await] {
        refused.problem(403, "forbidden").says("takes the role member");
    }
    assert_eq!(orders.evaluate("delete").await.decision(0), "allow");
    let policy = json!({ "name": "own", "scope": "workspace", "workspace": "payments" });
    viewer.post("/v1/topic-policies", policy).await.problem(403, "forbidden");
}

async fn a_member_asks_for_topics_and_no_more(orbit: TestApp) {
    let dev = orbit.dev().await;
    let policy = json!({ "name": "own", "scope": "workspace", "workspace": "payments" });
    dev.post("/v1/topic-policies", policy).await.problem(403, "forbidden").says("takes its role admin");
    dev.patch("/v1/workspaces/payments", json!({ "display_name": "P" })).await.problem(403, "forbidden");
    let membership = json!({ "principal": "dev", "role": "admin", "workspace": "payments" });
    dev.post("/v1/memberships", membership).await.problem(403, "forbidden");
    let platform = json!({ "principal": "dev", "role": "platform-admin" });
    dev.post("/v1/memberships", platform).await.problem(403, "forbidden");
    let token = json!({ "name": "t", "principal": "root" });
    dev.post("/v1/tokens", token).await.problem(403, "forbidden");
}

async fn a_workspace_admin_rules_the_workspace_and_no_more(orbit: TestApp) {
    let dev = orbit.dev().await;
    let sam = sales(&orbit).await;
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "payments", "partition_limits": { "max": 5 } });
    lead.post("/v1/topic-policies", own).await.created();
    dev.topic("orders").partitions(6).create().await.denied().says("Denied: exceeds workspace limit of 5 partitions");
    lead.put("/v1/topic-policies/own", json!({ "partition_limits": { "max": 6 } })).await.ok();
    dev.topic("orders").partitions(6).create().await.accepted();
    // Its own policy lifts no limit of the platform.
    lead.put("/v1/topic-policies/own", json!({ "partition_limits": { "max": 600 } })).await.ok();
    dev.topic("more").partitions(60).create().await.denied().says("Denied: exceeds platform limit of 50 partitions");
    for other in [
        lead.put("/v1/topic-policies/platform", json!({})).await,
        lead.delete("/v1/topic-policies/platform").await,
        lead.post("/v1/topic-policies", json!({ "name": "mine", "scope": "platform" })).await,
    ] {
        other.problem(403, "forbidden");
    }
    sam.get("/v1/topic-policies/own").await.problem(404, "policy.not-found");
    sam.delete("/v1/topic-policies/own").await.problem(404, "policy.not-found");
    assert_eq!(sam.all("/v1/topic-policies", 1).await.len(), 1, "the platform's alone");
    let foreign = json!({ "name": "x", "scope": "workspace", "workspace": "sales" });
    lead.post("/v1/topic-policies", foreign).await.problem(404, "workspace.not-found");
    let joined =
        lead.post("/v1/memberships", json!({ "principal": "sam", "role": "viewer", "workspace": "payments" })).await;
    sam.topic("orders").get().await.ok();
    lead.delete(&format!("/v1/memberships/{}", joined.created().id())).await.gone();
    sam.topic("orders").get().await.no_topic();
    let hers = orbit.root().all("/v1/memberships?workspace=sales", 10).await[0]["id"].as_str().unwrap().to_owned();
    lead.delete(&format!("/v1/memberships/{hers}")).await.problem(404, "membership.not-found");
    lead.patch("/v1/workspaces/payments", json!({ "display_name": "Payments" })).await.ok();
}

async fn platform_things_take_a_platform_admin(orbit: TestApp) {
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    for (method, path, body) in [
        (Method::POST, "/v1/workspaces", json!({ "slug": "w" })),
        (Method::DELETE, "/v1/workspaces/payments", Value::Null),
        (Method::POST, "/v1/environments", json!({ "slug": "e" })),
        (Method::PATCH, "/v1/environments/dev", json!({ "display_name": "d" })),
        (Method::DELETE, "/v1/environments/dev", Value::Null),
        (Method::POST, "/v1/environment-mappings", json!({ "environment": "dev", "cluster": "main" })),
        (Method::DELETE, "/v1/environment-mappings/map_0", Value::Null),
        (Method::POST, "/v1/clusters", json!({})),
        (Method::PATCH, "/v1/clusters/main", json!({ "display_name": "d" })),
        (Method::DELETE, "/v1/clusters/main", Value::Null),
        (Method::POST, "/v1/principals", json!({ "name": "p" })),
        (Method::GET, "/v1/principals", Value::Null),
    ] {
        let call = lead.call(method.clone(), path);
        let call = if body.is_null() { call } else { call.json(&body) };
        call.send().await.problem(403, "forbidden").says("takes the role platform-admin");
        let stranger = lead.bare_call(method, path).send().await;
        assert_eq!(stranger.asks_for(), "Bearer", "{path}");
    }
}

async fn what_the_platform_admin_sees_of_a_cluster_others_do_not(orbit: TestApp) {
    let dev = orbit.dev().await;
    let (all, less) = (orbit.root().get("/v1/clusters/main").await, dev.get("/v1/clusters/main").await);
    assert_eq!(all.ok().text("/connection/bootstrap_servers/0"), "main.test:9092");
    assert!(less.ok().lacks("/connection"));
    assert!(!dev.get("/v1/clusters").await.raw.contains("main.test"));
}

async fn tokens_end(orbit: TestApp) {
    let dev = orbit.dev().await;
    let minted = dev.post("/v1/tokens", json!({ "name": "short", "expires_in_seconds": 60 })).await;
    let short = dev.with_token(minted.created().text("/token"));
    short.get("/v1/whoami").await.ok();
    orbit.pass(Duration::from_secs(61));
    short.get("/v1/whoami").await.problem(401, "unauthenticated").says("the token has expired");

    let minted = dev.post("/v1/tokens", json!({ "name": "long" })).await;
    let long = dev.with_token(minted.created().text("/token"));
    let path = format!("/v1/tokens/{}", minted.id());
    orbit.person("eve", Role::Admin, "payments").await.delete(&path).await.problem(404, "token.not-found");
    dev.delete(&path).await.gone();
    long.get("/v1/whoami").await.problem(401, "unauthenticated").says("the token was revoked");
    dev.delete(&path).await.gone();

    dev.with_token("orbit_unknown").get("/v1/whoami").await.problem(401, "unauthenticated").says("not known");
    dev.bare_call(Method::GET, "/v1/whoami")
        .send()
        .await
        .problem(401, "unauthenticated")
        .advises("Authorization: Bearer");
    let basic = dev.bare_call(Method::GET, "/v1/whoami").header("authorization", "Basic YTpi").send().await;
    basic.problem(401, "unauthenticated");
}

async fn a_token_is_no_better_than_its_principal(orbit: TestApp) {
    let dev = orbit.dev().await;
    let minted = dev.post("/v1/tokens", json!({ "name": "second" })).await;
    let second = dev.with_token(minted.created().text("/token"));
    second.topic("orders").create().await.accepted();
    let memberships = dev.get("/v1/whoami").await.body["memberships"].clone();
    orbit.root().delete(&format!("/v1/memberships/{}", memberships[0]["id"].as_str().unwrap())).await.gone();
    second.topic("orders").get().await.no_topic();
    second.get("/v1/whoami").await.ok();
    // Lists of tokens tell no token.
    let list = dev.get("/v1/tokens").await;
    assert!(!list.raw.contains(&second.token) && !list.raw.contains(&dev.token));
    assert_eq!(list.count(), 2);
    assert_eq!(orbit.root().all("/v1/tokens", 2).await.len(), 3);
}

async fn an_environments_approver_sees_what_it_may_decide_and_no_more(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.patch("/v1/environments/prod", json!({ "default_approvers": ["olga"] })).await.ok();
    root.platform_policy(json!({})).await;
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "payments", "require_approval_for": ["prod"] });
    root.post("/v1/topic-policies", own).await.created();
    let olga = orbit.stranger("olga").await;

    let filed = dev.topic("orders").in_prod().create().await;

    assert_eq!(filed.text("/request/approvers"), "an admin of workspace payments");
    olga.request(&filed.request_id()).await.problem(404, "request.not-found");
    olga.approve(&filed.request_id()).await.problem(404, "request.not-found");
    assert_eq!(olga.get("/v1/requests").await.count(), 0);
    olga.topic("orders").in_prod().get().await.no_topic();

    // What the platform asks for is hers to decide, so it is hers to read: the request, its topic, and the work that follows.
    root.platform_policy(json!({ "require_approval_for": ["prod"] })).await;
    let asked = dev.topic("bills").in_prod().create().await;
    assert_eq!(olga.get("/v1/requests").await.count(), 1);
    olga.topic("bills").in_prod().get().await.has_status("pending-approval");
    olga.topic("bills").in_prod().patch(json!({ "partitions": 3 })).await.no_topic();
    olga.topic("orders").in_prod().get().await.no_topic();
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    lead.approve(&asked.request_id()).await.ok();
    olga.approve(&asked.request_id()).await.ok();
    let made = dev.topic("bills").in_prod().active().await;
    olga.operation(&made.operation_id()).await.ok();
    olga.topic("bills").in_prod().get().await.no_topic();
}
