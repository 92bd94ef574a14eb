//! What was accepted is done: once, whatever dies meanwhile.

use crate::world::{World, ended, key, wish};
use orbit_acceptance::{Database, Kafka, Orbit, Setup, within};
use orbit_api::{
    Approve, Operation, OperationState, RequestState, StepState, TopicPatch, TopicStatus,
    client::{Submitted, TopicRead},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// Topics asked for in each round of a story in which the server dies.
const AT_ONCE: usize = 3;
/// When it dies: so many steps of one of them were done, and so many milliseconds later. Where that is, is luck; `cut_off.rs` leaves nothing to it.
const MOMENTS: [(usize, u64); 12] =
    [(0, 0), (1, 0), (2, 0), (0, 20), (1, 4), (2, 1), (0, 40), (1, 8), (2, 2), (0, 60), (1, 16), (2, 3)];

#[tokio::test]
async fn a_server_that_is_killed_at_any_moment_finishes_its_work_once() {
    let world = World::new().await;
    let mut calls = JoinSet::new();
    for (round, (steps, later)) in MOMENTS.into_iter().enumerate() {
        for n in 0..AT_ONCE {
            let (client, wish) = (world.orbit.developer(), wish("dev", &format!("t{round}-{n}"), 2));
            // Over the restart: whoever calls sees a pause, and no error.
            calls.spawn(async move { client.topic_create(&wish).await.unwrap().into_inner() });
        }
        if steps > 0 {
            done(&world, &format!("t{round}-0"), steps).await;
        }
        sleep(Duration::from_millis(later)).await;
        world.orbit.kill();
        world.orbit.start_again().await;
    }
    let topics = calls.join_all().await;
    let expected = MOMENTS.len() * AT_ONCE;
    assert_eq!(topics.len(), expected);

    let operations = all_succeed(&world, &world.orbit).await;

    assert_eq!(operations.len(), expected, "one operation a topic");
    let on_cluster = world.on_cluster().await;
    assert_eq!(on_cluster.len(), expected, "{on_cluster:#?}");
    for topic in topics {
        let there = &on_cluster[&format!("dev/{}", topic.name)];
        let topic = world.topic("dev", &topic.name).await;
        assert_eq!((topic.status, there.partitions), (TopicStatus::Active, 2));
        assert_eq!(topic.kafka_topic_id.as_deref(), Some(there.id.as_str()), "the one that was made first");
    }
}

#[tokio::test]
async fn changes_and_deletions_survive_a_killed_server_too() {
    let world = World::new().await;
    let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    for name in &names {
        world.ask_for("dev", name, 1).await;
    }
    all_succeed(&world, &world.orbit).await;
    let client = world.orbit.developer();
    let mut calls = JoinSet::new();
    for (n, name) in names.iter().enumerate() {
        let (client, id) = (client.clone(), world.topic("dev", name).await.id);
        calls.spawn(async move {
            if n % 2 == 0 {
                let more =
                    TopicPatch { partitions: Some(Some(3)), retention_ms: Some(Some(5_000)), ..TopicPatch::default() };
                drop(client.topic_update(&id, &more).await.unwrap());
            } else {
                drop(client.topic_delete(&id, None).await.unwrap());
            }
        });
        sleep(Duration::from_millis(u64::try_from(n * 9).unwrap())).await;
        world.orbit.kill();
        world.orbit.start_again().await;
    }
    calls.join_all().await;

    let operations = all_succeed(&world, &world.orbit).await;

    assert_eq!(operations.len(), names.len() * 2);
    let on_cluster = world.on_cluster().await;
    let left: Vec<_> = on_cluster.keys().map(String::as_str).collect();
    assert_eq!(left, ["dev/t0", "dev/t2", "dev/t4", "dev/t6"]);
    assert!(
        on_cluster.values().all(|t| t.partitions == 3 && t.settings.contains("retention.ms=5000")),
        "{on_cluster:#?}"
    );
}

#[tokio::test]
async fn a_decision_is_taken_once_whatever_dies_meanwhile() {
    let world = World::new().await;
    let names: Vec<String> = (0..6).map(|n| format!("t{n}")).collect();
    for name in &names {
        world.ask_for("prod", name, 1).await;
    }
    let mut calls = JoinSet::new();
    for (n, request) in world.requests().await.into_iter().enumerate() {
        let client = world.orbit.admin();
        calls.spawn(async move { client.request_approve(&request.id, &Approve::default()).await.unwrap() });
        sleep(Duration::from_millis(u64::try_from(n * 6).unwrap())).await;
        world.orbit.kill();
        world.orbit.start_again().await;
    }
    for approved in calls.join_all().await {
        assert_eq!(approved.state, RequestState::Approved);
    }

    assert_eq!(all_succeed(&world, &world.orbit).await.len(), names.len());
    assert_eq!(world.on_cluster().await.len(), names.len());
}

#[tokio::test]
async fn a_stopped_server_ends_in_order_and_the_next_one_goes_on() {
    let world = World::new().await;
    for n in 0..5 {
        world.ask_for("dev", &format!("t{n}"), 1).await;
    }
    world.orbit.stop();
    world.orbit.start_again().await;

    assert_eq!(all_succeed(&world, &world.orbit).await.len(), 5);
    assert_eq!(world.on_cluster().await.len(), 5);
}

#[tokio::test]
async fn two_servers_on_one_postgresql_share_the_work_and_never_do_it_twice() {
    let database = Database::new().await;
    let eager = [("ORBIT_RUNNER__POLL_MILLISECONDS", "2")];
    let eager = eager.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let setup = Setup { database: Some(database.url.clone()), settings: eager, ..Setup::default() };
    let world = World::of(Orbit::with(setup.clone()).await, Kafka::shared()).await;
    let other = Orbit::with(Setup { beside: Some(world.orbit.folder()), ..setup }).await;
    let [here, there] = [&world.orbit, &other].map(|server| server.client(&world.orbit.developer_token()));
    let ask = async |round: &str| {
        let mut calls = JoinSet::new();
        for n in 0..10 {
            let (mine, other) = if n % 2 == 0 { (here.clone(), there.clone()) } else { (there.clone(), here.clone()) };
            let wish = wish("dev", &format!("{round}{n}"), 1);
            calls.spawn(async move {
                // Whose server has died asks the other one the same.
                if mine.topic_create(&wish).await.is_err() {
                    drop(other.topic_create(&wish).await.unwrap());
                }
            });
        }
        calls.join_all().await;
    };

    ask("first").await;
    let first = all_succeed(&world, &world.orbit).await;

    assert_eq!(first.len(), 10);
    for operation in &first {
        assert!(operation.steps.iter().all(|step| step.attempts == 0 && step.waits == 0), "{operation:#?}");
        // Every operation ends in one of the two, and only there.
        let said = [&world.orbit, &other].map(|server| successes(server, &operation.id));
        assert_eq!(said.iter().sum::<usize>(), 1, "{}: {said:?}", operation.id);
    }
    let ended_on = |server| first.iter().filter(|operation| successes(server, &operation.id) == 1).count();
    assert!(ended_on(&world.orbit) > 0 && ended_on(&other) > 0, "both work");

    // One of them dies in the midst of it: the other takes over what that one held.
    let dying = async {
        sleep(Duration::from_millis(40)).await;
        world.orbit.kill();
    };
    tokio::join!(ask("second"), dying);
    let all = all_succeed(&world, &other).await;
    assert_eq!(all.len(), 20);
    let on_cluster = world.on_cluster().await;
    assert_eq!(on_cluster.len(), 20);
    let ids: BTreeSet<_> = on_cluster.values().map(|topic| &topic.id).collect();
    assert_eq!(ids.len(), 20);
}

/// Waits until so many steps of a topic's operation are done.
async fn done(world: &World, name: &str, steps: usize) {
    let (client, key) = (world.orbit.developer(), key("dev", name));
    let look = async || {
        let id = client.topic_get(&key, TopicRead::default()).await.ok()?.operation?.id;
        let operation = client.operation_get(&id, None).await.ok()?;
        let done = operation.steps.iter().filter(|step| step.state == StepState::Done).count();
        (done >= steps).then_some(())
    };
    let often = async { while look().await.is_none() {} };
    within(Duration::from_mins(1), "the first steps of an operation", often).await;
}

/// Waits until all operations have ended, by the requests that led to them; every request was accepted, and led to one.
pub(crate) async fn all_succeed(world: &World, server: &Orbit) -> Vec<Operation> {
    let client = server.client(&world.orbit.admin_token());
    let query = orbit_api::client::RequestQuery::default();
    let mut operations = Vec::new();
    for request in client.request_list(&query).await.unwrap().items {
        assert_eq!(request.state, RequestState::Approved, "{request:#?}");
        let operation =
            within(Duration::from_mins(1), "an operation", ended(&client, &request.operation_id.unwrap())).await;
        assert_eq!(operation.state, OperationState::Succeeded, "{operation:#?}");
        operations.push(operation);
    }
    operations
}

/// How often a server has said that an operation succeeded.
pub(crate) fn successes(server: &Orbit, operation: &str) -> usize {
    server.log().lines().filter(|line| line.contains("operation succeeded") && line.contains(operation)).count()
}

#[tokio::test]
async fn an_equal_call_attaches_to_what_is_under_way() {
    let world = World::new().await;
    let wish = wish("dev", "orders", 2);
    let client = world.orbit.developer();
    let (one, other) = tokio::join!(client.topic_create(&wish), client.topic_create(&wish));
    let [one, other] = [one, other].map(|answer| answer.map(Submitted::into_inner).unwrap());
    assert_eq!(one.id, other.id);
    world.becomes("dev", "orders", TopicStatus::Active).await;
    assert_eq!(world.requests().await.len(), 1);
}
