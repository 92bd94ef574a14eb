//! Many topics: how often Orbit is asked.

use crate::world::World;
use orbit_api::Topic;
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

/// The state has every topic of Orbit's.
async fn hold_all(world: &mut World) {
    let of = |topic: &Topic| json!({"id": topic.id, "workspace": topic.workspace, "environment": topic.environment, "name": topic.name, "partitions": 6});
    let states: Vec<Value> = world.orbit().topics.values().map(of).collect();
    for (n, state) in states.iter().enumerate() {
        world.terraform.hold(&address(n), 1, state, None).await.ok();
    }
    world.orbit().calls.clear();
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
async fn checklist_35_a_refresh_reads_every_page_of_a_list() {
    let mut world = World::new().await;
    world.orbit().has_topics(1_100);
    hold_all(&mut world).await;
    world.orbit().topics.get_mut("top_01099").unwrap().partitions = Some(7);
    for n in 0..1_100 {
        let seen = world.terraform.refresh(&address(n)).await.ok();
        assert_eq!(seen["partitions"], if n == 1_099 { 7 } else { 6 }, "{n}");
    }
    let calls = world.orbit().calls.clone();
    let lists = calls.iter().filter(|call| *call == "GET /v1/topics").count();
    assert_eq!((lists, calls.iter().filter(|call| call.starts_with("GET /v1/topics/")).count()), (3, 4), "{calls:?}");
}

#[tokio::test]
async fn a_refresh_after_a_write_of_the_same_process_shows_what_was_written() {
    let mut world = with(12).await;
    refresh_all(&mut world.terraform, 12).await;
    let more = json!({"workspace": "payments-team", "environment": "prod", "name": "orders-9", "partitions": 12});
    let plan = world.terraform.plan(&address(9), &more).await;
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.terraform.refresh(&address(9)).await.ok()["partitions"], 12);
    world.terraform.plan(&address(9), &more).await.is_empty();
}

#[tokio::test]
async fn few_topics_each_of_many_places_are_a_list_each_before_long() {
    let mut world = World::new().await;
    world.orbit().has_topics(60);
    for (n, topic) in world.orbit().topics.values_mut().enumerate() {
        topic.workspace = format!("team-{}", n / 2);
    }
    hold_all(&mut world).await;
    for n in 0..60 {
        world.terraform.refresh(&address(n)).await.ok();
    }
    let calls = world.orbit().calls.clone();
    let looks = calls.iter().filter(|call| call.starts_with("GET /v1/topics/")).count();
    assert_eq!((looks, calls.iter().filter(|call| *call == "GET /v1/topics").count()), (16, 22), "{calls:#?}");
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
