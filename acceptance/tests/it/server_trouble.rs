//! The first day with a server: replies that are lost, servers that die, tokens that end. Nothing is lost, and nothing is made twice.

use crate::world::{World, configuration, key, many, topic, wish};
use orbit_acceptance::{Proxy, Terraform, eventually};
use orbit_api::{RequestState, Role, TopicStatus};
use std::time::Duration;

const ORDERS: &str = "orbit_kafka_topic.orders";

fn orders(lines: &str) -> String {
    topic("dev", "orders", lines)
}

/// A terraform whose way to Orbit loses the answer to a call. After that it has to be led to the server itself.
async fn over_a_bad_network(world: &World, call: &str, resources: &str) -> (Terraform, Proxy) {
    let proxy = Proxy::loses_the_answer_to(call, world.orbit.port()).await;
    let terraform = Terraform::empty(&proxy.endpoint(), &world.orbit.developer_token());
    terraform.write(&configuration(resources));
    terraform.init().await;
    (terraform, proxy)
}

#[tokio::test]
async fn checklist_29_a_creation_whose_answer_was_lost_is_taken_up_by_the_next_apply() {
    let world = World::new().await;
    let (mut terraform, proxy) = over_a_bad_network(&world, "POST /v1/topics?wait", &orders("partitions = 2")).await;

    let cut_off = terraform.apply().await;

    cut_off.fails(&["Cannot reach Orbit at", &proxy.endpoint(), "is the server running?"]);
    assert_eq!(proxy.kept(), 1);
    assert_eq!(terraform.state(ORDERS).await, None, "nothing to taint");
    let made = world.becomes("dev", "orders", TopicStatus::Active).await;

    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    terraform.apply().await.ok();
    assert_eq!(terraform.attribute(ORDERS, "id").await, made.id);
    terraform.plan().await.is_empty();
    assert_eq!(world.requests().await.len(), 1);
    assert_eq!(world.on_cluster().await["dev/orders"].id, made.kafka_topic_id.unwrap());
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_attached_to() {
    let world = World::new().await;
    let (mut terraform, proxy) = over_a_bad_network(&world, "POST /v1/topics?wait", &topic("prod", "orders", "")).await;
    assert_eq!(terraform.apply().await.code, 1);
    assert_eq!(proxy.kept(), 1);
    let request = world.open_request().await;

    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    let apply = terraform.apply().await;

    apply.succeeds();
    assert!(apply.warnings.iter().any(|told| told.summary.contains(&request.id)), "{:#?}", apply.warnings);
    assert_eq!(world.requests().await.len(), 1);
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn changes_and_deletions_whose_answers_were_lost_are_not_repeated() {
    let world = World::new().await;
    let (mut terraform, lost) = over_a_bad_network(&world, "PUT /v1/topics/", &orders("partitions = 1")).await;
    terraform.apply().await.ok();
    terraform.write(&configuration(&orders("partitions = 2")));
    assert_eq!((terraform.apply().await.code, lost.kept()), (1, 1));
    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    let again = terraform.apply().await;
    assert_eq!(again.code, 0, "{}", again.text);
    terraform.plan().await.is_empty();
    assert_eq!(world.requests().await.len(), 2);

    let lost = Proxy::loses_the_answer_to("DELETE /v1/topics/", world.orbit.port()).await;
    terraform.set("ORBIT_ENDPOINT", &lost.endpoint());
    assert_eq!((terraform.destroy().await.code, lost.kept()), (1, 1));
    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    let again = terraform.destroy().await;
    assert_eq!(again.code, 0, "{}", again.text);
    assert_eq!(terraform.state(ORDERS).await, None);
    assert!(world.on_cluster().await.is_empty());
}

#[tokio::test]
async fn an_apply_rides_over_a_server_that_dies_and_comes_back() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 12)).await;
    let apply = terraform.begin_apply();
    eventually("the apply is under way", || async { (!world.requests().await.is_empty()).then_some(()) }).await;
    world.orbit.kill();
    world.orbit.start_again().await;

    let apply = apply.end().await;

    apply.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (12, 12));
}

