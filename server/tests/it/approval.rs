//! Who approves, who may not, and what an approval does.

use crate::support::{Answer, Person, TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    a_policy_names_who_consents_how_many_and_by_when,
    what_the_rules_of_today_ask_for_is_shown_and_asked_of_them,
    an_approval_provisions_at_once,
    the_request_shows_all_that_a_decision_needs,
    the_printed_call_approves,
    both_layers_take_one_consent_each,
    of_two_who_decide_at_once_one_wins,
    rules_that_were_tightened_deny_the_approval_and_leave_the_request_open,
);
on_sqlite!(
    a_consent_of_who_has_lost_the_right_does_not_count,
    a_consent_that_counts_no_more_can_be_given_anew,
    approvers_that_there_are_not_are_told,
    a_requester_cannot_approve_with_any_token,
    a_platform_admin_who_filed_cannot_approve,
    self_approval_holds_where_the_policy_says_so,
    a_self_approval_that_the_rules_no_longer_grant_does_not_count,
    what_a_workspace_asks_for_its_admin_approves,
    an_environment_names_its_approvers,
    a_need_that_came_after_filing_is_due_too,
    who_sees_a_request_and_may_not_decide_is_told_so,
);

/// A topic in `prod` that waits for a person.
async fn waiting(who: &Person) -> Answer {
    let answer = who.topic("orders").in_prod().partitions(6).create().await;
    answer.accepted().has_status("pending-approval");
    answer
}

/// A policy of workspace `payments` that asks for approval in `prod`.
async fn workspace_asks(orbit: &TestApp) {
    let policy =
        json!({ "name": "careful", "scope": "workspace", "workspace": "payments", "require_approval_for": ["prod"] });
    orbit.root().post("/v1/topic-policies", policy).await.created();
}

async fn an_approval_provisions_at_once(orbit: TestApp) {
    let dev = orbit.dev().await;
    let filed = waiting(&dev).await;
    assert_eq!(filed.header("location"), format!("/v1/requests/{}", filed.request_id()));
    assert_eq!(filed.text("/request/approvers"), "a platform admin");
    assert_eq!(filed.text("/request/because"), "policy platform asks for approval in prod");
    assert!(orbit.main().kafka.snapshot().is_empty());

    let approved = orbit.root().approve(&filed.request_id()).await;

    assert_eq!(approved.ok().text("/state"), "approved");
    assert_eq!(approved.text("/decided_by"), "root");
    assert_eq!(dev.operation_end(approved.text("/operation_id")).await.text("/state"), "succeeded");
    let active = dev.topic("orders").in_prod().active().await;
    assert_eq!(active.text("/approved_by"), "root");
    assert_eq!(active.body["approval_required"], true);
    assert!(active.lacks("/request"), "what is approved waits for nobody");
    assert_eq!(orbit.main().kafka.made("prod.payments.orders"), 1);
}

async fn the_request_shows_all_that_a_decision_needs(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").in_prod().partitions(6);
    let first = orders.create().await.request_id();
    orbit.root().reject(&first, "too few partitions").await.ok();
    let filed = orders.partitions(12).because("the fair begins on Monday").create().await;

    let request = orbit.root().request(&filed.request_id()).await;

    request.ok();
    assert_eq!(request.text("/requester"), "dev");
    assert_eq!(request.text("/workspace"), "payments");
    assert_eq!(request.text("/justification"), "the fair begins on Monday");
    assert_eq!(request.text("/items/0/action"), "create");
    assert_eq!(request.text("/items/0/object_key"), "payments/prod/orders");
    assert_eq!(request.text("/items/0/cluster"), "main");
    assert_eq!(request.text("/items/0/physical_name"), "prod.payments.orders");
    let differences = request.body.pointer("/items/0/differences").unwrap();
    assert_eq!(*differences, json!([{ "field": "/partitions", "after": "12" }]));
    assert_eq!(request.text("/verdict/decision"), "needs-approval");
    assert_eq!(request.text("/verdict/reasons/0/policy"), "platform");
    assert_eq!(request.text("/verdict/reasons/0/rule"), "require_approval_for");
    assert_eq!(request.text("/needs/0/approvers"), "a platform admin");
    let history = request.body.pointer("/items/0/history").and_then(Value::as_array).unwrap();
    let told: Vec<_> = history.iter().map(|h| (h["action"].as_str().unwrap(), h["actor"].as_str().unwrap())).collect();
    assert_eq!(told, [("request.filed", "dev"), ("request.rejected", "root"), ("request.filed", "dev")]);
    assert_eq!(history[1]["detail"], "too few partitions");
}

