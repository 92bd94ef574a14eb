//! What policy denies is told at the attribute, at plan already.

use crate::world::{World, orders, orders_with, says};
use serde_json::json;
use tfplugin::Action;

const DENIED: [&str; 5] = [
    "partitions: Denied: exceeds platform limit of 50 partitions",
    "60",
    "prod guardrails\" (platform",
    "version 7",
    "ask for at most 50",
];

#[tokio::test]
async fn a_denial_is_an_error_on_the_attribute_at_plan() {
    let mut world = World::new().await;
    world.orbit().most_partitions = Some(50);
    let plan = world.plan(&orders_with(json!({"partitions": 60}))).await;
    says(&plan.errors(), &DENIED);
    says(&plan.errors(), &["limit      50", "partition_limits.max"]);
}

#[tokio::test]
async fn a_denied_update_is_an_error_at_plan() {
    let mut world = World::new().await;
    world.orbit().most_partitions = Some(50);
    world.apply(&orders()).await.ok();
    says(&world.plan(&orders_with(json!({"partitions": 60}))).await.errors(), &DENIED);
}

#[tokio::test]
async fn a_plan_is_judged_again_at_apply() {
    let mut world = World::new().await;
    let plan = world.plan(&orders_with(json!({"partitions": 60}))).await;
    world.orbit().most_partitions = Some(50);

    let report = world.terraform.apply(plan).await;

    says(&report.errors(), &DENIED);
    assert!(report.state.is_none(), "no state, nothing tainted");
    assert!(world.orbit().topics.is_empty());
}

#[tokio::test]
async fn partitions_never_shrink() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let calls = world.orbit().calls.len();
    let plan = world.plan(&orders_with(json!({"partitions": 3}))).await;
    says(&plan.errors(), &["partitions: Partitions can grow, never shrink: from 6 to 3"]);
    assert_eq!(world.orbit().calls.len(), calls + 1, "the refresh; no verdict is needed for that");
}

#[tokio::test]
async fn what_is_not_there_yet_is_a_warning_at_plan_and_an_error_at_apply() {
    let mut world = World::new().await;
    let plan = world.plan(&orders_with(json!({"environment": "nowhere"}))).await;
    assert_eq!((plan.action, plan.errors()), (Action::Create, vec![]));
    says(&plan.warnings(), &["cannot be judged yet: there is no environment nowhere"]);
    let report = world.terraform.apply(plan).await;
    says(&report.errors(), &["environment.not-found"]);
    assert!(report.state.is_none());
}

#[tokio::test]
async fn what_exists_is_not_adopted_but_told_with_the_import_command() {
    let mut world = World::new().await;
    let plan = world.plan(&orders()).await;
    world.apply(&orders()).await.ok();
    world.plan(&orders()).await.is_empty();
    world.forgets().await;

    says(&world.plan(&orders()).await.errors(), &["topic orders exists already"]);
    let report = world.terraform.apply(plan).await;
    assert!(report.errors().iter().any(|told| told.contains("exists already")), "{:?}", report.errors());
}

#[tokio::test]
async fn checklist_17_deletion_protection_is_an_error_at_plan_of_destroy_and_replace() {
    let mut world = World::new().await;
    world.apply(&orders_with(json!({"deletion_protection": true}))).await.ok();
    let said = [
        "deletion_protection: Denied: deletion protection of topic orders is on",
        "set deletion_protection to false first",
    ];

    world.reconnects().await;
    says(&world.terraform.plan_destroy(crate::world::TOPIC).await.errors(), &said);
    let plan = world.plan(&orders_with(json!({"name": "bills", "deletion_protection": true}))).await;
    says(&plan.errors(), &said);
}

#[tokio::test]
async fn checklist_19_wrong_values_are_named_at_their_attribute() {
    let mut world = World::new().await;
    let plan = world.plan(&orders_with(json!({"cleanup_policy": "shred"}))).await;
    assert!(plan.errors()[0].contains("cleanup_policy: `delete`, `compact` or `compact,delete` expected, got `shred`"));
    let plan = world.plan(&orders_with(json!({"compression": "producer"}))).await;
    assert!(plan.errors()[0].contains("compression: `none`, `gzip`"));
}
