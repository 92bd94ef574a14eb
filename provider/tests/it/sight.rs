//! What the token cannot see is not gone.

use crate::world::{TOPIC, World, orders, orders_with, says};
use orbit_api::OperationState;
use serde_json::json;
use tfplugin::testing::Options;

const HIDDEN: [&str; 4] = [
    "This token cannot see workspace payments-team",
    "whether topic payments-team/prod/orders is there is not known",
    "http://127.0.0.1:",
    "Nothing was taken out of the state",
];

#[tokio::test]
async fn a_token_that_cannot_see_the_workspace_takes_nothing_out_of_the_state() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let destroy = world.terraform.plan_destroy(TOPIC).await;
    let change = world.plan(&orders_with(json!({"partitions": 12}))).await;
    world.orbit().hidden = true;

    says(&world.plan(&orders()).await.errors(), &HIDDEN);
    says(&world.terraform.plan_destroy(TOPIC).await.errors(), &HIDDEN);
    says(&world.terraform.apply(destroy).await.errors(), &HIDDEN);
    says(&world.terraform.apply(change).await.errors(), &HIDDEN);
    assert_eq!((world.state("id"), world.state("partitions")), (json!("top_1"), json!(6)));
    let asked = world.orbit().calls.iter().filter(|call| call.starts_with("GET /v1/workspaces/")).count();
    assert_eq!(asked, 1, "once for all objects of a process");

    world.orbit().hidden = false;
    world.reconnects().await;
    world.plan(&orders()).await.is_empty();
}

#[tokio::test]
async fn what_is_gone_from_a_workspace_that_can_be_seen_is_gone() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().topics.clear();
    let kept = Options { refresh: false, ..Options::default() };
    let plan = world.terraform.plan_with(TOPIC, &orders(), kept).await;
    says(&plan.warnings(), &["topic payments-team/prod/orders is gone since the state was written"]);
    world.destroy().await.ok();
    world.is_gone();
}

#[tokio::test]
async fn what_orbit_accepted_stays_in_sight_when_it_cannot_be_asked_any_more() {
    let mut world = World::new().await;
    world.orbit().mute = true;

    let report = world.apply(&orders()).await;

    says(
        &report.warnings(),
        &["Orbit works on topic payments-team/prod/orders, but could not be asked", "op_1", "the token was revoked"],
    );
    assert!(report.errors().is_empty() && !report.tainted, "{:?}", report.errors());
    assert_eq!(world.state("id"), "top_1");
    world.orbit().mute = false;
    world.plan(&orders()).await.is_empty();
    assert_eq!(world.orbit().writes(), ["POST /v1/topics"]);

    let more = orders_with(json!({"partitions": 12}));
    world.orbit().mute = true;
    says(&world.apply(&more).await.warnings(), &["could not be asked", "op_2"]);
    assert_eq!(world.state("partitions"), 12);
    world.orbit().mute = false;
    world.plan(&more).await.is_empty();
}

#[tokio::test]
async fn work_that_is_stuck_is_told_as_what_it_is() {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.orbit().ends = Some(OperationState::Stuck);
    world.orbit().approve();

    let plan = world.plan(&orders()).await;

    says(
        &plan.warnings(),
        &["failed: the brokers have no space left", "a person has to look at the operation", "op_1"],
    );
}

#[tokio::test]
async fn two_blocks_do_not_share_a_topic() {
    let mut world = World::guarded().await;
    let (one, other) = (world.plan(&orders()).await, world.terraform.plan("orbit_kafka_topic.again", &orders()).await);
    world.terraform.apply(one).await.ok();

    let report = world.terraform.apply(other).await;

    says(&report.errors(), &["name: Another resource block of this run has topic payments-team/prod/orders already"]);
    assert!(report.state.is_none() && !report.tainted);
    assert_eq!(world.orbit().filed(), 1);
    // Another run is another process: what it finds open it may go on with.
    world.forgets().await;
    world.apply(&orders()).await.ok();
    // And what was destroyed can be made again.
    world.destroy().await.ok();
    world.apply(&orders()).await.ok();
}
