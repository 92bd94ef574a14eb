//! Ctrl-C leaves at once, and loses nothing: Orbit goes on, and the next apply finds it.

use crate::world::{World, address, configuration, key, many, topic};
use orbit_acceptance::{Proxy, Terraform, eventually};
use orbit_api::{OperationState, TopicStatus, client::TopicRead};
use std::time::Duration;

/// Terraform's own end included.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn checklist_28_ctrl_c_leaves_at_once_and_the_next_apply_goes_on() {
    let world = World::with_own_kafka().await;
    let resources = format!("{}{}", topic("dev", "orders", "partitions = 2"), topic("dev", "events", ""));
    let terraform = world.terraform(&resources).await;
    world.kafka.kill().await;
    let apply = terraform.begin_apply();
    for name in ["orders", "events"] {
        eventually(&format!("the work on {name} waits"), || async {
            let found = world.orbit.admin().topic_get(&key("dev", name), TopicRead::default()).await.ok()?;
            found.operation.filter(|operation| operation.state == OperationState::Waiting)
        })
        .await;
    }

    let left = apply.interrupt().await;

    assert!(left.took < AT_ONCE, "{:?}: {}", left.took, left.text);
    let told: Vec<_> = left.warnings.iter().filter(|told| told.summary.contains("is still under way")).collect();
    assert_eq!(told.len(), 2, "{}", left.text);
    told[0].says(&["No broker of this Kafka cluster can be reached", "nothing is done twice"]);
    for name in ["orders", "events"] {
        let state = terraform.state(&address(name)).await.unwrap();
        assert_eq!(state["id"], world.topic("dev", name).await.id, "what was begun is in the state");
    }

    world.kafka.start_again().await;
    let again = terraform.apply().await;
    again.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute("orbit_kafka_topic.orders", "status").await, "active");
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (2, 2));
}

#[tokio::test]
async fn checklist_28_ctrl_c_while_people_are_waited_for_leaves_at_once_and_files_nothing_again() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("prod", "orders", "partitions = 2\non_pending = \"wait\"")).await;
    let apply = terraform.begin_apply();
    let request = eventually("it is asked for", || async { world.requests().await.pop() }).await;

    let left = apply.interrupt().await;

    assert!(left.took < AT_ONCE, "{:?}: {}", left.took, left.text);
    let told = left.warnings.iter().find(|told| told.summary.contains("waits for approval"));
    told.unwrap_or_else(|| panic!("{}", left.text)).says(&[&request.id, &request.url]);
    let id = terraform.attribute(&address("orders"), "id").await;
    assert_eq!(terraform.attribute(&address("orders"), "status").await, "pending-approval");

    let apply = terraform.begin_apply();
    world.approve().await;
    assert_eq!(apply.end().await.code, 0);
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute(&address("orders"), "id").await, id);
    assert_eq!(world.requests().await.len(), 1, "the same request");
}

#[tokio::test]
async fn ctrl_c_in_the_midst_of_many_loses_and_doubles_nothing() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 40)).await;
    let apply = terraform.begin_apply();
    eventually("some are asked for", || async { (world.requests().await.len() > 3).then_some(()) }).await;

    let left = apply.interrupt().await;

    assert!(left.took < AT_ONCE, "{:?}: {}", left.took, left.text);
    let again = terraform.apply().await;
    again.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (40, 40));
    assert_eq!(world.topic("dev", "t39").await.status, TopicStatus::Active);
}

#[tokio::test]
async fn ctrl_c_while_an_answer_is_held_back_leaves_at_once_with_what_can_be_seen() {
    let world = World::new().await;
    let proxy = Proxy::holds_back_the_answer_to("POST /v1/topics?wait", world.orbit.port()).await;
    let mut terraform = Terraform::empty(&proxy.endpoint(), &world.orbit.developer_token());
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 2")));
    terraform.init().await;
    let apply = terraform.begin_apply();
    eventually("the answer is held back", || async { (proxy.kept() == 1).then_some(()) }).await;

    let left = apply.interrupt().await;

    assert!(left.took < AT_ONCE, "{:?}: {}", left.took, left.text);
    // The answer is lost; the topic that it was about is not.
    let made = world.becomes("dev", "orders", TopicStatus::Active).await;
    assert_eq!(terraform.attribute(&address("orders"), "id").await, made.id);

    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (1, 1));
}

#[tokio::test]
async fn checklist_29_a_terraform_that_is_killed_loses_and_doubles_nothing() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 20)).await;
    let apply = terraform.begin_apply();
    eventually("some are asked for", || async { (world.requests().await.len() > 3).then_some(()) }).await;

    // By SIGKILL, and its plugin with it: what they had not written down yet, nobody has.
    apply.kill().await;

    let again = terraform.apply().await;
    again.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (20, 20));
}
