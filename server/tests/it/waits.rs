//! Long polls: answered with the news, or when their time is up.

use crate::support::{Person, TestApp, on_both, on_sqlite};
use serde_json::json;
use std::time::{Duration, Instant};

on_both!(
    a_wait_ends_with_the_operation,
    a_creation_that_is_waited_for_is_answered_once_it_is_over,
    a_wait_ends_with_the_decision,
    news_of_another_replica_come_too,
);
on_sqlite!(a_wait_ends_with_its_time);

/// Far below what is waited for at most, far above what a loaded machine takes.
const PROMPT: Duration = Duration::from_secs(10);

fn waiting(who: &Person, path: String) -> tokio::task::JoinHandle<crate::support::Answer> {
    let who = who.clone();
    tokio::spawn(async move { who.get(&path).await })
}

async fn a_wait_ends_with_the_operation(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.main().hold();
    let created = dev.topic("orders").create().await;
    let waits = waiting(&dev, format!("/v1/operations/{}?wait=25s", created.operation_id()));
    crate::support::until("the step has begun", async || (orbit.main().waiting() == 1).then_some(())).await;
    assert!(!waits.is_finished());
    let released = Instant::now();

    orbit.main().release();

    assert_eq!(waits.await.unwrap().text("/state"), "succeeded");
    assert!(released.elapsed() < PROMPT);
}

async fn a_creation_that_is_waited_for_is_answered_once_it_is_over(orbit: TestApp) {
    let dev = orbit.dev().await;
    let create = |environment: &str, name: &str| {
        let topic = json!({ "workspace": "payments", "environment": environment, "name": name, "partitions": 3 });
        dev.post("/v1/topics?wait=25s", topic)
    };
    let made = create("dev", "orders").await;
    assert_eq!(made.created().text("/status"), "active");
    let again = create("dev", "orders").await;
    assert_eq!(again.created().id(), made.id(), "it is a lost reply still");

    // A person may take days: no reason to wait.
    let began = Instant::now();
    assert_eq!(create("prod", "orders").await.accepted().text("/status"), "pending-approval");
    assert!(began.elapsed() < PROMPT);

    orbit.main().hold();
    let topic = json!({ "workspace": "payments", "environment": "dev", "name": "slow", "partitions": 3 });
    let slow = dev.post("/v1/topics?wait=1s", topic).await;
    assert_eq!(slow.accepted().text("/status"), "provisioning", "its time is up");
    orbit.main().release();
    dev.post("/v1/topics?wait=soon", json!({})).await.problem(422, "invalid");
}

async fn a_wait_ends_with_the_decision(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let waits = [1, 2, 3].map(|_| waiting(&dev, format!("/v1/requests/{id}?wait=25")));
    let decided = Instant::now();
    root.reject(&id, "no").await.ok();
    for wait in waits {
        assert_eq!(wait.await.unwrap().text("/state"), "rejected");
    }
    assert!(decided.elapsed() < PROMPT);
}

async fn news_of_another_replica_come_too(orbit: TestApp) {
    let other = orbit.replica(&|_| {}).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let waits = waiting(&dev.on(&other), format!("/v1/requests/{id}?wait=25s"));
    let decided = Instant::now();
    root.approve(&id).await.ok();
    assert_eq!(waits.await.unwrap().text("/state"), "approved");
    assert!(decided.elapsed() < PROMPT);
    dev.on(&other).topic("orders").in_prod().active().await;
    other.stop().await;
}

async fn a_wait_ends_with_its_time(orbit: TestApp) {
    let dev = orbit.dev().await;
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let began = Instant::now();
    let waited = dev.get(&format!("/v1/requests/{id}?wait=1s")).await;
    assert_eq!(waited.ok().text("/state"), "pending");
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < PROMPT);
    let began = Instant::now();
    dev.request(&id).await.ok();
    assert!(began.elapsed() < PROMPT, "without a wait it is answered at once");
}
