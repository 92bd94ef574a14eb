use crate::support::{Kafka, Refused, configs};
use orbit_core::ports::{KafkaAdmin, KafkaErrorKind, NewTopic};

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let kafka = Kafka::new();
    let own = configs(&[("retention.ms", "60000"), ("cleanup.policy", "compact")]);
    let wanted = NewTopic { configs: own, ..kafka.topic("orders") };
    kafka.create(wanted.clone()).await.unwrap();

    kafka.change(&wanted.name, &[("segment.bytes", "1048576")], &[]).await.unwrap();

    let all = [("retention.ms", "60000"), ("cleanup.policy", "compact"), ("segment.bytes", "1048576")];
    kafka.settings_become(&wanted.name, &all).await;
}

#[tokio::test]
async fn a_setting_that_is_unset_returns_to_the_default() {
    let kafka = Kafka::new();
    let own = configs(&[("retention.ms", "60000"), ("cleanup.policy", "compact")]);
    let wanted = NewTopic { configs: own, ..kafka.topic("orders") };
    kafka.create(wanted.clone()).await.unwrap();

    kafka.change(&wanted.name, &[("cleanup.policy", "delete")], &["retention.ms"]).await.unwrap();
    kafka.change(&wanted.name, &[], &["retention.ms", "flush.ms"]).await.unwrap();

    kafka.settings_become(&wanted.name, &[("cleanup.policy", "delete")]).await;
}

#[tokio::test]
async fn a_change_of_nothing_changes_nothing() {
    let kafka = Kafka::new();
    let wanted = NewTopic { configs: configs(&[("retention.ms", "60000")]), ..kafka.topic("orders") };
    kafka.create(wanted.clone()).await.unwrap();
    kafka.change(&wanted.name, &[], &[]).await.unwrap();
    kafka.settings_become(&wanted.name, &[("retention.ms", "60000")]).await;
}

#[tokio::test]
async fn an_unknown_setting_is_named_in_kafkas_words() {
    let kafka = Kafka::new();
    let name = kafka.name("orders");
    let wrong = NewTopic { configs: configs(&[("retention.mss", "1")]), ..kafka.topic("orders") };
    kafka.create(wrong).await.is(
        KafkaErrorKind::Invalid,
        &format!("Kafka refuses to create topic \"{name}\": Unknown topic config name: retention.mss."),
    );
    kafka.create(kafka.topic("orders")).await.unwrap();
    kafka.change(&name, &[("retention.mss", "1")], &[]).await.is(
        KafkaErrorKind::Invalid,
        &format!("Kafka refuses to change the settings of topic \"{name}\": Unknown topic config name: retention.mss."),
    );
}

#[tokio::test]
async fn a_value_that_is_not_allowed_is_named_in_kafkas_words_and_changes_nothing() {
    let kafka = Kafka::new();
    let wanted = NewTopic { configs: configs(&[("retention.ms", "60000")]), ..kafka.topic("orders") };
    kafka.create(wanted.clone()).await.unwrap();

    let changed = kafka.change(&wanted.name, &[("segment.bytes", "1048576"), ("cleanup.policy", "shred")], &[]).await;

    let error = changed.unwrap_err();
    assert_eq!(error.kind, KafkaErrorKind::Invalid);
    assert!(error.user.contains("Invalid value shred for configuration cleanup.policy"), "{}", error.user);
    kafka.settings_become(&wanted.name, &[("retention.ms", "60000")]).await;
}

#[tokio::test]
async fn the_cluster_tells_what_a_topic_gets_that_does_not_say() {
    let kafka = Kafka::new();
    let own = configs(&[("retention.ms", "60000"), ("max.message.bytes", "2000")]);
    kafka.create(NewTopic { configs: own, ..kafka.topic("aaa") }).await.unwrap();

    let cluster = kafka.orbit.cluster_describe().await.unwrap();

    assert!(cluster.kafka_cluster_id.is_some());
    assert!(cluster.brokers >= 1);
    assert!(cluster.default_partitions.is_some() && cluster.default_replication_factor.is_some());
    let default = |key: &str| cluster.topic_defaults.get(key).map(String::as_str);
    assert_eq!(default("retention.ms"), Some("604800000"), "from log.retention.hours, and from no topic's own");
    assert_eq!(default("max.message.bytes"), Some("1048588"));
    assert_eq!(default("cleanup.policy"), Some("delete"));
    assert!(cluster.topic_defaults.len() > 30, "every setting is a key: {:?}", cluster.topic_defaults.keys());
}
