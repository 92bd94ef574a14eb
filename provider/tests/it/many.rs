//! Many topics: how often Orbit is asked.

use crate::world::World;
use serde_json::{Value, json};
use terraform_provider_orbit::OrbitProvider;
use tfplugin::testing::Core;
use tokio::task::JoinSet;

fn config(n: usize) -> Value {
    json!({"workspace": "payments-team", "environment": "prod", "name": format!("orders-{n}"), "partitions": 6})
}

fn address(n: usize) -> String {
    format!("orbit_kafka_topic.orders-{n}")
}

async fn with(count: usize) -> World {
    let mut world = World::new().await;
    for n in 0..count {
        let plan = world.terraform.plan(&address(n), &config(n)).await;
        world.terraform.apply(plan).await.ok();
    }
    world.reconnects().await;
    world.orbit().calls.clear();
    world
}

async fn refresh_all(core: &mut Core<OrbitProvider>, count: usize) {
    for n in 0..count {
        core.plan(&address(n), &config(n)).await.is_empty();
    }
}

#[tokio::test]
async fn checklist_35_a_refresh_of_many_is_a_few_looks_and_one_list() {
    let mut world = with(40).await;
    refresh_all(&mut world.terraform, 40).await;
    let calls = world.orbit().calls.clone();
    assert_eq!(calls.iter().filter(|call| *call == "GET /v1/topics").count(), 1, "{calls:#?}");
    assert_eq!(calls.len(), 5, "four looks and a list: {calls:#?}");
}

#[tokio::test]
async fn a_refresh_of_a_few_lists_nothing() {
    let mut world = with(4).await;
    refresh_all(&mut world.terraform, 4).await;
    assert!(world.orbit().calls.iter().all(|call| call.starts_with("GET /v1/topics/")), "{:#?}", world.orbit().calls);
}

#[tokio::test]
async fn a_list_shows_drift_and_what_is_gone_and_an_error_of_it_is_no_error() {
    let mut world = with(12).await;
    let id = world.orbit().topics.iter().find(|(_, topic)| topic.name == "orders-9").unwrap().0.clone();
    world.orbit().topics.get_mut(&id).unwrap().retention_ms = Some(5);
    let gone = world.orbit().topics.iter().find(|(_, topic)| topic.name == "orders-11").unwrap().0.clone();
    world.orbit().topics.remove(&gone);
    for n in 0..9 {
        world.terraform.plan(&address(n), &config(n)).await.is_empty();
    }
    let plan = world.terraform.plan(&address(9), &config(9)).await;
    assert_eq!((&plan.before["retention_ms"], plan.action), (&json!(5), tfplugin::Action::Update));
    let plan = world.terraform.plan(&address(11), &config(11)).await;
    assert_eq!(plan.action, tfplugin::Action::Create, "what is not in the list was looked for by itself");
}

#[tokio::test]
async fn an_apply_is_one_call_for_each_topic_beside_its_plan() {
    let mut world = World::new().await;
    let plan = world.terraform.plan(&address(0), &config(0)).await;
    world.orbit().calls.clear();
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.orbit().calls, ["POST /v1/topics:evaluate", "POST /v1/topics"]);
}

#[tokio::test]
async fn plans_side_by_side_are_judged_together() {
    let world = World::new().await;
    world.orbit().most_partitions = Some(5);
    let mut plans = JoinSet::new();
    for n in 0..20 {
        let mut worker = world.terraform.beside();
        plans.spawn(async move { worker.plan(&address(n), &config(n)).await });
    }
    let mut planned = 0;
    while let Some(plan) = plans.join_next().await {
        let plan = plan.unwrap();
        assert!(plan.errors()[0].contains("exceeds platform limit of 5 partitions"), "{plan:?}");
        planned += 1;
    }
    let calls = world.orbit().calls.len();
    assert!(planned == 20 && calls <= 5, "{planned} verdicts in {calls} calls");
}
