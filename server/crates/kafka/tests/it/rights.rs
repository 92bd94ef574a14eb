use crate::support::{Kafka, Refused, as_user, eventually, eventually_ok, grant, new_user, only};
use orbit_core::{
    name::PhysicalName,
    ports::{ConfigChange, ConnectionPart, KafkaAdmin, KafkaErrorKind},
};
use orbit_kafka::{KafkaCluster, check};

const PASSWORD: &str = "a-password";

/// The rights that docs/connecting-a-cluster.md asks for.
const ON_TOPICS: [&str; 6] = ["Create", "Delete", "Describe", "DescribeConfigs", "Alter", "AlterConfigs"];
const ON_CLUSTER: [&str; 2] = ["Describe", "DescribeConfigs"];

/// A user of this test alone, named by its prefix.
fn user(kafka: &Kafka) -> String {
    let user = kafka.prefix().trim_end_matches('.').to_owned();
    new_user(&user, PASSWORD);
    user
}

#[tokio::test]
async fn a_user_without_rights_is_told_which_are_missing_until_none_is() {
    let kafka = Kafka::new();
    let user = user(&kafka);
    let (connection, credentials) = as_user(&user, PASSWORD);

    let failure = check(&connection, &credentials).await.unwrap_err();
    println!("{}", failure.user);
    assert_eq!(failure.part, ConnectionPart::Rights);
    assert_eq!(
        failure.user,
        "Orbit's principal lacks Describe, DescribeConfigs on the cluster; Create, Delete, Alter, AlterConfigs, Describe, DescribeConfigs on topics: grant it, see docs/connecting-a-cluster.md."
    );

    grant(&user, &ON_CLUSTER, &["--cluster"]);
    grant(&user, &["Describe", "DescribeConfigs", "Alter", "AlterConfigs", "Delete"], &["--topic", "*"]);
    eventually("only one is missing", async || {
        check(&connection, &credentials).await.is_err_and(|failure| failure.user.contains("lacks Create on topics:"))
    })
    .await;

    grant(&user, &ON_TOPICS, &["--topic", "*"]);
    let described = eventually_ok("nothing is missing", async || check(&connection, &credentials).await).await;
    assert_eq!(described.kafka_cluster_id, kafka.orbit.cluster_describe().await.unwrap().kafka_cluster_id);
}

#[tokio::test]
async fn the_right_to_create_may_be_on_the_cluster() {
    let kafka = Kafka::new();
    let user = user(&kafka);
    let (connection, credentials) = as_user(&user, PASSWORD);
    grant(&user, &["Create", "Describe", "DescribeConfigs"], &["--cluster"]);
    grant(&user, &ON_TOPICS[1..], &["--topic", "*"]);
    eventually_ok("nothing is missing", async || check(&connection, &credentials).await).await;
}

#[tokio::test]
async fn each_call_that_is_forbidden_names_its_right_and_topic() {
    let kafka = Kafka::new();
    let user = user(&kafka);
    let (connection, credentials) = as_user(&user, PASSWORD);
    let theirs = KafkaCluster::connect(&connection, &credentials).unwrap();
    let name: PhysicalName = kafka.name("orders");
    let made = kafka.made("orders").await;
    let lacks = |right: &str| {
        format!("Orbit's principal lacks {right} on topic \"{name}\": grant it, see docs/connecting-a-cluster.md.")
    };

    let created = only(theirs.topics_create(&[kafka.topic("orders")]).await);
    let text = lacks("Create").replace(": grant", " (or on the cluster): grant");
    created.is(KafkaErrorKind::Forbidden, &text);
    let names = std::slice::from_ref(&name);
    only(theirs.topics_describe(names).await).is(KafkaErrorKind::Forbidden, &lacks("Describe"));
    theirs.topic_has_records(&name).await.is(KafkaErrorKind::Forbidden, &lacks("Describe"));
    theirs.partitions_grow(&name, 9).await.is(KafkaErrorKind::Forbidden, &lacks("Alter"));
    let change =
        ConfigChange { name: name.clone(), set: [("retention.ms".to_owned(), "1".to_owned())].into(), unset: vec![] };
    only(theirs.configs_change(&[change]).await).is(KafkaErrorKind::Forbidden, &lacks("AlterConfigs"));
    only(theirs.topics_delete(&[made]).await).is(KafkaErrorKind::Forbidden, &lacks("Delete"));
    let listed = theirs.topics_list().await.unwrap();
    assert!(listed.is_empty(), "a list holds what the principal may see: {listed:?}");
    let described = theirs.cluster_describe().await.unwrap();
    assert_eq!(described.default_partitions, None, "broker settings may not be read, and are not needed to go on");
    assert!(kafka.describe(&name).await.is_some());
}
