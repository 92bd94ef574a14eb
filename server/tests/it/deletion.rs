//! Deletions with a lead time, and what protects a topic from them.

use crate::support::{Person, TestApp, on_both, on_sqlite, until};
use orbit_server::auth::permission::Role;
use serde_json::json;
use std::time::Duration;

on_both!(a_deletion_waits_and_can_be_taken_back);
on_sqlite!(
    a_deletion_is_carried_out_when_its_time_has_come,
    the_lead_of_a_deletion_that_waits_for_a_person_begins_with_the_consent,
    policies_protect_topics_that_do_not_say,
    what_has_begun_cannot_be_taken_back,
    the_longest_lead_holds,
    a_workspace_goes_when_it_owns_nothing,
);

/// A member of `payments` and a platform admin whose tokens outlive the story.
async fn people(orbit: &TestApp) -> (Person, Person) {
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), 1_000 * HOUR).await;
    (dev, orbit.somebody("boss", Some(Role::PlatformAdmin), None, 1_000 * HOUR).await)
}

const HOUR: Duration = Duration::from_hours(1);

async fn a_deletion_waits_and_can_be_taken_back(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    root.platform_policy(json!({ "deletion_lead_time_hours": 72 })).await;
    let orders = dev.topic("orders");
    orders.made().await;
    let told = orders.evaluate("delete").await;
    assert_eq!(told.decision(0), "allow");
    let warning = "the topic is deleted 72 hours after the deletion is accepted, and can be restored until then";
    assert_eq!(told.findings(0, "warnings")[0].1, warning);

    let deleted = orders.delete().await;
    deleted.accepted().has_status("deleting");
    assert_eq!(deleted.conditions(), ["DeletionScheduled"]);
    let at: jiff::Timestamp = deleted.text("/deletes_at").parse().unwrap();
    let accepted: jiff::Timestamp = deleted.text("/updated_at").parse().unwrap();
    let minutes = at.duration_since(accepted).as_mins();
    assert!((72 * 60 - 1..=72 * 60).contains(&minutes), "{minutes}");
    let operation = dev.operation(&deleted.operation_id()).await;
    assert_eq!((operation.text("/state"), operation.text("/not_before")), ("pending", deleted.text("/deletes_at")));
    // Asked for again it is the same; anything else stands back.
    assert_eq!(orders.delete().await.accepted().operation_id(), deleted.operation_id());
    let meets = "or wait until it is gone, then call again";
    orders.create().await.problem(409, "topic.deletion-scheduled").advises(meets);
    orders.patch(json!({ "partitions": 9 })).await.problem(409, "topic.deletion-scheduled");
    assert!(orbit.main().kafka.snapshot().keys().any(|name| name.as_str() == orders.physical()), "it is there still");

    let restore = format!("{}/restore", orders.path());
    orbit.stranger("x").await.post(&restore, json!({})).await.no_topic();
    let kept = dev.call(reqwest::Method::POST, &restore).key("k").send().await;
    kept.ok().has_status("active");
    assert!(kept.lacks("/deletes_at"));
    assert_eq!(kept.conditions(), [""; 0]);
    assert_eq!(dev.operation(&deleted.operation_id()).await.text("/state"), "cancelled");
    // The same call again, and another one.
    dev.call(reqwest::Method::POST, &restore).key("k").send().await.ok();
    dev.post(&restore, json!({})).await.problem(409, "topic.not-scheduled");
    orders.patch(json!({ "partitions": 9 })).await.accepted();
    orders.active().await;
    let trail = orbit.audit_of("payments/dev/orders").await;
    assert!(trail.contains(&"operation.cancelled".to_owned()), "{trail:?}");
}

async fn a_deletion_is_carried_out_when_its_time_has_come(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    root.platform_policy(json!({ "deletion_lead_time_hours": 2 })).await;
    let orders = dev.topic("orders");
    orders.made().await;
    orders.delete().await.accepted();
    orbit.pass(HOUR);
    tokio::time::sleep(Duration::from_millis(300)).await;
    orders.get().await.ok().has_status("deleting");
    orbit.pass(HOUR);
    orders.vanished().await;
    assert!(orbit.main().kafka.snapshot().is_empty());
    orders.made().await;
}

async fn the_lead_of_a_deletion_that_waits_for_a_person_begins_with_the_consent(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    root.platform_policy(json!({ "deletion_lead_time_hours": 2, "require_deletion_approval_for": ["prod"] })).await;
    let orders = dev.topic("orders").in_prod();
    orders.made().await;
    let filed = orders.delete().await.request_id();
    orbit.pass(10 * HOUR);
    root.approve(&filed).await.ok();
    let seen = orders.get().await;
    seen.has_status("deleting");
    assert_eq!(seen.conditions(), ["DeletionScheduled"]);
    orbit.pass(2 * HOUR);
    orders.vanished().await;
}