async fn the_printed_call_approves(orbit: TestApp) {
    let dev = orbit.dev().await;
    let filed = waiting(&dev).await;
    let request = dev.request(&filed.request_id()).await;

    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(request.text("/approve_with")).env("ORBIT_TOKEN", orbit.root().token);
    let printed = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();

    let answer: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(answer["state"], "approved", "{answer}");
    dev.topic("orders").in_prod().active().await;
}

async fn both_layers_take_one_consent_each(orbit: TestApp) {
    workspace_asks(&orbit).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let id = waiting(&dev).await.request_id();

    let once = lead.approve(&id).await;

    assert_eq!(once.ok().text("/state"), "pending");
    let needs = once.body["needs"].as_array().unwrap();
    let given: Vec<_> = needs.iter().map(|n| (n["layer"].as_str().unwrap(), n["given_by"][0].as_str())).collect();
    assert_eq!(given, [("platform", None), ("workspace", Some("lead"))]);
    lead.approve(&id).await.problem(403, "request.not-yours").says("somebody else has to give the other consent");
    assert!(orbit.main().kafka.snapshot().is_empty());
    assert_eq!(root.approve(&id).await.ok().text("/state"), "approved");
    dev.topic("orders").in_prod().active().await;
}

async fn of_two_who_decide_at_once_one_wins(orbit: TestApp) {
    let dev = orbit.dev().await;
    let other = orbit.somebody("other", Some(Role::PlatformAdmin), None, Duration::from_hours(1)).await;
    let id = waiting(&dev).await.request_id();
    let root = orbit.root();

    let (a, b, c) = tokio::join!(root.approve(&id), other.approve(&id), other.reject(&id, "no"));

    let won: Vec<_> = [&a, &b, &c].into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{a:?} {b:?} {c:?}");
    for answer in [&a, &b, &c].into_iter().filter(|answer| answer.status != 200) {
        answer.problem(409, "request.decided");
    }
    let due = if won[0].text("/state") == "approved" { "active" } else { "rejected" };
    dev.topic("orders").in_prod().settled(due).await;
}

async fn rules_that_were_tightened_deny_the_approval_and_leave_the_request_open(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = waiting(&dev).await.request_id();
    root.platform_policy(json!({ "partition_limits": { "max": 3 }, "require_approval_for": ["prod"] })).await;

    let denied = root.approve(&id).await;

    denied.denied().names("/partitions", "Denied: exceeds platform limit of 3 partitions");
    denied.denied().advises("reject it, or change the rules");
    assert_eq!(dev.request(&id).await.text("/state"), "pending");
    assert_eq!(orbit.audit_of("payments/prod/orders").await, ["request.filed", "request.denied"]);
    dev.topic("orders").in_prod().get().await.has_status("pending-approval");
    root.platform_policy(json!({ "require_approval_for": ["prod"] })).await;
    root.approve(&id).await.ok();
    dev.topic("orders").in_prod().active().await;
}

async fn a_requester_cannot_approve_with_any_token(orbit: TestApp) {
    workspace_asks(&orbit).await;
    orbit.root().platform_policy(json!({})).await;
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let id = waiting(&lead).await.request_id();
    let minted = lead.post("/v1/tokens", json!({ "name": "second" })).await;

    let second = lead.with_token(minted.created().text("/token"));

    for token in [&lead, &second] {
        token.approve(&id).await.problem(403, "request.not-yours").says("somebody else has to approve it");
    }
    assert_eq!(lead.request(&id).await.text("/state"), "pending");
}

async fn a_platform_admin_who_filed_cannot_approve(orbit: TestApp) {
    let root = orbit.root();
    let id = waiting(&root).await.request_id();
    root.approve(&id).await.problem(403, "request.not-yours");
    let other = orbit.somebody("other", Some(Role::PlatformAdmin), None, Duration::from_hours(1)).await;
    assert_eq!(other.approve(&id).await.ok().text("/state"), "approved");
}

