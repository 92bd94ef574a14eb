//! The fakes themselves: a cluster that answers as Kafka does, a journal that holds as the database does.

use orbit_core::{
    id::{ClusterId, OperationId},
    model::topic::TopicSpec,
    name::PhysicalName,
    ports::{
        Clusters, ConfigChange, Item, KafkaAdmin,
        KafkaErrorKind::{self, AlreadyExists, Forbidden, Invalid, NotFound, Passing, Unreachable},
        NewTopic, TopicRef,
    },
    testing::{
        At, Crash, FakeClusters, FakeKafka, Fault, MemoryJournal, Method, SequentialIds, World, paused, scenario::NAME,
    },
    workflow::{Journal, JournalError, OperationState, Saga, Save},
};
use std::{collections::BTreeMap, time::Duration};

fn named(name: &str) -> PhysicalName {
    name.parse().unwrap()
}

fn new(name: &str) -> NewTopic {
    NewTopic { name: named(name), partitions: None, replication_factor: None, configs: BTreeMap::new() }
}

fn with_config(key: &str, value: &str) -> NewTopic {
    NewTopic { configs: [(key.to_owned(), value.to_owned())].into(), ..new("a") }
}

/// `ok`, or the kind of refusal.
fn kind<T>(item: &Item<T>) -> Result<(), KafkaErrorKind> {
    item.as_ref().map(|_| ()).map_err(|e| e.kind)
}

async fn create(kafka: &FakeKafka, topic: NewTopic) -> Result<(), KafkaErrorKind> {
    kind(&kafka.topics_create(&[topic]).await.unwrap()[0])
}

#[test]
fn creating_answers_as_kafka_does() {
    paused(async {
        let kafka = FakeKafka::new().with_brokers(2).with_defaults(4, 2).with_setting("confluent.tier.enable", "false");
        assert_eq!(create(&kafka, new("a.b")).await, Ok(()));
        let made = kafka.topic("a.b").unwrap();
        assert_eq!((made.partitions, made.replication_factor), (4, 2));
        let again = kafka.topics_create(&[new("a.b"), new("a_b")]).await.unwrap();
        assert_eq!(again.iter().map(kind).collect::<Vec<_>>(), [Err(AlreadyExists), Err(Invalid)]);
        let of = |partitions, replication_factor| NewTopic { partitions, replication_factor, ..new("b") };
        assert_eq!(create(&kafka, of(Some(0), None)).await, Err(Invalid));
        assert_eq!(create(&kafka, of(None, Some(3))).await, Err(Invalid));
        assert_eq!(create(&kafka, of(None, Some(0))).await, Err(Invalid));
        assert_eq!(create(&kafka, with_config("retention.mss", "1")).await, Err(Invalid));
        assert_eq!(create(&kafka, with_config("retention.ms", "ever")).await, Err(Invalid));
        assert_eq!(create(&kafka, with_config("confluent.tier.enable", "true")).await, Ok(()));
    });
}

#[test]
fn changing_and_growing_and_deleting_answer_as_kafka_does() {
    paused(async {
        let kafka = FakeKafka::new();
        kafka.put("a", 3, &[("retention.ms", "1"), ("segment.ms", "2")]);
        let change = |name: &str, set: &str, unset: &str| ConfigChange {
            name: named(name),
            set: [(set.to_owned(), "7".to_owned())].into(),
            unset: vec![unset.to_owned()],
        };
        let changes = [change("a", "flush.ms", "segment.ms"), change("b", "flush.ms", ""), change("a", "flash.ms", "")];
        let answers = kafka.configs_change(&changes).await.unwrap();
        let kinds: Vec<_> = answers.iter().map(kind).collect();
        assert_eq!(kinds, [Ok(()), Err(NotFound), Err(Invalid)]);
        let configs = kafka.topic("a").unwrap().configs;
        assert_eq!(
            configs.into_iter().collect::<Vec<_>>(),
            [("flush.ms".into(), "7".into()), ("retention.ms".into(), "1".into())]
        );

        assert_eq!(kind(&kafka.partitions_grow(&named("a"), 3).await), Ok(()));
        assert_eq!(kind(&kafka.partitions_grow(&named("a"), 2).await), Err(Invalid));
        assert_eq!(kind(&kafka.partitions_grow(&named("b"), 2).await), Err(NotFound));

        assert_eq!(kafka.topic_has_records(&named("a")).await, Ok(false));
        kafka.write_record("a");
        assert_eq!(kafka.topic_has_records(&named("a")).await, Ok(true));
        assert_eq!(kind(&kafka.topic_has_records(&named("b")).await), Err(NotFound));

        let id = kafka.topic("a").unwrap().id;
        let (there, gone) = (TopicRef { name: named("a"), id }, TopicRef { name: named("b"), id });
        let deleted = kafka.topics_delete(&[there, gone]).await.unwrap();
        assert_eq!(deleted.iter().map(kind).collect::<Vec<_>>(), [Ok(()), Err(NotFound)]);
        assert!(kafka.deleted()[0].1.records);
        let seen = kafka.topics_describe(&[named("a")]).await.unwrap();
        assert_eq!(seen, [Ok(None)]);
    });
}