async fn policies_protect_topics_that_do_not_say(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    let rules = json!({ "environments": ["prod"], "deletion_protection_default": true });
    root.platform_policy(rules).await;
    root.post("/v1/topic-policies", json!({ "name": "all", "scope": "platform" })).await.created();
    let orders = dev.topic("orders").in_prod();
    orders.made().await;
    let denied = "Denied: deletion protection of topic orders is on, as policy platform has it in prod";
    orders.delete().await.denied().names("/deletion_protection", denied);
    orders.patch(json!({ "deletion_protection": false })).await.ok();
    orders.delete().await.going_or_gone();

    let free = dev.topic("free");
    free.made().await;
    free.delete().await.going_or_gone();
}

async fn what_has_begun_cannot_be_taken_back(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    let orders = dev.topic("orders");
    orders.made().await;
    let restore = format!("{}/restore", orders.path());
    dev.post(&restore, json!({})).await.problem(409, "topic.not-scheduled");
    root.platform_policy(json!({ "deletion_lead_time_hours": 1 })).await;
    orders.delete().await.accepted();
    orbit.main().hold();
    orbit.pass(HOUR);
    until("it has begun", async || (orbit.main().waiting() > 0).then_some(())).await;
    dev.post(&restore, json!({})).await.problem(409, "topic.not-scheduled");
    orders.create().await.problem(409, "topic.deleting");
    orbit.main().release();
    orders.vanished().await;
}

async fn a_workspace_goes_when_it_owns_nothing(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    root.post("/v1/workspaces", json!({ "slug": "sales" })).await.created();
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "sales" });
    for name in ["orders", "refunds"] {
        dev.topic(name).made().await;
    }
    let owns = root.delete("/v1/workspaces/payments").await;
    owns.problem(409, "workspace.in-use").says("workspace payments owns 2 topics");
    root.post("/v1/topic-policies", own).await.created();
    let rules = root.delete("/v1/workspaces/sales").await;
    rules.problem(409, "workspace.in-use").says("workspace sales has policies of its own");
    root.delete("/v1/topic-policies/own").await.gone();
    // What a policy names stays, or nobody could decide what it asks for.
    root.post("/v1/environments", json!({ "slug": "lab" })).await.created();
    let approvers = json!({ "lab": [{ "workspace": "sales" }] });
    let names =
        json!({ "name": "names", "scope": "platform", "require_approval_for": ["lab"], "approvers": approvers });
    root.post("/v1/topic-policies", names).await.created();
    root.delete("/v1/workspaces/sales").await.problem(409, "workspace.in-use").says("policy names has the admins");
    root.delete("/v1/environments/lab").await.problem(409, "environment.in-use").says("policy names names environment");
    root.delete("/v1/topic-policies/names").await.gone();
    root.delete("/v1/environments/lab").await.gone();
    root.delete("/v1/workspaces/sales").await.gone();
}

async fn the_longest_lead_holds(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    root.platform_policy(json!({ "deletion_lead_time_hours": 5 })).await;
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "payments", "deletion_lead_time_hours": 24 });
    root.post("/v1/topic-policies", own).await.created();
    let orders = dev.topic("orders");
    orders.made().await;
    let told = orders.evaluate("delete").await;
    assert!(told.findings(0, "warnings")[0].1.contains("24 hours"));
    // Asked for together, they go together, when the last of them may.
    let slow = json!({ "name": "slow", "scope": "platform", "environments": ["prod"], "deletion_lead_time_hours": 48 });
    root.post("/v1/topic-policies", slow).await.created();
    root.topic("orders").in_prod().made().await;
    let both = ["dev", "prod"].map(|environment| {
        json!({ "action": "delete", "topic": { "workspace": "payments", "environment": environment, "name": "orders" } })
    });
    let asked = dev.post("/v1/requests", json!({ "items": both })).await;
    let warnings = asked.accepted().body["verdict"]["warnings"].as_array().unwrap().clone();
    for warning in &warnings {
        assert!(warning["message"].as_str().unwrap().contains("deleted 48 hours after"), "{warning}");
    }
    let seen = dev.topic("orders").get().await;
    let scheduled =
        seen.body["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "DeletionScheduled").unwrap();
    assert!(scheduled["message"].as_str().unwrap().contains("/cancel keeps it and all"), "{scheduled}");
    assert_eq!(warnings.iter().map(|w| w["limit"].as_str().unwrap()).collect::<Vec<_>>(), ["24", "48"]);
    root.put("/v1/topic-policies/own", json!({ "deletion_lead_time_hours": 8_761 }))
        .await
        .invalid()
        .names("/deletion_lead_time_hours", "is 8761: 1 to 8760 are allowed");
}
