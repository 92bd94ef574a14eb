use crate::support::{Kafka, NO_ID, OwnKafka, Refused, configs, eventually, eventually_ok, only, plaintext, produce};
use futures::future::join_all;
use orbit_core::{
    model::cluster::Credentials,
    name::PhysicalName,
    ports::{KafkaAdmin, KafkaErrorKind, KafkaTopicId, NewTopic, TopicRef},
};
use orbit_kafka::{KafkaCluster, Request, RequestRate};
use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    time::{Duration, Instant},
};

#[tokio::test]
async fn a_new_topic_is_described_as_it_was_asked_for() {
    let kafka = Kafka::new();
    let wanted = NewTopic { configs: configs(&[("retention.ms", "60000")]), ..kafka.topic("orders") };

    let id = kafka.create(wanted.clone()).await.unwrap();

    kafka.settings_become(&wanted.name, &[("retention.ms", "60000")]).await;
    let topic = kafka.describe(&wanted.name).await.unwrap();
    assert_eq!(topic.id, id);
    assert_eq!((topic.partitions, topic.replication_factor), (3, 1));
}

#[tokio::test]
async fn a_topic_that_says_nothing_gets_the_clusters_defaults() {
    let kafka = Kafka::new();
    let cluster = kafka.orbit.cluster_describe().await.unwrap();
    let wanted = NewTopic { partitions: None, replication_factor: None, ..kafka.topic("plain") };

    kafka.create(wanted.clone()).await.unwrap();

    let topic = kafka.describe(&wanted.name).await.unwrap();
    assert_eq!(Some(topic.partitions), cluster.default_partitions);
    assert_eq!(Some(topic.replication_factor), cluster.default_replication_factor);
    assert_eq!(topic.configs, configs(&[]), "no setting is the topic's own, min.insync.replicas neither");
}

