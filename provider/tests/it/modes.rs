//! What an apply does with what waits for a person: three ways.

use crate::world::{World, orders, orders_with, says};
use orbit_api::{OperationState, RequestState};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn orders_that(mode: &str) -> Value {
    orders_with(json!({"on_pending": mode}))
}

async fn guarded_with(settings: Value) -> World {
    let world = World::with(settings).await;
    world.orbit().guarded = true;
    world
}

#[tokio::test]
async fn failing_is_an_error_and_files_once() {
    let mut world = guarded_with(json!({"on_pending": "fail"})).await;
    for _ in 0..2 {
        let report = world.apply(&orders()).await;
        says(&report.errors(), &["The creation of topic", "waits for approval: request req_1"]);
        assert!(report.state.is_none() && !report.tainted, "nothing to taint");
        assert_eq!(world.orbit().filed(), 1);
    }
    world.orbit().approve();
    world.apply(&orders()).await.ok();
    assert_eq!(world.state("status"), "active");

    let more = orders_with(json!({"partitions": 12}));
    says(&world.apply(&more).await.errors(), &["The change of topic", "waits for approval: request req_2"]);
    assert_eq!(world.state("partitions"), 6, "the state stays what it was");
    // What was asked for is still known to be this resource's.
    world.apply(&orders()).await.ok();
    assert_eq!(world.orbit().requests[1].0.state, RequestState::Superseded);
}

#[tokio::test]
async fn waiting_goes_on_with_the_decision() {
    let mut world = guarded_with(json!({"on_pending": "wait"})).await;
    world.orbit().decides = Some(RequestState::Approved);
    let report = world.apply(&orders()).await;
    assert_eq!(report.errors(), Vec::<String>::new());
    assert_eq!(world.state("status"), "active");
    world.plan(&orders()).await.is_empty();

    world.orbit().decides = Some(RequestState::Rejected);
    let report = world.apply(&orders_with(json!({"partitions": 40}))).await;
    says(&report.errors(), &["The change of topic", "was rejected by kim: request req_2", "too big"]);
    assert_eq!(world.state("partitions"), 6);
}

#[tokio::test]
async fn waiting_for_what_nobody_decides_ends_with_an_error() {
    let mut world = guarded_with(json!({"on_pending": "wait"})).await;
    world.orbit().decides = Some(RequestState::Expired);
    let report = world.apply(&orders()).await;
    says(
        &report.errors(),
        &["The creation of topic", "was not approved: request req_1 is expired", "Apply again to ask anew"],
    );
    assert!(report.state.is_none());
}

#[tokio::test]
async fn whoever_stops_waiting_finds_the_request_in_the_state() {
    let mut world = guarded_with(json!({"on_pending": "wait"})).await;
    let plan = world.plan(&orders()).await;
    let stopper = world.terraform.stopper();
    let server = &world.server;
    let stop = async {
        while !server.received_requests().await.unwrap().iter().any(|r| r.url.path().contains("/requests/")) {
            tokio::task::yield_now().await;
        }
        stopper.await;
        Instant::now()
    };

    let (report, asked) = tokio::join!(world.terraform.apply(plan), stop);

    assert!(asked.elapsed().as_secs() < 1);
    assert!(report.warnings().iter().any(|told| told.contains("waits for approval: request req_1")));
    assert_eq!(report.ok()["status"], "pending-approval");
}

#[tokio::test]
async fn the_resource_wins_over_the_provider() {
    let mut world = guarded_with(json!({"on_pending": "fail"})).await;
    world.apply(&orders_that("return")).await.ok();
    assert_eq!(world.state("status"), "pending-approval");
    let plan = world.plan(&orders_that("hope")).await;
    assert!(
        plan.errors()[0].contains("on_pending: `return`, `wait` or `fail` expected, got `hope`"),
        "{:?}",
        plan.errors()
    );
}

#[tokio::test]
async fn checklist_27_waiting_ends_when_the_user_said_so_and_says_how_to_wait_for_longer() {
    let mut world = guarded_with(json!({"on_pending": "wait"})).await;
    let report = world.apply(&orders_with(json!({"timeouts": {"create": "200ms"}}))).await;
    says(&report.warnings()[1..], &["waits for approval: request req_1", "timeouts = { create = \"1h\" }"]);
    assert_eq!((world.state("status"), report.tainted), (json!("pending-approval"), false));
    world.orbit().approve();
    world.plan(&orders_with(json!({"timeouts": {"create": "200ms"}}))).await.is_empty();

    let more = orders_with(json!({"partitions": 12, "timeouts": {"update": "200ms"}}));
    let report = world.apply(&more).await;
    says(&report.warnings()[1..], &["request req_2", "timeouts = { update = \"1h\" }"]);
}

#[tokio::test]
async fn work_that_takes_longer_than_the_user_allows_goes_on_without_terraform() {
    let mut world = World::new().await;
    world.orbit().ends = Some(OperationState::Running);
    let config = orders_with(json!({"timeouts": {"create": "1s", "delete": "200ms", "read": "5s"}}));
    let begun = Instant::now();
    let report = world.apply(&config).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((report.errors(), report.tainted), (vec![], false));
    says(&report.warnings(), &["still under way", "timeouts = { create = \"1h\" }"]);
    assert_eq!(world.state("status"), "provisioning");
}

#[tokio::test]
async fn checklist_27_a_deletion_that_takes_longer_than_allowed_is_an_error_and_the_next_destroy_goes_on() {
    let mut world = World::new().await;
    world.apply(&orders_with(json!({"timeouts": {"delete": "200ms"}}))).await.ok();
    world.orbit().ends = Some(OperationState::Running);
    let report = world.destroy().await;
    says(&report.errors(), &["The work on topic", "still under way", "timeouts = { delete = \"1h\" }"]);
    assert_eq!((world.state("status"), report.tainted), (json!("active"), false));
    world.orbit().ends = None;
    world.destroy().await.ok();
    world.is_gone();
}

#[tokio::test]
async fn checklist_27_a_refresh_that_takes_too_long_is_an_error_and_nothing_is_forgotten() {
    let mut world = World::new().await;
    let config = orders_with(json!({"timeouts": {"read": "100ms"}}));
    world.apply(&config).await.ok();
    world.orbit().slow = true;
    let plan = world.plan(&config).await;
    says(&plan.errors(), &["timeouts:", "did not show topic payments-team/prod/orders within 100ms", "read = \"5m\""]);
    assert_eq!(world.state("status"), "active");
}

#[tokio::test]
async fn a_timeout_that_is_no_duration_is_named() {
    let mut world = World::new().await;
    let plan = world.plan(&orders_with(json!({"timeouts": {"create": "soon"}}))).await;
    says(&plan.errors(), &["timeouts.create", "`soon`", "`30m`"]);
}
