//! The action that waits for people.

use crate::world::{World, orders, orders_with, says};
use orbit_api::{Action, RequestState, TopicSpec};
use serde_json::{Value, json};
use tfplugin::testing::Ran;

const WAIT: &str = "orbit_wait_for_approval";

/// A creation waits: request `req_1` of run `run-7`.
async fn waiting() -> World {
    let mut world = World::guarded().await;
    world.apply(&orders()).await.ok();
    world
}

/// Another run asks for more partitions, with the same token: request `req_2`.
fn asks_for_more(world: &World) {
    let spec = TopicSpec { partitions: Some(12), ..TopicSpec::default() };
    world.orbit().asked_elsewhere(Action::Create, &spec);
}

async fn invoke(world: &mut World, config: Value) -> Ran {
    world.terraform.invoke(WAIT, &config).await
}

#[tokio::test]
async fn checklist_41_an_action_ends_well_once_the_requests_of_its_run_are_approved() {
    let mut world = waiting().await;
    world.orbit().decides = Some(RequestState::Approved);
    let ran = invoke(&mut world, json!({})).await;
    assert_eq!(ran.errors(), Vec::<String>::new());
    let [waits, approved] = &ran.progress[..] else { panic!("{ran:?}") };
    assert!(waits.starts_with("Request req_1 waits for a person: https://orbit.example/requests/req_1"), "{waits}");
    assert_eq!(approved, "Request req_1 is approved.");
}

#[tokio::test]
async fn an_action_fails_on_what_is_refused_and_says_why() {
    let mut world = waiting().await;
    world.orbit().decides = Some(RequestState::Rejected);
    let ran = invoke(&mut world, json!({"requests": ["req_1"]})).await;
    says(&ran.errors(), &["Request req_1 is rejected by kim", "Reason: too big"]);
}

#[tokio::test]
async fn an_action_of_a_job_that_is_run_again_waits_for_what_it_asked_for_last() {
    let mut world = waiting().await;
    world.orbit().expire();
    says(&invoke(&mut world, json!({})).await.errors(), &["Request req_1 is expired"]);
    asks_for_more(&world);
    world.orbit().approve();
    let ran = invoke(&mut world, json!({})).await;
    assert_eq!((ran.errors(), ran.progress), (vec![], vec!["Request req_2 is approved.".to_owned()]));
}

#[tokio::test]
async fn an_action_does_not_take_the_approval_of_another_request_for_that_of_its_own() {
    let mut world = waiting().await;
    asks_for_more(&world);
    let ran = invoke(&mut world, json!({"requests": ["req_1"]})).await;
    says(&ran.errors(), &["Request req_1 is superseded", "request req_2 took its place"]);

    // Where the one that took its place is waited for too, that one counts.
    world.orbit().approve();
    let ran = invoke(&mut world, json!({"requests": ["req_1", "req_2"]})).await;
    assert_eq!((ran.errors(), ran.progress), (vec![], vec!["Request req_2 is approved.".to_owned()]));
}

#[tokio::test]
async fn an_action_waits_no_longer_than_it_is_told() {
    let mut world = waiting().await;
    let ran = invoke(&mut world, json!({"timeout": "1s"})).await;
    says(
        &ran.errors(),
        &["timeout:", "Not all requests are decided after 1 s", "https://orbit.example/requests/req_1"],
    );
    assert_eq!(world.orbit().requests[0].0.state, RequestState::Pending);
}

#[tokio::test]
async fn an_action_says_where_it_would_wait_for_nothing() {
    let mut world = World::new().await;
    world.apply(&orders_with(json!({"partitions": 2}))).await.ok();
    let ran = invoke(&mut world, json!({"run_id": "another"})).await;
    assert_eq!(ran.errors(), Vec::<String>::new());
    assert!(format!("{:?}", ran.diagnostics).contains("Run another has filed no request"), "{ran:?}");

    let ran = invoke(&mut world, json!({"run_id": "another", "requests": ["req_1"]})).await;
    says(&ran.errors(), &["run_id:", "Either requests or a run can be waited for"]);
}
