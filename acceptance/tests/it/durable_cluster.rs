//! A cluster that goes down: work waits for it, however long, and is done once when it is back.

use crate::{
    durable::all_succeed,
    world::{World, address, key, topic, wish},
};
use orbit_acceptance::{Orbit, eventually, eventually_within};
use orbit_api::{Operation, OperationState, StepState, TopicStatus, client::TopicRead};
use std::{cell::Cell, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

#[tokio::test]
async fn work_waits_for_a_cluster_that_is_down_and_goes_on_when_it_is_back() {
    let world = World::with_own_kafka().await;
    world.kafka.kill().await;

    let accepted = world.ask_for("dev", "orders", 2).await;

    assert_eq!(accepted.status, TopicStatus::Provisioning);
    let id = accepted.operation.unwrap().id;
    let waits = waits(&world.orbit, &id).await;
    let error = waits.error.expect("a wait says what for");
    assert_eq!(error.message, "No broker of this Kafka cluster can be reached.");
    eventually("the topic says why it is not there", || async {
        let topic = world.topic("dev", "orders").await;
        topic.conditions.iter().any(|condition| condition.kind == "ClusterUnreachable").then_some(())
    })
    .await;

    // Not even a server that dies meanwhile loses it.
    world.orbit.kill();
    world.orbit.start_again().await;
    world.kafka.start_again().await;

    let done = world.succeeds(&id).await;
    assert!(done.steps.iter().all(|step| step.state == StepState::Done && step.attempts == 0), "{done:#?}");
    assert_eq!(world.topic("dev", "orders").await.status, TopicStatus::Active);
    assert_eq!(world.on_cluster().await.len(), 1);
}

#[tokio::test]
async fn work_waits_for_a_cluster_that_is_down_for_longer_than_any_wait_between_tries() {
    const DOWN: Duration = Duration::from_mins(1);
    let world = World::with_own_kafka().await;
    world.kafka.kill().await;
    let since = Instant::now();
    let id = world.ask_for("dev", "orders", 2).await.operation.unwrap().id;
    let early = waits(&world.orbit, &id).await.steps[0].waits;

    // No try fails the work, and trying never ends: once more after that minute, too.
    let client = world.orbit.admin();
    let by_then = Cell::new(None);
    let late = eventually_within(2 * DOWN, "another try after a minute", || async {
        let operation = client.operation_get(&id, None).await.ok()?;
        let step = &operation.steps[0];
        assert_eq!((step.name.as_str(), step.attempts), ("observe", 0), "{operation:#?}");
        assert!([OperationState::Waiting, OperationState::Running].contains(&operation.state), "{operation:#?}");
        if since.elapsed() < DOWN {
            return None;
        }
        let before = by_then.get().unwrap_or(step.waits);
        by_then.set(Some(before));
        (step.waits > before).then_some(step.waits)
    })
    .await;
    assert!(late >= early + 3, "{early}, then {late}");
    world.kafka.start_again().await;

    let done = world.succeeds(&id).await;
    assert!(done.steps.iter().all(|step| step.state == StepState::Done && step.attempts == 0), "{done:#?}");
    assert!(done.steps[0].waits >= late);
    let on_cluster = world.on_cluster().await;
    assert_eq!((on_cluster.len(), world.requests().await.len()), (1, 1));
    let topic = world.topic("dev", "orders").await;
    assert_eq!(topic.status, TopicStatus::Active);
    assert_eq!(topic.kafka_topic_id.as_deref(), Some(on_cluster["dev/orders"].id.as_str()));
}

#[tokio::test]
async fn a_cluster_that_crashes_in_the_midst_of_work_gets_it_done_once() {
    const COUNT: usize = 20;
    let world = World::with_own_kafka().await;
    let mut calls = JoinSet::new();
    for n in 0..COUNT {
        let (client, wish) = (world.orbit.developer(), wish("dev", &format!("t{n}"), 2));
        calls.spawn(async move { drop(client.topic_create(&wish).await.unwrap()) });
        sleep(Duration::from_millis(4)).await;
    }
    world.kafka.kill().await;
    calls.join_all().await;
    world.kafka.start_again().await;

    assert_eq!(all_succeed(&world, &world.orbit).await.len(), COUNT);
    let on_cluster = world.on_cluster().await;
    assert_eq!(on_cluster.len(), COUNT);
    for n in 0..COUNT {
        let topic = world.topic("dev", &format!("t{n}")).await;
        assert_eq!(topic.kafka_topic_id.as_deref(), Some(on_cluster[&format!("dev/t{n}")].id.as_str()));
    }
}

#[tokio::test]
async fn what_waits_for_its_cluster_can_be_destroyed_once_it_is_back() {
    let world = World::with_own_kafka().await;
    let terraform = world.terraform(&topic("dev", "orders", "")).await;
    world.kafka.kill().await;
    let apply = terraform.begin_apply();
    eventually("the work waits", || async {
        let topic = world.orbit.admin().topic_get(&key("dev", "orders"), TopicRead::default()).await.ok()?;
        topic.operation.filter(|operation| operation.state == OperationState::Waiting)
    })
    .await;
    let left = apply.interrupt().await;
    assert!(left.warnings.iter().any(|told| told.summary.contains("is still under way")), "{}", left.text);
    assert_eq!(terraform.attribute(&address("orders"), "status").await, "provisioning");

    let destroy = terraform.begin_destroy();
    world.kafka.start_again().await;
    let destroy = destroy.end().await;

    destroy.succeeds();
    assert_eq!(terraform.state(&address("orders")).await, None);
    assert!(world.on_cluster().await.is_empty());
}

async fn waits(server: &Orbit, operation: &str) -> Operation {
    let client = server.admin();
    eventually("the operation waits", || async {
        client.operation_get(operation, None).await.ok().filter(|found| found.state == OperationState::Waiting)
    })
    .await
}
