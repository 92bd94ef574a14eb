//! What a person does to an operation under way: cancel, pause, resume, retry.

use crate::support::{Answer, Person, TestApp, on_both, on_sqlite, until};
use orbit_core::{
    ports::KafkaErrorKind,
    testing::{Fault, Method},
};
use orbit_server::auth::permission::Role;
use serde_json::json;

on_both!(
    a_creation_that_waits_for_its_cluster_is_cancelled_and_the_name_is_free,
    what_is_paused_rests_until_it_is_resumed,
    what_is_cancelled_in_the_middle_of_a_step_is_taken_back_after_it,
    what_is_cancelled_or_paused_while_it_is_made_is_not_shown_as_made,
    what_is_over_takes_no_control,
);
on_sqlite!(
    the_admins_of_the_workspace_control_and_the_requester_cancels,
    a_retry_makes_the_next_try_now,
    what_was_cancelled_while_paused_is_taken_back,
    a_repeated_control_is_no_error,
);

impl Person {
    async fn control(&self, operation: &str, control: &str) -> Answer {
        self.post(&format!("/v1/operations/{operation}/{control}"), json!({})).await
    }
    async fn comes_to(&self, operation: &str, state: &str) {
        until(&format!("the operation is {state}"), async || {
            (self.operation(operation).await.text("/state") == state).then_some(())
        })
        .await;
    }
}

async fn a_creation_that_waits_for_its_cluster_is_cancelled_and_the_name_is_free(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.main().go_down();
    let orders = dev.topic("orders");
    let operation = orders.create().await.operation_id();
    dev.comes_to(&operation, "waiting").await;

    let answer = dev.control(&operation, "cancel").await;

    assert_eq!(answer.accepted().body["cancel_requested"], true);
    // Nothing was asked of the cluster yet, so nothing has to wait for it.
    dev.comes_to(&operation, "cancelled").await;
    orbit.main().heal();
    orbit.looked_at("main").await;
    let ended = dev.operation(&operation).await;
    assert_eq!(ended.text("/error/code"), "operation.cancelled");
    assert_eq!(orders.get().await.text("/status"), "failed");
    assert!(orbit.main().kafka.snapshot().is_empty());
    let trail = ["request.filed", "operation.cancel-requested", "operation.cancelled"];
    assert_eq!(orbit.audit_of("payments/dev/orders").await, trail);
    orders.create().await.accepted();
    orders.active().await;
}

async fn what_is_paused_rests_until_it_is_resumed(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    orbit.main().go_down();
    let orders = dev.topic("orders");
    let operation = orders.create().await.operation_id();
    dev.comes_to(&operation, "waiting").await;

    lead.control(&operation, "pause").await.accepted();
    dev.comes_to(&operation, "paused").await;
    orbit.main().heal();
    // The news that its cluster answers again wakes what waits, and not what rests.
    orbit.looked_at("main").await;
    let other = dev.topic("parcels").made().await;
    assert_eq!(other.text("/status"), "active");
    assert_eq!(dev.operation(&operation).await.text("/state"), "paused");
    assert!(orbit.main().kafka.topic("dev.payments.orders").is_none());

    lead.control(&operation, "resume").await.accepted();
    dev.comes_to(&operation, "succeeded").await;
    orders.active().await;
    let trail = ["request.filed", "operation.pause-requested", "operation.resumed", "operation.succeeded"];
    assert_eq!(orbit.audit_of("payments/dev/orders").await, trail);
}

async fn what_is_cancelled_in_the_middle_of_a_step_is_taken_back_after_it(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders");
    orders.made().await;
    orbit.main().hold();
    let operation = orders.patch(json!({ "retention_ms": 5_000 })).await.accepted().operation_id();
    until("a step is under way", async || (orbit.main().waiting() > 0).then_some(())).await;

    let answer = dev.control(&operation, "cancel").await;

    assert_eq!((answer.text("/state"), &answer.body["cancel_requested"]), ("pending", &json!(true)));
    orbit.main().release();
    dev.comes_to(&operation, "cancelled").await;
    let seen = orders.get().await;
    assert_eq!((seen.text("/status"), seen.lacks("/retention_ms")), ("active", true));
    orders.patch(json!({ "retention_ms": 6_000 })).await.accepted();
}

