//! Whose wish is it? Only what this resource asked for is taken back unasked; and what was decided meanwhile is told.

use crate::world::{TOPIC, World, orders, orders_with, says};
use orbit_api::{Action as Deed, RequestState, TopicSpec};
use serde_json::{Value, json};
use tfplugin::{Action, testing::Options};

async fn with_active_topic() -> World {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().guarded = true;
    world
}

fn more() -> TopicSpec {
    TopicSpec { partitions: Some(12), ..TopicSpec::default() }
}

#[tokio::test]
async fn a_request_that_was_filed_elsewhere_is_shown_and_left_alone() {
    for (deed, word) in [(Deed::Update, "The change of topic"), (Deed::Delete, "The deletion of topic")] {
        let mut world = with_active_topic().await;
        world.orbit().asked_elsewhere(deed, &more());

        let plan = world.plan(&orders()).await;
        assert_eq!(plan.action, Action::NoOp, "{word}");
        says(&plan.warnings(), &[word, "waits for approval: request req_1"]);
        world.terraform.apply(plan).await.ok();

        assert_eq!(world.orbit().requests[0].0.state, RequestState::Pending);
    }
}

#[tokio::test]
async fn what_this_resource_filed_before_is_not_what_somebody_filed_after_it() {
    let mut world = with_active_topic().await;
    world.apply(&orders_with(json!({"partitions": 8}))).await.ok();
    world.orbit().asked_elsewhere(Deed::Update, &more());

    let plan = world.plan(&orders()).await;

    assert_eq!(plan.action, Action::NoOp);
    says(&plan.warnings(), &["waits for approval: request req_2"]);
}

#[tokio::test]
async fn a_change_that_was_approved_before_it_could_be_taken_back_is_led_back() {
    let mut world = World::new().await;
    let (short, long) = (orders_with(json!({"retention_ms": 1000})), orders_with(json!({"retention_ms": 2000})));
    world.apply(&short).await.ok();
    world.orbit().guarded = true;
    world.apply(&long).await.ok();
    let plan = world.plan(&short).await;
    assert!(plan.warnings()[0].contains("Applying takes that request back"), "{:?}", plan.warnings());
    world.orbit().approve();

    let report = world.terraform.apply(plan).await;

    assert!(report.warnings().iter().any(|told| told.contains("will need approval")), "{:?}", report.warnings());
    assert_eq!(world.orbit().filed(), 2, "what it takes to lead it back is asked for");
    world.orbit().approve();
    world.plan(&short).await.is_empty();
}

#[tokio::test]
async fn a_deletion_that_was_approved_before_it_could_be_taken_back_is_told() {
    let mut world = with_active_topic().await;
    says(&world.destroy().await.errors(), &["The deletion of topic"]);
    let plan = world.plan(&orders()).await;
    assert!(plan.warnings()[0].contains("Applying takes that request back"), "{:?}", plan.warnings());
    world.orbit().approve();

    let report = world.terraform.apply(plan).await;

    says(&report.warnings(), &["topic payments-team/prod/orders is gone since the state was written"]);
    assert_eq!(world.plan(&orders()).await.action, Action::Create);
}

#[tokio::test]
async fn a_change_that_waits_is_gone_on_with_though_the_plan_does_not_look_first() {
    let mut world = with_active_topic().await;
    let wish = orders_with(json!({"partitions": 12}));
    world.apply(&wish).await.ok();
    assert_eq!((world.state("partitions"), world.state("request_url")), (json!(12), Value::Null));
    let kept = Options { refresh: false, ..Options::default() };

    world.reconnects().await;
    let plan = world.terraform.plan_with(TOPIC, &wish, kept).await;

    assert_eq!((plan.action, &plan.unknown[..]), (Action::Update, &["workflow_id".to_owned()][..]));
    says(&plan.warnings(), &["waits for approval: request req_1"]);
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.orbit().filed(), 1);

    // What the state holds was only asked for: to want fewer again takes nothing away.
    world.reconnects().await;
    let plan = world.terraform.plan_with(TOPIC, &orders(), kept).await;
    assert_eq!((plan.action, plan.errors()), (Action::Update, vec![]));
    assert!(plan.warnings()[0].contains("Applying takes that request back"), "{:?}", plan.warnings());
    world.terraform.apply(plan).await.ok();
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn what_is_terraforms_own_is_no_wish_and_leaves_alone_what_somebody_else_asked_for() {
    let mut world = with_active_topic().await;
    let spec = TopicSpec { partitions: Some(12), ..TopicSpec::default() };
    world.orbit().asked_elsewhere(Deed::Update, &spec);
    world.orbit().calls.clear();

    let mine = orders_with(json!({
        "timeouts": {"update": "5m"}, "on_pending": "wait", "request": {"justification": "the fair"},
    }));
    let plan = world.plan(&mine).await;
    world.terraform.apply(plan).await.ok();

    assert_eq!(world.orbit().writes(), Vec::<&str>::new());
    assert_eq!(world.orbit().requests[0].0.state, RequestState::Pending);
    assert_eq!((world.state("on_pending"), world.state("partitions")), (json!("wait"), json!(6)));
}

#[tokio::test]
async fn a_change_of_the_profile_is_work_on_the_cluster() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let plan = world.plan(&orders_with(json!({"profile": "audit"}))).await;
    assert_eq!((plan.action, &plan.unknown[..]), (Action::Update, &["workflow_id".to_owned()][..]));
}

#[tokio::test]
async fn a_rule_that_came_between_plan_and_apply_is_obeyed() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let plan = world.plan(&orders_with(json!({"partitions": 12}))).await;
    assert_eq!(plan.warnings(), Vec::<String>::new());
    world.orbit().guarded = true;

    let report = world.terraform.apply(plan).await;

    assert!(report.warnings().iter().any(|told| told.contains("waits for approval: request req_1")));
    report.ok();
}

#[tokio::test]
async fn taking_over_drift_is_judged_like_any_change() {
    let mut world = with_active_topic().await;
    world.orbit().drifts("/partitions", Some("6"), Some("12"));
    let wish = orders_with(json!({"partitions": 12}));

    let plan = world.plan(&wish).await;

    let told = plan.warnings();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("is on its cluster as configured") && told[1].contains("will need approval"), "{told:?}");

    world.orbit().most_partitions = Some(10);
    says(&world.plan(&wish).await.errors(), &["partitions: Denied: exceeds platform limit of 10 partitions"]);
}

#[tokio::test]
async fn drift_is_taken_over_although_something_else_was_refused() {
    let mut world = with_active_topic().await;
    world.apply(&orders_with(json!({"partitions": 40}))).await.ok();
    world.orbit().reject("far too many");
    world.orbit().guarded = false;
    world.orbit().drifts("/partitions", Some("6"), Some("12"));
    let wish = orders_with(json!({"partitions": 12}));

    let plan = world.plan(&wish).await;

    assert_eq!(plan.action, Action::Update);
    says(&plan.warnings(), &["is on its cluster as configured, but Orbit wants something else"]);
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.orbit().topic().partitions, Some(12));
}
