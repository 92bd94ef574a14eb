//! Making a topic anew: by another name, by force, or because it is tainted.

use crate::world::{TOPIC, World, orders, orders_with, says};
use orbit_api::{OperationState, RequestState};
use serde_json::json;
use tfplugin::{Action, testing::Options};

const HELD: [&str; 4] =
    ["topic payments-team/prod/orders is managed here already", "moved {", "terraform untaint", "two applies"];

#[tokio::test]
async fn the_approval_of_the_new_topic_is_foretold_with_the_replacement() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().guarded = true;

    let plan = world.plan(&orders_with(json!({"name": "bills"}))).await;

    assert_eq!(plan.action, Action::Replace);
    let told = plan.warnings();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].contains("is replaced, and its records do not move"));
    assert!(told[1].contains("The deletion of topic payments-team/prod/orders will need approval"), "{told:#?}");
    assert!(told[1].contains("ends with an error until it is approved"), "{told:#?}");
    assert!(told[2].contains("The creation of topic payments-team/prod/bills will need approval"), "{told:#?}");
    let report = world.terraform.apply(plan).await;
    says(&report.errors(), &["The deletion of topic", "waits for approval: request req_1"]);
    assert_eq!(world.state("name"), "orders", "nothing is lost meanwhile");
}

#[tokio::test]
async fn what_the_new_topic_is_denied_is_an_error_of_the_replacement() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().most_partitions = Some(50);
    let plan = world.plan(&orders_with(json!({"name": "bills", "partitions": 60}))).await;
    says(&plan.errors(), &["partitions: Denied: exceeds platform limit of 50 partitions"]);
}

#[tokio::test]
async fn a_forced_replacement_says_what_else_there_is() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    let forced = Options { replace: true, ..Options::default() };
    world.reconnects().await;
    let plan = world.terraform.plan_with(TOPIC, &orders(), forced).await;
    says(&plan.errors(), &HELD);
    assert_eq!(world.orbit().topics.len(), 1);
}

#[tokio::test]
async fn a_tainted_topic_says_what_else_there_is() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.terraform.taint(TOPIC);
    says(&world.plan(&orders()).await.errors(), &HELD);
}

#[tokio::test]
async fn a_block_with_another_name_says_what_else_there_is() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.reconnects().await;
    let _end = world.terraform.plan_destroy(TOPIC).await;
    says(&world.terraform.plan("orbit_kafka_topic.renamed", &orders()).await.errors(), &HELD);
}

#[tokio::test]
async fn a_block_does_not_get_what_another_one_has_while_it_waits_or_is_made() {
    let renamed = "orbit_kafka_topic.renamed";
    for ends in [None, Some(OperationState::Running)] {
        let mut world = if ends.is_none() { World::guarded().await } else { World::new().await };
        world.orbit().ends = ends;
        let brief = orders_with(json!({"timeouts": {"create": "1s"}}));
        world.apply(&brief).await.ok();
        world.reconnects().await;
        let _end = world.terraform.plan_destroy(TOPIC).await;
        says(&world.terraform.plan(renamed, &orders()).await.errors(), &HELD);
    }

    // Where the new block was planned first, the old one does not take away from it what both are about.
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world.reconnects().await;
    let made = world.terraform.plan(renamed, &orders()).await;
    let end = world.terraform.plan_destroy(TOPIC).await;
    world.reconnects().await;
    world.terraform.apply(made).await.ok();
    says(&world.terraform.apply(end).await.errors(), &["Another resource block of this run has topic"]);
    assert_eq!(world.orbit().requests[0].0.state, RequestState::Pending);
}

#[tokio::test]
async fn workspace_and_environment_are_slugs_and_no_ids() {
    let mut world = World::new().await;
    for (attribute, id) in [("workspace", "wsp_017"), ("environment", "env_04")] {
        let plan = world.plan(&orders_with(json!({attribute: id}))).await;
        let told = format!("{attribute}: a slug expected");
        assert!(plan.errors()[0].contains(&told) && plan.errors()[0].contains(id), "{:?}", plan.errors());
    }
    assert_eq!(world.orbit().calls, Vec::<String>::new());
}
