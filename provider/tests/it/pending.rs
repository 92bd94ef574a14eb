//! Pending approval is a normal outcome.

use crate::world::{TOPIC, World, orders, orders_with, says};
use orbit_api::RequestState;
use serde_json::{Value, json};
use tfplugin::Action;

const WAITS: [&str; 6] = [
    "waits for approval: request req_1",
    "https://orbit.example/requests/req_1",
    "a platform admin",
    "policy prod asks for approval",
    "run-7",
    "nothing is filed twice",
];

async fn with_active_topic() -> World {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().guarded = true;
    world
}

#[tokio::test]
async fn checklist_20_an_approval_is_foretold_once_with_rule_and_approvers() {
    let mut world = World::guarded().await;
    let plan = world.plan(&orders()).await;
    let parts = [
        "will need approval by a platform admin",
        "require_approval_for of policy \"prod guardrails\" (platform, version 7)",
    ];
    says(&plan.warnings(), &parts);
    assert_eq!(world.orbit().filed(), 0, "a plan files nothing");
}

#[tokio::test]
async fn a_pending_create_is_in_the_state_and_resumes() {
    let mut world = World::guarded().await;
    let report = world.apply(&orders()).await;
    assert!(!report.tainted && report.errors().is_empty());
    assert!(
        report.warnings().iter().any(|told| WAITS.iter().all(|part| told.contains(part))),
        "{:?}",
        report.warnings()
    );
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("pending-approval")));
    assert_eq!(world.state("request_url"), "https://orbit.example/requests/req_1");
    assert_eq!(world.state("kafka_topic_id"), Value::Null);

    for _ in 0..2 {
        let plan = world.plan(&orders()).await;
        assert_eq!(plan.action, Action::Update);
        assert!(
            ["status", "request_url", "workflow_id", "kafka_topic_id"]
                .iter()
                .all(|a| plan.unknown.iter().any(|u| u == a))
        );
        assert!(!plan.unknown.contains(&"id".to_owned()));
        assert_eq!((&plan.before["partitions"], &plan.after["partitions"]), (&json!(6), &json!(6)));
        says(&plan.warnings(), &WAITS);
        let report = world.terraform.apply(plan).await;
        says(&report.warnings(), &WAITS);
        report.ok();
        assert_eq!(world.orbit().filed(), 1, "applying it files nothing");
    }

    world.orbit().approve();
    world.plan(&orders()).await.is_empty();
    assert_eq!((world.state("status"), world.state("request_url")), (json!("active"), Value::Null));
}

#[tokio::test]
async fn an_approval_between_plan_and_apply_is_just_success() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    let plan = world.plan(&orders()).await;
    world.orbit().approve();

    let state = world.terraform.apply(plan).await.ok();

    assert_eq!((&state["status"], &state["kafka_topic_id"]), (&json!("active"), &json!("kafka-1")));
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn a_changed_specification_takes_the_place_of_the_open_request() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    let fewer = orders_with(json!({"partitions": 3}));

    let plan = world.plan(&fewer).await;
    assert_eq!(
        (plan.action, plan.errors()),
        (Action::Update, vec![]),
        "what is not there yet can be asked for with fewer"
    );
    world.terraform.apply(plan).await.ok();

    assert_eq!((world.state("id"), world.orbit().filed()), (json!("top_1"), 2));
    world.orbit().approve();
    world.plan(&fewer).await.is_empty();
}

#[tokio::test]
async fn a_rejected_create_warns_in_plan_and_fails_in_apply_and_the_state_stays() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().reject("too big");
    let said = ["was rejected by kim: request req_1", "too big"];

    let plan = world.plan(&orders()).await;
    assert_eq!((plan.action, plan.errors()), (Action::Update, vec![]));
    says(&plan.warnings(), &said);
    let report = world.terraform.apply(plan).await;
    says(&report.errors(), &said);
    assert!(!report.tainted);
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("rejected")));
    assert_eq!(world.orbit().filed(), 1, "asking again does not file again");

    let smaller = orders_with(json!({"partitions": 3}));
    world.apply(&smaller).await.ok();
    assert_eq!((world.state("id"), world.orbit().filed()), (json!("top_1"), 2), "filed anew under the same id");
    world.orbit().approve();
    world.plan(&smaller).await.is_empty();
}

#[tokio::test]
async fn a_rejection_is_found_again_without_the_state() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().reject("too big");
    world.forgets().await;

    let report = world.apply(&orders()).await;

    says(&report.errors(), &["was rejected by kim", "too big"]);
    assert!(report.state.is_none(), "nothing to taint");
}

