//! When things go wrong: nothing is lost, tainted or done twice.

use crate::world::{TOPIC, World, orders, orders_with, says};
use orbit_api::{OperationState, TopicStatus};
use serde_json::json;
use std::time::{Duration, Instant};
use terraform_provider_orbit::OrbitProvider;
use tfplugin::{
    Action,
    testing::{Core, Options, Report},
};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_server_that_is_down_is_an_error_that_names_its_address() {
    let begun = Instant::now();
    let settings = json!({"endpoint": "http://127.0.0.1:1", "token": "orbit_canary_token"});
    let mut terraform = Core::<OrbitProvider>::start(settings).await;
    let told = terraform.plan(TOPIC, &orders()).await.errors();
    says(&told, &["Cannot reach Orbit at http://127.0.0.1:1", "Connection refused", "ORBIT_ENDPOINT"]);
    assert!(!told[0].contains("orbit_canary_token"));
    assert!(begun.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn checklist_09_an_error_of_a_refresh_never_means_gone() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    for broken in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(403),
        ResponseTemplate::new(404).set_body_raw("<html>", "text/html"),
        ResponseTemplate::new(404).set_body_json(json!({
            "type": "", "title": "", "status": 404, "code": "no-route", "detail": "There is nothing here",
        })),
    ] {
        world.orbit().broken = Some(broken);
        assert_eq!(world.plan(&orders()).await.errors().len(), 1);
        assert_eq!(world.state("id"), "top_1");
    }
}

#[tokio::test]
async fn checklist_10_what_is_gone_is_planned_anew_and_its_destroy_succeeds() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.reconnects().await;
    let destroy = world.terraform.plan_destroy(TOPIC).await;
    world.orbit().topics.clear();
    world.terraform.apply(destroy).await.ok();
    world.is_gone();

    world.apply(&orders()).await.ok();
    world.orbit().topics.clear();
    assert_eq!(world.plan(&orders()).await.action, Action::Create);
}

#[tokio::test]
async fn a_creation_that_was_taken_back_is_an_error_without_a_state_and_the_next_takes_it_up() {
    let mut world = World::new().await;
    world.orbit().ends = Some(OperationState::RolledBack);

    let report = world.apply(&orders()).await;
    says(
        &report.errors(),
        &[
            "The work on topic payments-team/prod/orders failed: the brokers have no space left",
            "kafka.no-space",
            "op_1",
        ],
    );
    assert!(report.state.is_none() && !report.tainted);

    world.orbit().ends = None;
    world.apply(&orders()).await.ok();
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("active")));
}

#[tokio::test]
async fn an_update_that_was_taken_back_is_an_error_and_the_state_stays() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().ends = Some(OperationState::Stuck);
    let report = world.apply(&orders_with(json!({"partitions": 12}))).await;
    says(&report.errors(), &["failed: the brokers have no space left", "a person has to look"]);
    assert_eq!(world.state("partitions"), 6);
}

#[tokio::test]
async fn stopping_a_wait_keeps_what_is_known_and_the_next_plan_goes_on() {
    let mut world = World::new().await;
    world.orbit().ends = Some(OperationState::Running);
    let plan = world.plan(&orders()).await;
    let stopper = world.terraform.stopper();
    let server = &world.server;
    let stop = async {
        while !server.received_requests().await.unwrap().iter().any(|r| r.url.path().contains("/operations/")) {
            tokio::task::yield_now().await;
        }
        stopper.await;
        Instant::now()
    };

    let (report, asked) = tokio::join!(world.terraform.apply(plan), stop);

    assert!(asked.elapsed().as_secs() < 1);
    says(&report.warnings(), &["The work on topic payments-team/prod/orders is still under way: operation op_1"]);
    assert!(!report.tainted);
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("provisioning")));

    world.orbit().ends = None;
    world.orbit().topic().status = TopicStatus::Active;
    world.orbit().topic().kafka_topic_id = Some("kafka-9".to_owned());
    world.plan(&orders()).await.is_empty();
    assert_eq!(world.orbit().writes(), ["POST /v1/topics"]);
}

/// Applies, and stops once the creation is on its way; how long it took to leave.
async fn stop_the_creation(world: &mut World) -> (Report, Duration) {
    let plan = world.plan(&orders()).await;
    let stopper = world.terraform.stopper();
    let server = &world.server;
    let stop = async {
        while !server.received_requests().await.unwrap().iter().any(|r| r.url.path() == "/v1/topics") {
            tokio::task::yield_now().await;
        }
        stopper.await;
        Instant::now()
    };
    let (report, asked) = tokio::join!(world.terraform.apply(plan), stop);
    (report, asked.elapsed())
}

#[tokio::test]
async fn stopping_while_an_answer_is_held_back_leaves_at_once_with_what_came_of_it() {
    let mut world = World::new().await;
    world.orbit().silent = true;
    let (report, took) = stop_the_creation(&mut world).await;
    assert!(took.as_millis() < 900, "{took:?}");
    report.ok();
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("active")));
    world.orbit().silent = false;
    world.plan(&orders()).await.is_empty();
    assert_eq!(world.orbit().topics.len(), 1);
}

#[tokio::test]
async fn stopping_while_nobody_can_be_asked_leaves_at_once_and_the_next_apply_finds_what_came_of_it() {
    let mut world = World::new().await;
    (world.orbit().silent, world.orbit().hidden) = (true, true);
    let (report, took) = stop_the_creation(&mut world).await;
    assert!(took.as_millis() < 900, "{took:?}");
    says(
        &report.errors(),
        &["Stopped before Orbit answered about topic payments-team/prod/orders", "files nothing twice"],
    );
    assert!(report.state.is_none() && !report.tainted);
    (world.orbit().silent, world.orbit().hidden) = (false, false);
    world.apply(&orders()).await.ok();
    assert_eq!((world.state("id"), world.orbit().topics.len()), (json!("top_1"), 1), "it finds what Orbit received");
}

#[tokio::test]
async fn what_was_planned_before_orbit_could_be_asked_holds_when_it_can() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().drifts("", None, None);
    world.terraform.refresh(TOPIC).await.ok();
    let unknown = json!({"endpoint": tfplugin::testing::UNKNOWN, "token": "t"});
    let more = orders_with(json!({"partitions": 12}));
    let mut later = Core::<OrbitProvider>::start(unknown).await;
    later.take_over(&mut world.terraform);
    let kept = Options { refresh: false, ..Options::default() };
    let plan = later.plan_with(TOPIC, &more, kept).await;
    assert!(plan.unknown.contains(&"kafka_topic_id".to_owned()), "{:?}", plan.unknown);

    world.terraform = later;
    world.reconnects().await;
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.state("kafka_topic_id"), "kafka-2");
}

#[tokio::test]
async fn checklist_21_an_address_that_is_not_known_yet_is_no_crash_at_plan() {
    let settings = json!({"endpoint": tfplugin::testing::UNKNOWN, "token": "t"});
    let mut terraform = Core::<OrbitProvider>::start(settings).await;
    let plan = terraform.plan(TOPIC, &orders()).await;
    assert_eq!((plan.action, plan.errors()), (Action::Create, vec![]));
}

#[tokio::test]
async fn an_operation_in_the_way_is_waited_for_once() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let more = orders_with(json!({"partitions": 12}));
    world.orbit().busy = 1;
    world.apply(&more).await.ok();
    world.plan(&more).await.is_empty();

    world.orbit().busy = 2;
    says(&world.destroy().await.errors(), &["operation.running"]);
    assert_eq!(world.state("partitions"), 12);
    world.destroy().await.ok();
}