async fn self_approval_holds_where_the_policy_says_so(orbit: TestApp) {
    let root = orbit.root();
    root.platform_policy(json!({ "require_approval_for": ["prod"], "allow_self_approval": true })).await;
    let id = waiting(&root).await.request_id();
    assert_eq!(root.approve(&id).await.ok().text("/state"), "approved");
}

async fn a_self_approval_that_the_rules_no_longer_grant_does_not_count(orbit: TestApp) {
    let root = orbit.root();
    root.platform_policy(json!({ "require_approval_for": ["prod"], "allow_self_approval": true })).await;
    let id = waiting(&root).await.request_id();
    root.platform_policy(json!({ "require_approval_for": ["prod"] })).await;
    root.approve(&id).await.problem(403, "request.not-yours");
}

async fn what_a_workspace_asks_for_its_admin_approves(orbit: TestApp) {
    workspace_asks(&orbit).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({})).await;
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let filed = waiting(&dev).await;
    assert_eq!(filed.text("/request/approvers"), "an admin of workspace payments");

    root.approve(&filed.request_id()).await.problem(403, "request.not-yours");

    assert_eq!(lead.approve(&filed.request_id()).await.ok().text("/state"), "approved");
}

async fn an_environment_names_its_approvers(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.patch("/v1/environments/prod", json!({ "default_approvers": ["olga"] })).await.ok();
    let olga = orbit.stranger("olga").await;
    let filed = waiting(&dev).await;
    assert_eq!(filed.text("/request/approvers"), "a platform admin or olga");

    // What one may decide one may read, and nothing more.
    olga.request(&filed.request_id()).await.ok();
    assert_eq!(olga.get("/v1/requests").await.count(), 1);
    dev.topic("orders").create().await.accepted();
    assert_eq!(olga.get("/v1/requests").await.count(), 1, "what needs no consent of hers is not hers to see");
    assert_eq!(olga.approve(&filed.request_id()).await.ok().text("/decided_by"), "olga");
}

async fn a_need_that_came_after_filing_is_due_too(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let id = waiting(&dev).await.request_id();
    workspace_asks(&orbit).await;

    assert_eq!(root.approve(&id).await.ok().text("/state"), "pending", "the workspace asks too by now");

    assert_eq!(lead.approve(&id).await.ok().text("/state"), "approved");
}

async fn who_sees_a_request_and_may_not_decide_is_told_so(orbit: TestApp) {
    let dev = orbit.dev().await;
    let viewer = orbit.person("viewer", Role::Viewer, "payments").await;
    let id = waiting(&dev).await.request_id();
    viewer.request(&id).await.ok();
    viewer.approve(&id).await.problem(403, "request.not-yours").advises("ask one of those");
    viewer.reject(&id, "no").await.problem(403, "request.not-yours");
    viewer.withdraw(&id).await.problem(403, "request.not-yours");
}

async fn a_policy_names_who_consents_how_many_and_by_when(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.post("/v1/workspaces", json!({ "slug": "sre" })).await.created();
    let sam = orbit.person("sam", Role::Admin, "sre").await;
    let ann = orbit.person("ann", Role::Member, "sre").await;
    let kim = orbit.stranger("kim").await;
    let rules = json!({
        "require_approval_for": ["prod"], "quorum": 2, "request_validity_hours": 24,
        "approvers": { "prod": [{ "workspace": "sre" }, { "principal": "kim" }] },
    });
    root.put("/v1/topic-policies/platform", rules.clone()).await.ok();
    assert_eq!(root.get("/v1/topic-policies/platform").await.body["approvers"], rules["approvers"]);

    let told = dev.topic("orders").in_prod().evaluate("create").await;
    assert_eq!(told.text("/items/0/verdict/needs/0/approvers"), "2 of: an admin of workspace sre or kim");
    let filed = dev.topic("orders").in_prod().create().await;
    let id = filed.accepted().request_id();

    let request = sam.request(&id).await;
    let at = |field: &str| request.text(field).parse::<jiff::Timestamp>().unwrap();
    let waits = at("/expires_at").duration_since(at("/created_at")).as_secs();
    assert!((86_390..=86_400).contains(&waits), "{waits} s");
    assert_eq!(kim.get("/v1/requests").await.count(), 1, "what one may decide one may see");
    ann.request(&id).await.problem(404, "request.not-found");
    root.approve(&id).await.problem(403, "request.not-yours");
    sam.approve(&id).await.ok();
    sam.approve(&id).await.problem(403, "request.not-yours").says("you have approved this request already");
    let one = dev.request(&id).await;
    assert_eq!((one.text("/state"), &one.body["needs"][0]["given_by"]), ("pending", &json!(["sam"])));
    assert_eq!(kim.approve(&id).await.ok().text("/state"), "approved");
    dev.topic("orders").in_prod().active().await;
}

