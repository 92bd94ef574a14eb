//! Many people at once, on few topics, with a cluster that stumbles: nothing fails inside Orbit, and in the end both sides agree.

use crate::support::{Person, TestApp, on_both, until};
use orbit_core::{
    ports::KafkaErrorKind,
    testing::{At, Fault, Method},
};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both!(a_busy_hour);

const PEOPLE: usize = 6;
const DEEDS: usize = 40;
const NAMES: [&str; 5] = ["a.b", "a_b", "c", "d", "e"];

/// The next of a row of numbers that looks random and is the same each time.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

async fn deed(who: &Person, admin: &Person, seed: &mut u64) -> u16 {
    let (name, prod) = (NAMES[next(seed) % NAMES.len()], next(seed).is_multiple_of(3));
    let topic = if prod { who.topic(name).in_prod() } else { who.topic(name) };
    let partitions = u32::try_from(next(seed) % 4 + 1).unwrap();
    let answer = match next(seed) % 9 {
        0..=2 => topic.partitions(partitions).create().await,
        3 => topic.patch(json!({ "partitions": partitions + 4 })).await,
        4 => topic.patch(json!({ "retention_ms": partitions * 1000, "description": "x" })).await,
        5 => topic.delete().await,
        6 => topic.fresh().await,
        7 => topic.evaluate("create").await,
        _ => {
            let open = admin.get("/v1/requests?state=pending&limit=1").await;
            match open.ok().body.pointer("/items/0/id").and_then(Value::as_str) {
                Some(id) if next(seed).is_multiple_of(3) => admin.reject(id, "no").await,
                Some(id) => admin.approve(id).await,
                None => open,
            }
        }
    };
    assert!(answer.status < 500, "{}", answer.raw);
    answer.status
}

async fn a_busy_hour(orbit: TestApp) {
    let other = orbit.replica(&|_| {}).await;
    let root = orbit.root();
    let kafka = orbit.main().kafka;
    for n in 0..12 {
        let method = [Method::TopicsCreate, Method::ConfigsChange, Method::TopicsDelete, Method::PartitionsGrow][n % 4];
        // A cluster that adds partitions and says that it refused leaves drift: partitions cannot be taken back. One that refuses to delete what
        // is taken back leaves it stuck, for a person.
        let fatal = n % 3 == 0 && !matches!(method, Method::PartitionsGrow | Method::TopicsDelete);
        let kind = if fatal { KafkaErrorKind::Invalid } else { KafkaErrorKind::Passing };
        kafka.fault_once(At::Nth(method, n), if n % 2 == 0 { Fault::FailBefore(kind) } else { Fault::FailAfter(kind) });
    }
    let mut people = Vec::new();
    for i in 0..PEOPLE {
        let role = if i == 0 { Role::Admin } else { Role::Member };
        let person = orbit.person(&format!("p{i}"), role, "payments").await;
        people.push(if i % 2 == 0 { person } else { person.on(&other) });
    }
    let at_it = people.into_iter().enumerate().map(|(i, person)| {
        let admin = if i % 2 == 0 { root.on(&other) } else { root.clone() };
        tokio::spawn(async move {
            let mut seed = u64::try_from(i).unwrap() + 11;
            let mut statuses = BTreeSet::new();
            for _ in 0..DEEDS {
                statuses.insert(deed(&person, &admin, &mut seed).await);
            }
            statuses
        })
    });
    let mut statuses = BTreeSet::new();
    for person in at_it.collect::<Vec<_>>() {
        statuses.extend(person.await.unwrap());
    }
    assert!(statuses.is_superset(&BTreeSet::from([200, 202, 409])), "it was busy: {statuses:?}");

    until("nothing is under way", async || {
        let open = orbit.texts("SELECT state FROM operation WHERE finished_at IS NULL").await;
        open.is_empty().then_some(())
    })
    .await;
    let topics = root.all("/v1/topics?observe=fresh", 500).await;
    let on_cluster: BTreeSet<_> = kafka.snapshot().into_keys().map(|name| name.to_string()).collect();
    let active = topics.iter().filter(|t| t["status"] == "active");
    let active: BTreeSet<_> = active.map(|t| t["physical_name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(active, on_cluster, "what is active is there, and nothing else is: {topics:?}");
    for topic in &topics {
        assert_eq!(topic["drift"], json!([]), "{topic}");
        assert!(
            ["active", "pending-approval", "failed", "rejected", "withdrawn"]
                .contains(&topic["status"].as_str().unwrap())
        );
    }
    let locks = orbit.texts("SELECT r.state FROM object_lock l JOIN request r ON r.id = l.request_id").await;
    assert!(locks.iter().all(|state| state == "pending"), "only what waits for a person is held: {locks:?}");
    assert_eq!(orbit.main().most_at_once(), 1);
    other.stop().await;
}