#[tokio::test]
async fn the_list_holds_what_was_created_with_its_size() {
    let kafka = Kafka::new();
    kafka.create(kafka.topic("a")).await.unwrap();
    kafka.create(NewTopic { partitions: Some(2), ..kafka.topic("b") }).await.unwrap();

    let ours = async || {
        let mut list = kafka.orbit.topics_list().await.unwrap();
        list.retain(|topic| topic.name.as_str().starts_with(kafka.prefix()));
        list
    };
    eventually("brokers show both", async || ours().await.len() == 2).await;
    let ours = ours().await;
    let sizes: Vec<_> = ours.iter().map(|t| (t.name.clone(), t.partitions, t.replication_factor)).collect();
    assert_eq!(sizes, [(kafka.name("a"), 3, 1), (kafka.name("b"), 2, 1)]);
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_apart_from_a_failure() {
    let kafka = Kafka::new();
    kafka.create(kafka.topic("orders")).await.unwrap();
    let again = kafka.create(kafka.topic("orders")).await;
    again.is(
        KafkaErrorKind::AlreadyExists,
        &format!("Topic \"{}\" already exists on the cluster.", kafka.name("orders")),
    );
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_none_and_cannot_be_deleted() {
    let kafka = Kafka::new();
    let ghost = kafka.name("ghost");
    assert_eq!(kafka.describe(&ghost).await, None);
    let text = format!("Topic \"{ghost}\" does not exist on the cluster.");
    kafka.delete(&ghost, NO_ID).await.is(KafkaErrorKind::NotFound, &text);
    kafka.orbit.topic_has_records(&ghost).await.is(KafkaErrorKind::NotFound, &text);
    kafka.orbit.partitions_grow(&ghost, 2).await.is(KafkaErrorKind::NotFound, &text);
    kafka.change(&ghost, &[("retention.ms", "1")], &[]).await.is(KafkaErrorKind::NotFound, &text);
}

#[tokio::test]
async fn asking_about_a_topic_creates_none_on_a_cluster_that_creates_what_is_asked_for() {
    let own = OwnKafka::start_with(&["auto.create.topics.enable=true"]);
    let cluster = KafkaCluster::connect(&plaintext(&own.internal), &Credentials::default()).unwrap();
    let ghost: PhysicalName = "ghost".parse().unwrap();

    assert_eq!(only(cluster.topics_describe(std::slice::from_ref(&ghost)).await).unwrap(), None);
    assert_eq!(cluster.topic_has_records(&ghost).await.unwrap_err().kind, KafkaErrorKind::NotFound);
    assert_eq!(cluster.partitions_grow(&ghost, 2).await.unwrap_err().kind, KafkaErrorKind::NotFound);
    let deleted = only(cluster.topics_delete(&[TopicRef { name: ghost.clone(), id: NO_ID }]).await);
    assert_eq!(deleted.unwrap_err().kind, KafkaErrorKind::NotFound);

    let there: Vec<String> = cluster.topics_list().await.unwrap().iter().map(|t| t.name.to_string()).collect();
    assert!(!there.contains(&"ghost".to_owned()), "{there:?}");
}

#[tokio::test]
async fn a_topic_deleted_and_created_again_has_another_id() {
    let kafka = Kafka::new();
    let first = kafka.create(kafka.topic("orders")).await.unwrap();
    let name = kafka.name("orders");
    eventually("it is there", async || kafka.describe(&name).await.is_some()).await;
    kafka.delete(&name, first).await.unwrap();
    eventually("the topic is gone", async || kafka.describe(&name).await.is_none()).await;
    let second = kafka.create(kafka.topic("orders")).await.unwrap();
    assert_ne!(first, second);

    // Somebody made it again, and it is not Orbit's to delete.
    kafka
        .delete(&name, first)
        .await
        .is(KafkaErrorKind::NotFound, &format!("Topic \"{name}\" does not exist on the cluster."));
    eventually("it is there", async || kafka.describe(&name).await.is_some_and(|topic| topic.id == second)).await;
}

#[tokio::test]
async fn partitions_grow_and_growing_again_is_fine_and_shrinking_is_not() {
    let kafka = Kafka::new();
    let name = kafka.name("orders");
    kafka.create(kafka.topic("orders")).await.unwrap();

    kafka.orbit.partitions_grow(&name, 5).await.unwrap();
    eventually("it has five", async || kafka.describe(&name).await.is_some_and(|t| t.partitions == 5)).await;
    kafka.orbit.partitions_grow(&name, 5).await.unwrap();
    let shrunk = kafka.orbit.partitions_grow(&name, 4).await;
    shrunk.is(
        KafkaErrorKind::Invalid,
        &format!("Kafka refuses to add partitions to topic \"{name}\": The topic {name} currently has 5 partition(s); 4 would not be an increase."),
    );
}

#[tokio::test]
async fn more_replicas_than_brokers_are_refused_in_kafkas_words() {
    let kafka = Kafka::new();
    let brokers = u16::try_from(kafka.orbit.cluster_describe().await.unwrap().brokers).unwrap();
    let name = kafka.name("wide");
    let wanted = NewTopic { replication_factor: Some(brokers + 2), ..kafka.topic("wide") };

    let error = kafka.create(wanted).await.unwrap_err();

    assert_eq!(error.kind, KafkaErrorKind::Invalid);
    let start =
        format!("Kafka refuses to create topic \"{name}\": Unable to replicate the partition {} time(s)", brokers + 2);
    assert!(error.user.starts_with(&start), "{}", error.user);
    assert_eq!(kafka.describe(&name).await, None);
}

#[tokio::test]
async fn a_topic_has_records_once_one_was_written() {
    let kafka = Kafka::new();
    let name = kafka.name("orders");
    kafka.create(kafka.topic("orders")).await.unwrap();
    let has_records =
        eventually_ok("its partitions have leaders", async || kafka.orbit.topic_has_records(&name).await).await;
    assert!(!has_records);
    produce(&name).await;
    eventually("the record shows", async || kafka.orbit.topic_has_records(&name).await == Ok(true)).await;
}

#[tokio::test]
async fn a_bulk_call_answers_each_item_in_its_place() {
    let kafka = Kafka::new();
    let bad = NewTopic { configs: configs(&[("retention.mss", "1")]), ..kafka.topic("bad") };
    let huge = NewTopic { partitions: Some(u32::MAX), ..kafka.topic("huge") };
    let torn = NewTopic { configs: configs(&[("retention.ms", "1\0")]), ..kafka.topic("torn") };

    let topics = [kafka.topic("a"), bad, kafka.topic("b"), huge, torn, kafka.topic("a")];
    let answers = kafka.orbit.topics_create(&topics).await.unwrap();

    let kinds: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(|error| error.kind).map(|_| ())).collect();
    let invalid = Err(KafkaErrorKind::Invalid);
    assert_eq!(kinds, [Ok(()), invalid, Ok(()), invalid, invalid, Err(KafkaErrorKind::AlreadyExists)]);
    let names = ["b", "ghost", "a", "b"].map(|name| kafka.name(name));
    let described = kafka.orbit.topics_describe(&names).await.unwrap();
    let ids: Vec<_> = described.into_iter().map(|topic| topic.unwrap().map(|topic| topic.id)).collect();
    let id = |at: usize| Some(*answers[at].as_ref().unwrap());
    assert_eq!(ids, [id(2), None, id(0), id(2)]);
    let of = |name: &str, id: Option<KafkaTopicId>| TopicRef { name: kafka.name(name), id: id.unwrap_or(NO_ID) };
    let gone = kafka.orbit.topics_delete(&[of("a", id(0)), of("ghost", None), of("b", id(2))]).await.unwrap();
    let gone: Vec<_> = gone.into_iter().map(|answer| answer.map_err(|error| error.kind)).collect();
    assert_eq!(gone, [Ok(()), Err(KafkaErrorKind::NotFound), Ok(())]);
}

#[tokio::test]
async fn hundreds_of_topics_go_in_few_requests() {
    let kafka = Kafka::new();
    let topics: Vec<_> =
        (0..300).map(|n| NewTopic { partitions: Some(1), ..kafka.topic(&format!("t{n:03}")) }).collect();
    let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();

    let made: Vec<_> = kafka.orbit.topics_create(&topics).await.unwrap().into_iter().map(Result::unwrap).collect();

    let ids: BTreeSet<_> = made.iter().copied().collect();
    assert_eq!(ids.len(), 300);
    assert_eq!(kafka.orbit.sent(Request::CreateTopics), 2);
    eventually("brokers show them", async || kafka.describe(&names[299]).await.is_some()).await;
    let begun = Instant::now();
    let described = kafka.orbit.topics_describe(&names).await.unwrap();
    println!("300 topics described in {:?}", begun.elapsed());
    assert!(described.into_iter().all(|topic| ids.contains(&topic.unwrap().unwrap().id)));
    let made: Vec<_> = names.into_iter().zip(made).map(|(name, id)| TopicRef { name, id }).collect();
    assert!(kafka.orbit.topics_delete(&made).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(kafka.orbit.sent(Request::DeleteTopics), 2);
}

#[tokio::test]
async fn creations_that_come_together_are_a_few_requests_and_a_bad_one_fails_alone() {
    const TOPICS: usize = 300;
    const BAD: usize = 150;
    // One of its own: so many at once hold others up.
    let own = OwnKafka::start();
    let cluster = KafkaCluster::connect(&plaintext(&own.internal), &Credentials::default()).unwrap();
    let topic = |n: usize| NewTopic {
        name: format!("t{n:04}").parse().unwrap(),
        partitions: Some(1),
        replication_factor: Some(1),
        configs: if n == BAD { configs(&[("retention.mss", "1")]) } else { configs(&[]) },
    };
    let create = async |n: usize| loop {
        match only(cluster.topics_create(&[topic(n)]).await) {
            // Held back for long on a busy machine: nothing was sent, and whoever asks comes back.
            Err(error) if error.kind == KafkaErrorKind::Busy => {}
            answer => return answer,
        }
    };
    let made = join_all((0..TOPICS).map(create)).await;

    let failed: Vec<usize> = (0..TOPICS).filter(|n| made[*n].is_err()).collect();
    assert_eq!(failed, [BAD], "{:?}", failed.first().map(|n| &made[*n]));
    assert_eq!(made[BAD].as_ref().unwrap_err().kind, KafkaErrorKind::Invalid);
    let requests = cluster.sent(Request::CreateTopics);
    assert!((2..=20).contains(&requests), "{requests} requests");
}

#[tokio::test]
async fn a_rate_of_requests_holds_and_gathers_what_comes_beyond() {
    let kafka = Kafka::new();
    kafka.orbit.cluster_describe().await.unwrap();
    let one = |n| NonZeroU32::new(n).unwrap();
    let slow = kafka.orbit.clone().at_rate(RequestRate { per_second: one(2), burst: one(1) });
    let topic = |n: usize| NewTopic { partitions: Some(1), ..kafka.topic(&format!("t{n}")) };
    let begun = Instant::now();
    let first = slow.topics_create(&[topic(0)]).await.unwrap();
    let rest = join_all((1..20).map(|n| {
        let (slow, topic) = (slow.clone(), topic(n));
        async move { slow.topics_create(&[topic]).await }
    }))
    .await;

    assert!(first[0].is_ok() && rest.iter().all(|made| matches!(made.as_deref(), Ok([Ok(_)]))), "{rest:?}");
    assert!(begun.elapsed() >= Duration::from_millis(500), "the second request waits for its turn");
    assert!(slow.sent(Request::CreateTopics) <= 3, "{}", slow.sent(Request::CreateTopics));
}

#[tokio::test]
async fn nothing_asked_is_nothing_sent() {
    let kafka = Kafka::new();
    assert_eq!(kafka.orbit.topics_create(&[]).await, Ok(Vec::new()));
    assert_eq!(kafka.orbit.topics_describe(&[]).await, Ok(Vec::new()));
    assert_eq!(kafka.orbit.topics_delete(&[]).await, Ok(Vec::new()));
}

/// Prints what the adapter adds to Kafka's own time; the bound is loose, since the machine may be busy.
#[tokio::test]
async fn creating_a_topic_and_learning_its_id_is_quick() {
    let kafka = Kafka::new();
    kafka.orbit.cluster_describe().await.unwrap();
    let mut times = Vec::new();
    for n in 0..40 {
        let topic = NewTopic { partitions: Some(1), ..kafka.topic(&format!("t{n}")) };
        let begun = Instant::now();
        only(kafka.orbit.topics_create(&[topic]).await).unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("create to id: p50 {:?}, p95 {:?}, max {:?}", times[20], times[38], times[39]);
    assert!(times[20] < Duration::from_millis(500), "p50 {:?}", times[20]);
}