#[tokio::test]
async fn a_pending_update_shows_exactly_that_change_until_it_is_approved() {
    let mut world = with_active_topic().await;
    let more = orders_with(json!({"partitions": 12}));

    let report = world.apply(&more).await;
    assert!(
        report.warnings().iter().any(|told| WAITS.iter().all(|part| told.contains(part))),
        "{:?}",
        report.warnings()
    );
    assert_eq!(report.ok()["partitions"], 12, "Terraform wants back what was planned");

    for _ in 0..2 {
        let plan = world.plan(&more).await;
        assert_eq!((&plan.before["partitions"], &plan.after["partitions"]), (&json!(6), &json!(12)));
        assert_eq!(plan.unknown, ["request_url", "workflow_id"]);
        says(&plan.warnings(), &WAITS);
        world.terraform.apply(plan).await.ok();
        assert_eq!(world.orbit().filed(), 1, "applying it files nothing");
    }

    world.orbit().approve();
    world.plan(&more).await.is_empty();
}

#[tokio::test]
async fn a_rejected_update_keeps_the_topic_as_it_was() {
    let mut world = with_active_topic().await;
    let more = orders_with(json!({"partitions": 12}));
    world.apply(&more).await.ok();
    world.orbit().reject("too big");

    let plan = world.plan(&more).await;
    says(&plan.warnings(), &["was rejected by kim: request req_1", "too big"]);
    let report = world.terraform.apply(plan).await;
    says(&report.errors(), &["was rejected by kim", "too big"]);
    assert_eq!(world.state("partitions"), 6);

    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn a_pending_destroy_ends_with_an_error_every_time_and_the_state_stays() {
    let mut world = with_active_topic().await;
    let before = world.terraform.state(TOPIC);
    for _ in 0..2 {
        let report = world.destroy().await;
        says(
            &report.errors(),
            &["The deletion of topic", "waits for approval: request req_1", "https://orbit.example/requests/req_1"],
        );
        assert_eq!(world.state("id"), "top_1");
        assert_eq!(world.orbit().filed(), 1, "the next destroy attaches");
    }
    let mut after = world.terraform.state(TOPIC).unwrap();
    after["request_url"] = Value::Null;
    assert_eq!(Some(after), before);

    world.orbit().approve();
    world.destroy().await.ok();
    world.is_gone();
}

const TAKEN_BACK: [&str; 3] =
    ["waits for approval is not what the configuration says", "req_1", "Applying takes that request back"];

#[tokio::test]
async fn a_configuration_that_is_reverted_takes_back_the_change_that_waits() {
    let mut world = with_active_topic().await;
    world.apply(&orders_with(json!({"partitions": 12}))).await.ok();

    let plan = world.plan(&orders()).await;
    assert_eq!(plan.action, Action::Update);
    assert_eq!(plan.unknown, ["request_url", "workflow_id"]);
    says(&plan.warnings(), &TAKEN_BACK);
    world.terraform.apply(plan).await.ok();

    assert_eq!(world.orbit().requests[0].0.state, RequestState::Superseded);
    assert_eq!((world.state("partitions"), world.state("request_url")), (json!(6), Value::Null));
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn a_topic_that_is_kept_takes_back_its_deletion_that_waits() {
    let mut world = with_active_topic().await;
    says(&world.destroy().await.errors(), &["The deletion of topic", "waits for approval: request req_1"]);

    let plan = world.plan(&orders()).await;
    assert_eq!(plan.action, Action::Update, "or its approval would delete what the configuration keeps");
    says(&plan.warnings(), &TAKEN_BACK);
    world.terraform.apply(plan).await.ok();

    assert_eq!(world.orbit().requests[0].0.state, RequestState::Superseded);
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn destroying_a_pending_create_withdraws_it() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();

    world.reconnects().await;
    let plan = world.terraform.plan_destroy(TOPIC).await;
    assert_eq!(plan.warnings(), Vec::<String>::new());
    world.terraform.apply(plan).await.ok();

    world.is_gone();
    assert_eq!(world.orbit().requests[0].0.state, RequestState::Withdrawn);
}

#[tokio::test]
async fn an_expired_create_is_filed_anew_under_the_same_id() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().expire();

    let plan = world.plan(&orders()).await;
    assert_eq!(plan.action, Action::Update);
    says(&plan.warnings(), &["will need approval by a platform admin"]);
    world.terraform.apply(plan).await.ok();

    assert_eq!((world.state("id"), world.orbit().filed()), (json!("top_1"), 2));
    world.orbit().approve();
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn an_approved_create_that_failed_says_why_and_can_be_tried_again() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().ends = Some(orbit_api::OperationState::RolledBack);
    world.orbit().approve();

    let plan = world.plan(&orders()).await;
    assert_eq!((plan.action, plan.errors()), (Action::Update, vec![]));
    assert!(plan.warnings()[0].contains("failed: the brokers have no space left"), "{:?}", plan.warnings());

    world.orbit().ends = None;
    world.orbit().guarded = false;
    world.terraform.apply(plan).await.ok();
    assert_eq!((world.state("id"), world.state("status")), (json!("top_1"), json!("active")));
}
