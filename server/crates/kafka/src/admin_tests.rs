use super::*;

fn name() -> PhysicalName {
    "orders".parse().unwrap()
}
const TOPIC: TopicPartitions = TopicPartitions { id: 7, partitions: 3, replication_factor: 1 };

fn refused(code: C) -> Refusal {
    Refusal::new(code, "")
}

#[test]
fn a_topic_that_is_not_there_is_none() {
    let unknown = refused(C::UnknownTopicOrPartition);
    assert_eq!(description(&name(), Some(&Err(unknown.clone())), Some(&Err(unknown))), Ok(None));
}

#[test]
fn a_topic_that_brokers_disagree_on_is_looked_at_again() {
    let settings = Err(refused(C::UnknownTopicOrPartition));
    let error = description(&name(), Some(&Ok(TOPIC)), Some(&settings)).unwrap_err();
    assert_eq!(error.kind, KafkaErrorKind::Passing);
}

#[test]
fn a_cluster_without_topic_ids_is_refused_in_words() {
    let error = description(&name(), Some(&Ok(TopicPartitions { id: 0, ..TOPIC })), Some(&Ok(Vec::new()))).unwrap_err();
    assert_eq!(error.kind, KafkaErrorKind::Invalid);
    assert!(error.user.contains("gives topics no id"), "{}", error.user);
}

#[test]
fn an_item_without_an_answer_is_asked_again() {
    assert_eq!(description(&name(), None, None).unwrap_err().kind, KafkaErrorKind::Passing);
    assert_eq!(description(&name(), Some(&Ok(TOPIC)), None).unwrap_err().kind, KafkaErrorKind::Passing);
}