async fn what_is_cancelled_or_paused_while_it_is_made_is_not_shown_as_made(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    for (control, state) in [("cancel", "cancelled"), ("pause", "paused")] {
        orbit.main().hold_at_create();
        let topic = dev.topic(state);
        let operation = topic.create().await.operation_id();
        until("the creation is under way", async || (orbit.main().waiting() > 0).then_some(())).await;

        lead.control(&operation, control).await.accepted();

        orbit.main().release();
        lead.comes_to(&operation, state).await;
        let status = if state == "paused" { "provisioning" } else { "failed" };
        topic.get().await.has_status(status);
    }
    assert!(orbit.main().kafka.topic("dev.payments.cancelled").is_none());
    let operation = dev.topic("paused").get().await.operation_id();
    lead.control(&operation, "resume").await.accepted();
    dev.topic("paused").active().await;
    assert_eq!(orbit.main().kafka.made("dev.payments.paused"), 1);
}

async fn what_is_over_takes_no_control(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    let operation = dev.topic("orders").create().await.operation_id();
    dev.operation_end(&operation).await;
    for control in ["cancel", "pause", "resume", "retry"] {
        let refused = lead.control(&operation, control).await;
        refused.problem(409, "operation.state").says("the operation is succeeded").says(control);
    }
}

async fn the_admins_of_the_workspace_control_and_the_requester_cancels(orbit: TestApp) {
    let dev = orbit.dev().await;
    let colleague = orbit.person("colleague", Role::Member, "payments").await;
    let stranger = orbit.stranger("stranger").await;
    orbit.main().go_down();
    let operation = dev.topic("orders").create().await.operation_id();
    for control in ["cancel", "pause", "resume", "retry"] {
        colleague.control(&operation, control).await.problem(403, "forbidden");
        stranger.control(&operation, control).await.problem(404, "operation.not-found");
        if control != "cancel" {
            dev.control(&operation, control).await.problem(403, "forbidden").advises("an admin of the workspace");
        }
    }
    dev.control(&operation, "cancel").await.accepted();
}

async fn a_retry_makes_the_next_try_now(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    orbit.main().kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(KafkaErrorKind::Unreachable));
    let operation = dev.topic("orders").create().await.operation_id();
    dev.comes_to(&operation, "waiting").await;
    orbit.raw("UPDATE operation SET due_at = due_at + 3600000000").await;

    lead.control(&operation, "retry").await.accepted();

    dev.comes_to(&operation, "succeeded").await;
}

async fn what_was_cancelled_while_paused_is_taken_back(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    orbit.main().hold();
    let operation = dev.topic("orders").create().await.operation_id();
    lead.control(&operation, "pause").await.accepted();
    orbit.main().release();
    dev.comes_to(&operation, "paused").await;

    lead.control(&operation, "cancel").await.accepted();

    dev.comes_to(&operation, "cancelled").await;
    assert!(orbit.main().kafka.snapshot().is_empty());
}

async fn a_repeated_control_is_no_error(orbit: TestApp) {
    let (dev, lead) = (orbit.dev().await, orbit.person("lead", Role::Admin, "payments").await);
    orbit.main().go_down();
    let operation = dev.topic("orders").create().await.operation_id();
    dev.comes_to(&operation, "waiting").await;
    for control in ["pause", "pause", "resume", "resume", "cancel", "cancel"] {
        lead.control(&operation, control).await.accepted();
    }
    let trail: Vec<String> = orbit.audit_of("payments/dev/orders").await;
    // It may be cancelled by now, which is no control.
    let controls = trail.iter().filter(|deed| deed.ends_with("-requested") || deed.ends_with(".resumed")).count();
    assert_eq!(controls, 3, "what is so already is no deed: {trail:?}");
}
