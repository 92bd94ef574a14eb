//! A rejection that an approver takes back, and an approval that meets a denial.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::json;
use std::time::Duration;

on_both!(a_rejected_request_is_put_back_and_approved);
on_sqlite!(
    who_cannot_decide_cannot_reopen,
    what_has_moved_on_is_not_reopened,
    what_was_dropped_since_is_not_reopened,
    the_rules_of_today_hold_for_what_is_reopened,
    an_approval_that_policy_denies_rejects_where_the_approver_says_so,
    a_change_that_was_rejected_is_put_back_too,
    a_reopened_request_has_its_whole_time_again,
);

async fn a_rejected_request_is_put_back_and_approved(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod().partitions(6);
    let id = orders.create().await.request_id();
    root.reject(&id, "not yet").await.ok();
    orders.create().await.problem(409, "request.rejected");

    let path = format!("/v1/requests/{id}/reopen");
    let reopened = root.call(reqwest::Method::POST, &path).key("again").send().await;
    assert_eq!(reopened.ok().text("/state"), "pending");
    assert!(reopened.lacks("/decided_by") && reopened.lacks("/reason"));
    root.call(reqwest::Method::POST, &path).key("again").send().await.ok();
    root.post(&path, json!({})).await.problem(409, "request.decided").says("waits for a decision already");
    orders.get().await.ok().has_status("pending-approval");
    // The developer's pipeline attaches to it.
    assert_eq!(orders.create().await.accepted().request_id(), id);
    root.approve(&id).await.ok();
    orders.active().await;
    let trail = orbit.audit_of("payments/prod/orders").await;
    assert_eq!(trail[..4], ["request.filed", "request.rejected", "request.reopened", "request.approved"]);
}

async fn who_cannot_decide_cannot_reopen(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    root.reject(&id, "no").await.ok();
    let path = format!("/v1/requests/{id}/reopen");
    dev.post(&path, json!({})).await.problem(403, "request.not-yours");
    lead.post(&path, json!({})).await.problem(403, "request.not-yours");
    orbit.stranger("x").await.post(&path, json!({})).await.problem(404, "request.not-found");

    let withdrawn = dev.topic("other").in_prod().create().await.request_id();
    dev.withdraw(&withdrawn).await.ok();
    root.post(&format!("/v1/requests/{withdrawn}/reopen"), json!({})).await.problem(409, "request.decided");
}

async fn what_has_moved_on_is_not_reopened(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod().partitions(6);
    let id = orders.create().await.request_id();
    root.reject(&id, "too many").await.ok();
    let fewer = orders.clone().partitions(3).create().await.request_id();
    let path = format!("/v1/requests/{id}/reopen");
    root.post(&path, json!({})).await.problem(409, "request.decided").advises("have it asked for again");
    root.reject(&fewer, "no").await.ok();
    root.post(&path, json!({})).await.problem(409, "request.decided");
    root.post(&format!("/v1/requests/{fewer}/reopen"), json!({})).await.ok();
}

async fn what_was_dropped_since_is_not_reopened(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod();
    let id = orders.create().await.request_id();
    root.reject(&id, "no").await.ok();
    orders.delete().await;
    orders.get().await.problem(404, "topic.not-found");
    let path = format!("/v1/requests/{id}/reopen");
    root.post(&path, json!({})).await.problem(409, "request.decided").advises("have it asked for again");
    orders.get().await.problem(404, "topic.not-found");
}

async fn the_rules_of_today_hold_for_what_is_reopened(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = dev.topic("orders").in_prod().partitions(6).create().await.request_id();
    root.reject(&id, "no").await.ok();
    root.platform_policy(json!({ "partition_limits": { "max": 4 }, "require_approval_for": ["prod"] })).await;
    root.post(&format!("/v1/requests/{id}/reopen"), json!({})).await.denied().field("/partitions");
    assert_eq!(root.request(&id).await.text("/state"), "rejected");
}

async fn an_approval_that_policy_denies_rejects_where_the_approver_says_so(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod().partitions(6);
    let id = orders.create().await.request_id();
    root.platform_policy(json!({ "partition_limits": { "max": 4 }, "require_approval_for": ["prod"] })).await;
    let path = format!("/v1/requests/{id}/approve");
    root.post(&path, json!({ "on_denial": "keep" })).await.denied().field("/partitions");
    assert_eq!(root.request(&id).await.text("/state"), "pending");
    // Who may not decide rejects nothing.
    dev.post(&path, json!({ "on_denial": "reject" })).await.denied();
    assert_eq!(root.request(&id).await.text("/state"), "pending");

    let reject = json!({ "on_denial": "reject" });
    let answer = root.call(reqwest::Method::POST, &path).key("lost").json(&reject).send().await;
    answer.denied().names("/partitions", "Denied: exceeds platform limit of 4 partitions");
    assert_eq!(answer.text("/request/state"), "rejected");
    let reason = "policy does not allow it by now: Denied: exceeds platform limit of 4 partitions";
    assert_eq!(root.request(&id).await.text("/reason"), reason);
    orders.get().await.ok().has_status("rejected");
    // The reply was lost, and the call is repeated.
    let again = root.call(reqwest::Method::POST, &path).key("lost").json(&reject).send().await;
    assert_eq!(again.ok().text("/state"), "rejected");
}

async fn a_change_that_was_rejected_is_put_back_too(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let orders = dev.topic("orders").in_prod();
    let made = orders.create().await.request_id();
    root.approve(&made).await.ok();
    orders.active().await;
    let id = orders.patch(json!({ "partitions": 9 })).await.request_id();
    root.reject(&id, "no").await.ok();
    root.post(&format!("/v1/requests/{id}/reopen"), json!({})).await.ok();
    assert_eq!(orders.get().await.conditions(), ["ChangePending"]);
    root.approve(&id).await.ok();
    assert_eq!(orders.active().await.body["partitions"], 9);
}

async fn a_reopened_request_has_its_whole_time_again(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let rules = json!({ "require_approval_for": ["prod"], "request_validity_hours": 1 });
    root.platform_policy(rules).await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let before: jiff::Timestamp = root.request(&id).await.text("/expires_at").parse().unwrap();
    orbit.pass(Duration::from_mins(30));
    root.reject(&id, "no").await.ok();
    orbit.pass(Duration::from_mins(20));
    let reopened = root.post(&format!("/v1/requests/{id}/reopen"), json!({})).await;
    let until: jiff::Timestamp = reopened.ok().text("/expires_at").parse().unwrap();
    assert!(until.duration_since(before).as_mins() >= 49, "{before} {until}");
}
