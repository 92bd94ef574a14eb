//! For each workflow: the world it starts in, and what its end has to look like. For [`crate::fault_suite!`].
#![expect(clippy::missing_panics_doc, reason = "the panics are in what a scenario carries, not in making one")]

use super::{Seen, TopicRecord, World};
use crate::{
    id::TopicId,
    model::topic::{CleanupPolicy, TopicSpec, TopicStatus},
    workflow::Saga,
};
use std::collections::BTreeMap;

/// The name that the scenarios' topic has on the cluster.
pub const NAME: &str = "dev.payments.orders";

/// A piece of work, the world it starts in, and what its end has to look like.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The kind of work, as [`crate::workflow::Piece::KINDS`] spells it.
    pub kind: &'static str,
    /// Sets up what stands before, and keeps the operation.
    pub begin: fn(&World),
    /// Panics unless the world is as it was asked to be.
    pub succeeded: fn(&World),
    /// Whether the operation left nothing of itself, `before` it and after it was rolled back; or what it left.
    pub nothing_left: fn(&Seen, &Seen) -> Result<(), String>,
    /// Topics that the work is to delete whatever is in them.
    pub may_delete_records_of: &'static [&'static str],
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, before: &T, after: &T) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    Err(format!("{what} was {before:?} and is {after:?}"))
}

/// The one record, as it would be with another status.
fn with_status(records: &BTreeMap<TopicId, TopicRecord>, status: TopicStatus) -> BTreeMap<TopicId, TopicRecord> {
    let changed = |(id, record): (&TopicId, &TopicRecord)| (*id, TopicRecord { status, ..record.clone() });
    records.iter().map(changed).collect()
}

/// A topic is made, with partitions, a replication factor and settings of its own, beside one that somebody else has.
///
/// Nothing left: no topic but those that were there, and the record is `failed`, without an id of Kafka's.
#[must_use]
pub fn topic_provisioning() -> Scenario {
    fn spec() -> TopicSpec {
        TopicSpec {
            partitions: Some(6),
            replication_factor: Some(3),
            retention_ms: Some(86_400_000),
            cleanup_policy: Some(CleanupPolicy::CompactDelete),
            config: settings(&[("min.insync.replicas", "2")]),
            ..TopicSpec::default()
        }
    }
    Scenario {
        kind: "TopicProvisioning",
        begin: |world| {
            world.kafka.put("dev.shipping.parcels", 1, &[]);
            world.accept_create(NAME, spec());
        },
        succeeded: |world| {
            let topic = world.kafka.topic(NAME).expect("the topic is on the cluster");
            assert_eq!((topic.partitions, topic.replication_factor), (6, 3));
            assert_eq!(topic.configs, spec().folded());
            assert_eq!(world.kafka.made(NAME), 1);
            let record = world.recorded().expect("a topic keeps its record");
            assert_eq!((record.status, record.kafka_topic_id), (TopicStatus::Active, Some(topic.id)));
        },
        nothing_left: |before, after| {
            same("the cluster", &before.cluster, &after.cluster)?;
            let failed = with_status(&before.records, TopicStatus::Failed);
            same("the database", &failed, &after.records)
        },
        may_delete_records_of: &[],
    }
}

/// A topic with records changes: one setting gets another value, one returns to the broker's default, one is new, partitions are added; a setting
/// that somebody else gave it stays as it is.
///
/// Nothing left: settings, id and records of the topic are what they were, and so is the record in the database. Partitions cannot be taken away:
/// where the cluster added them and answered an error all the same, the topic keeps the new ones, all else being as before, and the record still
/// says the old number, so that the difference shows as drift.
#[must_use]
pub fn topic_update() -> Scenario {
    const ADDED: u32 = 12;
    fn before() -> TopicSpec {
        TopicSpec {
            partitions: Some(6),
            retention_ms: Some(1_000),
            config: settings(&[("segment.ms", "60000")]),
            ..TopicSpec::default()
        }
    }
    fn after() -> TopicSpec {
        TopicSpec {
            partitions: Some(ADDED),
            retention_ms: Some(2_000),
            config: settings(&[("max.message.bytes", "2000000")]),
            ..TopicSpec::default()
        }
    }
    Scenario {
        kind: "TopicUpdate",
        begin: |world| {
            let configs = [("retention.ms", "1000"), ("segment.ms", "60000"), ("flush.ms", "5")];
            let id = world.kafka.put(NAME, 6, &configs);
            world.kafka.write_record(NAME);
            world.accept_update(NAME, id, &before(), after());
        },
        succeeded: |world| {
            let topic = world.kafka.topic(NAME).expect("the topic is on the cluster");
            let configs = [("retention.ms", "2000"), ("max.message.bytes", "2000000"), ("flush.ms", "5")];
            assert_eq!(topic.configs, settings(&configs));
            assert_eq!((topic.partitions, topic.records), (ADDED, true));
            let record = world.recorded().expect("a topic keeps its record");
            assert_eq!((record.status, record.spec), (TopicStatus::Active, after()));
        },
        nothing_left: |before, after| {
            same("the database", &before.records, &after.records)?;
            let mut cluster = after.cluster.clone();
            for (name, topic) in &before.cluster {
                if let Some(now) = cluster.get_mut(name)
                    && now.partitions == ADDED
                {
                    now.partitions = topic.partitions;
                }
            }
            same("the cluster", &before.cluster, &cluster)
        },
        may_delete_records_of: &[],
    }
}