#[test]
fn a_topic_made_anew_has_another_id_and_no_records() {
    let kafka = FakeKafka::new();
    let first = kafka.put("a", 3, &[]);
    kafka.write_record("a");
    let second = kafka.recreate("a");
    assert_ne!(first, second);
    let topic = kafka.topic("a").unwrap();
    assert_eq!((topic.id, topic.partitions, topic.records), (second, 3, false));
}

#[test]
fn faults_strike_where_they_were_laid() {
    paused(async {
        let kafka = FakeKafka::new();
        kafka.fault_once(1, Fault::FailBefore(Passing));
        kafka.fault_once(At::Nth(Method::TopicsList, 1), Fault::FailAfter(Forbidden));
        kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Passing));

        assert!(kafka.topics_list().await.is_ok());
        assert_eq!(kafka.cluster_describe().await.unwrap_err().kind, Passing);
        assert_eq!(kafka.topics_list().await.unwrap_err().kind, Forbidden);
        assert_eq!(create(&kafka, new("a")).await, Err(Passing));
        assert!(kafka.topic("a").is_some(), "it failed after it was done");
        assert_eq!(kafka.faults_met(), 3);

        kafka.go_down();
        let refused = kafka.topics_create(&[new("b"), new("c")]).await;
        assert_eq!(refused.unwrap_err().kind, Unreachable, "nothing was sent: one error for all");
        kafka.heal();
        assert_eq!(create(&kafka, new("b")).await, Ok(()));

        let methods: Vec<_> = kafka.calls().into_iter().map(|call| call.method).collect();
        assert_eq!(methods.len(), 6);
        assert_eq!(kafka.calls_of(Method::TopicsCreate), 3);
        kafka.forget_calls();
        assert!(kafka.calls().is_empty());
    });
}

#[test]
fn a_hang_does_nothing_and_a_lost_reply_hides_what_was_done() {
    paused(async {
        let kafka = FakeKafka::new();
        kafka.fault_once(0, Fault::Hang);
        kafka.fault_once(1, Fault::LoseReply);
        let ten_seconds = Duration::from_secs(10);
        for done in [false, true] {
            let answer = tokio::time::timeout(ten_seconds, kafka.topics_create(&[new("a")])).await;
            assert!(answer.is_err(), "no answer comes");
            assert_eq!(kafka.topic("a").is_some(), done);
        }
    });
}

#[test]
fn others_act_just_before_a_call() {
    paused(async {
        let kafka = FakeKafka::new();
        kafka.before_once(Method::TopicsCreate, |kafka| {
            kafka.put("a", 1, &[]);
        });
        assert_eq!(create(&kafka, new("a")).await, Err(AlreadyExists));
        assert_eq!(kafka.made("a"), 0);
    });
}

#[test]
fn clusters_are_found_by_id() {
    paused(async {
        let id = |n| ClusterId::from_uuid(SequentialIds::nth(n));
        let kafka = FakeKafka::new();
        kafka.put("a", 1, &[]);
        let clusters = FakeClusters::of(id(1), kafka);
        assert_eq!(clusters.admin(id(1)).await.unwrap().topics_list().await.unwrap().len(), 1);
        assert_eq!(clusters.admin(id(2)).await.err().unwrap().kind, Unreachable);
        clusters.register(id(2), FakeKafka::new());
        assert!(clusters.admin(id(2)).await.is_ok());
    });
}

fn nothing_happened(state: OperationState) -> Save {
    Save { marks: vec![], state, due: Duration::ZERO, failure: None, heeds: false }
}

#[test]
fn the_journal_takes_a_save_of_its_holder_only() {
    paused(async {
        let journal = MemoryJournal::new();
        let operation = OperationId::from_uuid(SequentialIds::nth(1));
        journal.begin(operation, &Saga::new(vec![]));
        let (old, new) = (journal.claim(operation), journal.claim(operation));
        let save = || nothing_happened(OperationState::Pending);

        assert_eq!(journal.save(&old, save()).await, Err(JournalError::Fenced));
        let version = journal.save(&new, save()).await.unwrap();
        assert!(version.version > new.version);
        assert_eq!(journal.save(&new, save()).await, Err(JournalError::Fenced), "a version saves once");
        assert_eq!((journal.saves().len(), journal.saves_tried()), (1, 3));
    });
}

#[test]
fn the_process_dies_around_a_save_and_the_database_has_all_of_it_or_nothing() {
    for (crash, saved) in [(Crash::BeforeSave, 0), (Crash::AfterSave, 1)] {
        paused(async {
            let world = World::new();
            world.accept_create(NAME, TopicSpec::default());
            world.journal.crash_at(0, crash);
            let held = world.journal.claim(world.operation);
            let died = world.journal.save(&held, nothing_happened(OperationState::Pending)).await;
            assert!(matches!(died, Err(JournalError::Store(_))));
            assert_eq!(world.journal.saves().len(), saved);
            assert_eq!(world.journal.crashes_left(), 0);
        });
    }
}