async fn a_consent_of_who_has_lost_the_right_does_not_count(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.put("/v1/topic-policies/platform", json!({ "require_approval_for": ["prod"], "quorum": 2 })).await.ok();
    let other = orbit.somebody("other", Some(Role::PlatformAdmin), None, Duration::from_hours(1)).await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    other.approve(&id).await.ok();
    let memberships = other.get("/v1/whoami").await.body["memberships"].clone();
    root.delete(&format!("/v1/memberships/{}", memberships[0]["id"].as_str().unwrap())).await.gone();

    assert_eq!(root.approve(&id).await.ok().text("/state"), "pending", "one of two has lost the right since");
    let third = orbit.somebody("third", Some(Role::PlatformAdmin), None, Duration::from_hours(1)).await;
    assert_eq!(third.approve(&id).await.ok().text("/state"), "approved");
}

async fn a_consent_that_counts_no_more_can_be_given_anew(orbit: TestApp) {
    workspace_asks(&orbit).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let other = orbit.person("other", Role::Admin, "payments").await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    assert_eq!(other.approve(&id).await.ok().text("/state"), "pending", "the workspace consents");
    other.approve(&id).await.problem(403, "request.not-yours").says("you have approved this request already");
    let memberships = other.get("/v1/whoami").await.body["memberships"].clone();
    root.delete(&format!("/v1/memberships/{}", memberships[0]["id"].as_str().unwrap())).await.gone();
    root.post("/v1/memberships", json!({ "principal": "other", "role": "platform-admin" })).await.created();

    assert_eq!(other.approve(&id).await.ok().text("/state"), "pending", "for the platform by now");
    let given: Vec<_> = dev.request(&id).await.body["needs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|need| (need["layer"].clone(), need["given_by"].clone()))
        .collect();
    assert_eq!(given, [(json!("platform"), json!(["other"])), (json!("workspace"), Value::Null)]);
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    assert_eq!(lead.approve(&id).await.ok().text("/state"), "approved");
}

async fn what_the_rules_of_today_ask_for_is_shown_and_asked_of_them(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let kim = orbit.stranger("kim").await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let rules = json!({ "require_approval_for": ["prod"], "approvers": { "prod": [{ "principal": "kim" }] } });
    root.put("/v1/topic-policies/platform", rules).await.ok();

    assert_eq!(root.approve(&id).await.ok().text("/state"), "pending", "kim is asked by now");

    let request = dev.request(&id).await;
    let needs: Vec<_> =
        request.body["needs"].as_array().unwrap().iter().map(|n| n["approvers"].as_str().unwrap()).collect();
    assert_eq!(needs, ["a platform admin", "kim"]);
    assert_eq!(kim.get("/v1/requests").await.count(), 1);
    assert_eq!(kim.approve(&id).await.ok().text("/state"), "approved");
}

async fn approvers_that_there_are_not_are_told(orbit: TestApp) {
    let wrong = json!({
        "quorum": 0, "request_validity_hours": 3_000,
        "approvers": { "prod": [{}, { "role": "workspace-admin", "principal": "root" }, { "workspace": "No" }], "dev": [] },
    });
    let refused = orbit.root().put("/v1/topic-policies/platform", wrong).await;
    refused
        .invalid()
        .limits("/approvers/dev", "missing", None)
        .limits("/approvers/prod/0", "format", None)
        .limits("/approvers/prod/1", "format", None)
        .limits("/approvers/prod/2/workspace", "format", None)
        .limits("/quorum", "range", Some("1..10"))
        .limits("/request_validity_hours", "range", Some("1..2160"));
    let nobody = json!({ "approvers": { "prod": [{ "principal": "nobody" }, { "workspace": "nowhere" }], "qa": [{ "principal": "root" }] } });
    let refused = orbit.root().put("/v1/topic-policies/platform", nobody).await;
    assert_eq!(refused.invalid().pointers(), ["/approvers", "/approvers/prod/0", "/approvers/prod/1"]);
}
