//! A server that dies between a step's deed and its save: of every step of every workflow, not by luck. The save is held back in the database, in the
//! midst of its transaction, until the server is gone.

use crate::{
    durable::all_succeed,
    world::{World, key},
};
use orbit_acceptance::{Database, OnCluster};
use orbit_api::{Operation, TopicPatch, TopicStatus};
use std::collections::BTreeMap;

/// Each cuts off the work on the topic of its name.
const OF_A_CREATION: [&str; 2] = ["observe", "create"];
const OF_A_CHANGE: [&str; 4] = ["change-configs", "grow-partitions", "observe", "settle"];
const OF_A_DELETION: [&str; 2] = ["delete", "forget"];

#[tokio::test]
async fn a_creation_that_dies_between_any_deed_and_its_save_makes_one_topic() {
    let database = Database::new().await;
    let world = World::on(&database).await;

    let before = cut_off(&world, &database, &OF_A_CREATION, async |name| {
        drop(world.ask_for("dev", name, 2).await);
    })
    .await;
    let operations = all_succeed(&world, &world.orbit).await;

    assert_eq!(before.keys().collect::<Vec<_>>(), ["dev/create"], "what was done when it died");
    assert_eq!(operations.len(), OF_A_CREATION.len());
    assert!(operations.iter().all(without_a_fault), "{operations:#?}");
    let after = world.on_cluster().await;
    assert_eq!(after.len(), OF_A_CREATION.len());
    for name in OF_A_CREATION {
        let (there, topic) = (&after[&format!("dev/{name}")], world.topic("dev", name).await);
        assert_eq!((topic.status, there.partitions), (TopicStatus::Active, 2));
        assert_eq!(topic.kafka_topic_id.as_deref(), Some(there.id.as_str()));
    }
    for (name, made) in before {
        assert_eq!(after[&name], made, "the one that was made before the server died");
    }
}

#[tokio::test]
async fn changes_and_deletions_that_die_between_any_deed_and_its_save_are_done_once() {
    let database = Database::new().await;
    let world = World::on(&database).await;
    let names = [&OF_A_CHANGE[..], &OF_A_DELETION].concat();
    for name in &names {
        world.ask_for("dev", name, 1).await;
    }
    all_succeed(&world, &world.orbit).await;
    let first = world.on_cluster().await;
    let client = world.orbit.developer();
    let more = TopicPatch { partitions: Some(Some(3)), retention_ms: Some(Some(5_000)), ..TopicPatch::default() };

    let before = cut_off(&world, &database, &names, async |name| {
        if OF_A_DELETION.contains(&name) {
            drop(client.topic_delete(&key("dev", name), None).await.unwrap());
        } else {
            drop(client.topic_update(&key("dev", name), &more).await.unwrap());
        }
    })
    .await;
    let operations = all_succeed(&world, &world.orbit).await;

    assert_eq!(before.keys().collect::<Vec<_>>(), OF_A_CHANGE.map(|name| format!("dev/{name}")).each_ref());
    let grown = |name: &str| before[&format!("dev/{name}")].partitions == 3;
    assert_eq!(OF_A_CHANGE.map(grown), [false, true, false, true], "what was done when it died");
    assert_eq!(operations.len(), names.len() * 2);
    assert!(operations.iter().all(without_a_fault), "{operations:#?}");
    let after = world.on_cluster().await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (name, topic) in after {
        assert_eq!(topic.id, first[&name].id);
        assert!(topic.partitions == 3 && topic.settings.contains("retention.ms=5000"), "{name}: {topic:#?}");
    }
}

/// Asks for work on a topic of each step's name, and kills the server when each has done the step that it is called after and could save none of them.
/// Then another one is started. Answers what was on the cluster when the first one died.
async fn cut_off(
    world: &World,
    database: &Database,
    steps: &[&str],
    ask: impl AsyncFn(&str),
) -> BTreeMap<String, OnCluster> {
    let saves: Vec<_> = steps.iter().map(|step| (world.physical("dev", step), *step)).collect();
    let mut due: Vec<_> = saves.iter().map(|(topic, step)| format!("{topic} {step}")).collect();
    due.sort();
    let held_back = database.hold_back(&saves).await;
    for step in steps {
        ask(step).await;
    }
    held_back.reached().await;
    world.orbit.kill();
    assert_eq!(database.due_steps().await, due, "where the journal stands");
    let there = world.on_cluster().await;
    held_back.let_go().await;
    world.orbit.start_again().await;
    there
}

/// Whoever goes on finds its way by looking: nothing failed, and nothing was waited for.
fn without_a_fault(operation: &Operation) -> bool {
    operation.steps.iter().all(|step| step.attempts == 0 && step.waits == 0)
}
