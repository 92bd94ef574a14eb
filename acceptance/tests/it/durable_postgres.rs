//! Servers on one PostgreSQL: one that is paused and comes back as if nothing had happened, and a database that crashes.

use crate::{
    durable::{all_succeed, successes},
    world::World,
};
use orbit_acceptance::{Database, Kafka, Orbit, Setup, eventually};
use orbit_api::{StepState, TopicStatus};

const SUCCEEDED: &str = "SELECT operation_id::text FROM audit_event WHERE action = 'operation.succeeded'";

#[tokio::test]
async fn a_server_that_was_paused_in_a_step_finds_that_another_one_has_done_the_work() {
    let database = Database::new().await;
    // Nothing but the work asks the cluster: a server that is paused while it notes the cluster's health would hold that row, and that is another story.
    let settings = vec![("ORBIT_RECONCILE__CLUSTER_HEALTH_SECONDS".to_owned(), "600".to_owned())];
    let setup = Setup { database: Some(database.url.clone()), settings, ..Setup::default() };
    let world = World::of(Orbit::with(setup.clone()).await, Kafka::own().await).await;
    let other = Orbit::with(Setup { beside: Some(world.orbit.folder()), ..setup }).await;
    let topic = world.physical("dev", "orders");

    // The server comes as far as the create, whose answer the cluster holds back, and is paused there.
    let held_back = database.hold_back(&[(topic.clone(), "observe")]).await;
    let id = world.ask_for("dev", "orders", 2).await.operation.unwrap().id;
    held_back.reached().await;
    world.kafka.freeze();
    held_back.let_go().await;
    let due = [format!("{topic} create")];
    eventually("the create is due", || async { (database.due_steps().await == due).then_some(()) }).await;
    world.orbit.freeze();
    world.kafka.thaw();

    // The other one goes on when the lease is over, which no save has renewed.
    eventually("the other server ends the work", || async { (successes(&other, &id) == 1).then_some(()) }).await;
    let made = world.on_cluster().await;
    world.orbit.thaw();
    eventually("the first one is told", || async {
        let told = |line: &str| line.contains("another replica holds the operation now") && line.contains(&id);
        world.orbit.log().lines().any(told).then_some(())
    })
    .await;

    let operations = all_succeed(&world, &world.orbit).await;
    assert_eq!(operations.iter().map(|operation| &operation.id).collect::<Vec<_>>(), [&id]);
    assert!(operations[0].steps.iter().all(|step| step.state == StepState::Done && step.attempts == 0));
    assert_eq!((successes(&world.orbit, &id), successes(&other, &id)), (0, 1));
    assert_eq!(database.texts(SUCCEEDED).await.len(), 1);
    assert_eq!(world.on_cluster().await, made);
    let orders = world.topic("dev", "orders").await;
    assert_eq!(orders.kafka_topic_id.as_deref(), Some(made["dev/orders"].id.as_str()));
    // And it works on, as any other.
    world.ask_for("dev", "payments", 1).await;
    world.becomes("dev", "payments", TopicStatus::Active).await;
}

#[tokio::test]
async fn a_database_that_crashes_in_the_midst_of_work_gets_it_done_once() {
    const STEPS: [&str; 2] = ["observe", "create"];
    let database = Database::on_own_server();
    let world = World::on(&database).await;
    let saves = STEPS.map(|step| (world.physical("dev", step), step));
    let held_back = database.hold_back(&saves).await;
    for name in STEPS {
        world.ask_for("dev", name, 2).await;
    }
    held_back.reached().await;

    database.kill();
    eventually("the server says that it cannot answer", || async {
        (world.orbit.get("/readyz").await?.0 == 503).then_some(())
    })
    .await;
    let made = world.on_cluster().await;
    database.start_again();

    // The same server goes on, by itself.
    let operations = all_succeed(&world, &world.orbit).await;
    assert_eq!((world.orbit.get("/readyz").await.unwrap().0, operations.len()), (200, STEPS.len()));
    assert_eq!(database.texts(SUCCEEDED).await.len(), STEPS.len());
    let after = world.on_cluster().await;
    assert_eq!(after.len(), STEPS.len());
    assert!(made.iter().all(|(name, topic)| after[name] == *topic), "{made:#?}, then {after:#?}");
    for name in STEPS {
        let topic = world.topic("dev", name).await;
        assert_eq!(topic.kafka_topic_id.as_deref(), Some(after[&format!("dev/{name}")].id.as_str()));
    }
}
