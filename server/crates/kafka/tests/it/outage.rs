use crate::support::{OwnKafka, eventually_ok, only, plaintext};
use orbit_core::{
    model::cluster::Credentials,
    name::PhysicalName,
    ports::{KafkaAdmin, KafkaErrorKind, NewTopic, TopicRef},
};
use orbit_kafka::KafkaCluster;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_cluster_that_crashes_is_unreachable_and_found_again_by_the_same_client() {
    let own = OwnKafka::start();
    let cluster = KafkaCluster::connect(&plaintext(&own.internal), &Credentials::default()).unwrap();
    let name: PhysicalName = "orders".parse().unwrap();
    let topic = NewTopic { name: name.clone(), partitions: Some(1), replication_factor: Some(1), configs: [].into() };
    let id = only(cluster.topics_create(std::slice::from_ref(&topic)).await).unwrap();

    let made = [TopicRef { name: name.clone(), id }];

    own.crash();
    let begun = Instant::now();
    let (described, deleted) =
        tokio::join!(cluster.topics_describe(std::slice::from_ref(&name)), cluster.topics_delete(&made));
    assert_eq!(described.unwrap_err().kind, KafkaErrorKind::Unreachable);
    // What is written while the broker dies may have been read; the next try finds nobody.
    let (first, second) = (only(deleted).unwrap_err(), only(cluster.topics_delete(&made).await).unwrap_err());
    assert!(matches!(first.kind, KafkaErrorKind::Unreachable | KafkaErrorKind::Passing), "{}", first.operator);
    assert_eq!(second.kind, KafkaErrorKind::Unreachable, "{}", second.operator);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());

    own.again();
    let begun = Instant::now();
    let found = eventually_ok("the client is connected again", async || {
        cluster.topics_describe(std::slice::from_ref(&name)).await
    })
    .await;
    println!("found again after {:?}", begun.elapsed());
    assert_eq!(only(Ok(found)).unwrap().unwrap().id, id);
    only(cluster.topics_delete(&made).await).unwrap();
}