/// A topic with records is deleted, beside one that somebody else has.
///
/// Nothing left: the topic is on the cluster as it was and its record is `active` again. Where the cluster deleted it and answered an error all the
/// same, it cannot be brought back: then the record is gone with it.
#[must_use]
pub fn topic_deletion() -> Scenario {
    Scenario {
        kind: "TopicDeletion",
        begin: |world| {
            world.kafka.put("dev.shipping.parcels", 1, &[]);
            let id = world.kafka.put(NAME, 6, &[("retention.ms", "1000")]);
            world.kafka.write_record(NAME);
            world.accept_deletion(NAME, id, &TopicSpec::default());
        },
        succeeded: |world| {
            assert_eq!((world.kafka.topic(NAME), world.recorded()), (None, None));
            assert!(world.kafka.topic("dev.shipping.parcels").is_some());
        },
        nothing_left: |before, after| {
            let mut without = before.cluster.clone();
            without.remove(NAME);
            if after.cluster == without && after.records.is_empty() {
                return Ok(());
            }
            same("the cluster", &before.cluster, &after.cluster)?;
            let kept = with_status(&before.records, TopicStatus::Active);
            same("the database", &kept, &after.records)
        },
        may_delete_records_of: &[NAME],
    }
}

/// A bundle: a topic with records is deleted, one changes a setting, one is made. Whatever is made last, the deletion is: what fails before it leaves the
/// topic where it is.
///
/// Nothing left: the new topic is not on the cluster and its record is `failed`, the changed one is as it was, and the one to delete is as it was, or,
/// where the deletion was carried out before the bundle was taken back, gone with its record.
#[must_use]
pub fn bundle() -> Scenario {
    const OLD: &str = "dev.payments.orders-old";
    const AUDIT: &str = "dev.payments.audit";
    fn retention(ms: i64) -> TopicSpec {
        TopicSpec { retention_ms: Some(ms), ..TopicSpec::default() }
    }
    fn topics(world: &World) -> [TopicId; 3] {
        [1, 2, 3].map(|n| world.at_topic(n).topic)
    }
    Scenario {
        kind: Saga::BUNDLE,
        begin: |world| {
            let old = world.kafka.put(OLD, 6, &[]);
            let audit = world.kafka.put(AUDIT, 1, &[("retention.ms", "1000")]);
            world.kafka.write_record(OLD);
            world.kafka.write_record(AUDIT);
            let pieces = vec![
                world.at_topic(1).deletion(OLD, old, &TopicSpec::default()),
                world.at_topic(2).update(AUDIT, audit, &retention(1_000), retention(2_000)),
                world.at_topic(3).create(NAME, retention(3_000)),
            ];
            world.begin(pieces);
        },
        succeeded: |world| {
            let [old, audit, new] = topics(world);
            assert_eq!((world.kafka.topic(OLD), world.journal.topic(old)), (None, None));
            let changed = world.kafka.topic(AUDIT).expect("the changed topic is on the cluster");
            assert_eq!(changed.configs, retention(2_000).folded());
            let record = world.journal.topic(audit).expect("a topic keeps its record");
            assert_eq!((record.status, record.spec), (TopicStatus::Active, retention(2_000)));
            let made = world.kafka.topic(NAME).expect("the new topic is on the cluster");
            let record = world.journal.topic(new).expect("a topic keeps its record");
            assert_eq!((record.status, record.kafka_topic_id), (TopicStatus::Active, Some(made.id)));
        },
        nothing_left: |before, after| {
            let [old, _, new] = topics(&World::new());
            let (mut cluster, mut records) = (before.cluster.clone(), before.records.clone());
            records.entry(new).and_modify(|record| record.status = TopicStatus::Failed);
            if after.cluster.keys().any(|name| name.as_str() == OLD) {
                records.entry(old).and_modify(|record| record.status = TopicStatus::Active);
            } else {
                cluster.retain(|name, _| name.as_str() != OLD);
                records.remove(&old);
            }
            same("the cluster", &cluster, &after.cluster)?;
            same("the database", &records, &after.records)
        },
        may_delete_records_of: &[OLD],
    }
}