#[tokio::test]
async fn checklist_36_a_server_that_is_not_there_is_told_within_seconds_with_its_address() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("")).await;
    terraform.apply().await.ok();
    world.orbit.kill();

    let plan = terraform.plan().await;

    plan.fails(&[&format!("Cannot reach Orbit at {}", world.orbit.endpoint()), "ORBIT_ENDPOINT"]);
    assert!(plan.took < Duration::from_secs(10), "{:?}", plan.took);
    assert!(terraform.state(ORDERS).await.is_some(), "not to be reached is not gone");
    world.orbit.start_again().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_36_a_server_that_is_not_there_is_told_within_seconds_however_many_topics_there_are() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 60)).await;
    terraform.apply().await.ok();
    let address = format!("Cannot reach Orbit at {}", world.orbit.endpoint());
    let down = async || {
        let plan = terraform.plan().await;
        // One for each topic; a newer Terraform tells what is the same once.
        assert!(plan.code == 1 && !plan.errors.is_empty(), "{}", plan.text);
        assert!(plan.errors.iter().all(|told| told.summary == address), "{}", plan.text);
        assert!(plan.took < Duration::from_secs(10), "{:?}", plan.took);
    };

    world.orbit.freeze();
    down().await;
    world.orbit.thaw();
    world.orbit.kill();
    down().await;
    world.orbit.start_again().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn a_token_that_ends_is_told_with_what_to_do() {
    let world = World::new().await;
    let (short, _) = world.token_of("developer", Some(1)).await;
    let mut terraform = Terraform::new(&world.orbit, &short, &configuration(&orders(""))).await;
    eventually("the token ends", || async { world.orbit.client(&short).whoami().await.err() }).await;
    terraform.plan().await.fails(&["the token has expired", "mint another token"]);
    terraform.set("ORBIT_TOKEN", "orbit_nonsense");
    terraform.plan().await.fails(&["the token is not known"]);
    terraform.set("ORBIT_TOKEN", &world.token_of("developer", None).await.0);
    terraform.apply().await.ok();
}

#[tokio::test]
async fn two_applies_at_once_make_one_topic() {
    let world = World::new().await;
    let resources = format!("{}{}", orders("partitions = 2"), topic("prod", "payments", ""));
    let (one, other) = (world.terraform(&resources).await, world.terraform(&resources).await);

    let (a, b) = tokio::join!(one.apply(), other.apply());

    for apply in [&a, &b] {
        apply.succeeds();
    }
    for topic in [ORDERS, "orbit_kafka_topic.payments"] {
        assert_eq!(one.attribute(topic, "id").await, other.attribute(topic, "id").await);
    }
    assert_eq!(world.requests().await.len(), 2);
    world.approve().await;
    one.plan().await.is_empty();
    other.plan().await.is_empty();
    assert_eq!(world.on_cluster().await.len(), 2);
}

#[tokio::test]
async fn somebody_elses_open_request_is_not_taken_over() {
    let world = World::new().await;
    let mine = world.terraform(&topic("prod", "orders", "partitions = 2")).await;
    mine.apply().await;
    let carol = world.person("carol", Role::Member).await;
    let theirs = Terraform::new(&world.orbit, &carol, &configuration(&topic("prod", "orders", "partitions = 3"))).await;

    let apply = theirs.apply().await;

    apply.fails(&["developer has a different request open", "partitions"]);
    assert_eq!(world.open_request().await.requester, "developer");
    // The same wish attaches, whoever has it.
    theirs.write(&configuration(&topic("prod", "orders", "partitions = 2")));
    assert_eq!(theirs.apply().await.code, 0);
    assert_eq!(world.requests().await.len(), 1);
}

/// The token of somebody from another team.
async fn stranger(world: &World) -> String {
    let eve = orbit_api::PrincipalCreate { name: "eve".to_owned(), kind: None, email: None };
    world.orbit.admin().principal_create(&eve).await.unwrap();
    world.workspace("another-team").await;
    world.member("eve", "another-team", Role::Admin).await;
    world.token_of("eve", None).await.0
}

#[tokio::test]
async fn another_teams_topic_is_not_there() {
    let world = World::new().await;
    world.ask_for("dev", "orders", 1).await;
    let eve = world.orbit.client(&stranger(&world).await);
    let seen = eve.topic_get(&key("dev", "orders"), orbit_api::client::TopicRead::default()).await;
    assert_eq!(seen.unwrap_err().code(), Some("topic.not-found"));
    let asked = eve.topic_create(&wish("dev", "sales", 1)).await;
    assert_eq!(asked.unwrap_err().code(), Some("workspace.not-found"));
    assert!(world.requests().await.iter().all(|request| request.state == RequestState::Approved));
}

#[tokio::test]
async fn another_teams_token_takes_nothing_out_of_the_state() {
    let world = World::new().await;
    let mut terraform = world.terraform(&orders("")).await;
    terraform.apply().await.ok();
    let before = terraform.state(ORDERS).await;
    terraform.set("ORBIT_TOKEN", &stranger(&world).await);
    let said = ["This token cannot see workspace payments-team", "Nothing was taken out of the state"];

    terraform.plan().await.fails(&said);
    terraform.apply().await.fails(&said);
    terraform.destroy().await.fails(&said);
    terraform.run(&["destroy", "-json", "-input=false", "-auto-approve", "-refresh=false"]).await.fails(&said);

    assert_eq!(terraform.state(ORDERS).await, before);
    terraform.set("ORBIT_TOKEN", &world.orbit.developer_token());
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await.len(), 1);
}
