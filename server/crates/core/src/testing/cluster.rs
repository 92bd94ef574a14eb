//! What a cluster keeps, and what it answers: Kafka's own rules, as far as Orbit meets them.

use crate::{
    model::settings,
    name::PhysicalName,
    ports::{
        ClusterDescription, ConfigChange, Item, KafkaError, KafkaErrorKind, KafkaTopicId, NewTopic, TopicDescription,
        TopicRef,
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A topic on the fake cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeTopic {
    /// Its id: a topic that is deleted and made again has another one.
    pub id: KafkaTopicId,
    /// How many partitions it has.
    pub partitions: u32,
    /// How many replicas each has.
    pub replication_factor: u16,
    /// Settings given on the topic itself.
    pub configs: BTreeMap<String, String>,
    /// Whether anybody ever wrote to it.
    pub records: bool,
}

/// The cluster behind the fake.
pub(super) struct Cluster {
    pub(super) description: ClusterDescription,
    pub(super) topics: BTreeMap<PhysicalName, FakeTopic>,
    /// Topics made through the port, in order.
    pub(super) made: Vec<(PhysicalName, KafkaTopicId)>,
    /// Topics deleted through the port, as they were.
    pub(super) deleted: Vec<(PhysicalName, FakeTopic)>,
    /// Whether a producer writes to every topic the moment it is there.
    pub(super) producers_write_at_once: bool,
    ids: u128,
}

/// Defaults of Apache Kafka 4.1 for the settings that tests are likely to ask about.
const DEFAULTS: [(&str, &str); 10] = [
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("delete.retention.ms", "86400000"),
    ("max.message.bytes", "1048588"),
    ("min.insync.replicas", "1"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "1073741824"),
    ("segment.ms", "604800000"),
    ("unclean.leader.election.enable", "false"),
];

impl Default for Cluster {
    fn default() -> Self {
        let defaults = DEFAULTS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self {
            description: ClusterDescription {
                kafka_cluster_id: Some("fake-kafka".to_owned()),
                brokers: 3,
                default_partitions: Some(1),
                default_replication_factor: Some(1),
                topic_defaults: defaults.into(),
            },
            topics: BTreeMap::new(),
            made: Vec::new(),
            deleted: Vec::new(),
            producers_write_at_once: false,
            ids: 0,
        }
    }
}

fn refusal<T>(kind: KafkaErrorKind, user: String) -> Item<T> {
    let operator = format!("the fake cluster answers {kind:?}");
    Err(KafkaError { kind, user, operator })
}

fn invalid<T>(user: impl Into<String>) -> Item<T> {
    refusal(KafkaErrorKind::Invalid, user.into())
}

impl Cluster {
    pub(super) fn fresh_id(&mut self) -> KafkaTopicId {
        self.ids += 1;
        KafkaTopicId::from_uuid(Uuid::from_u128(0x0a0a << 64 | self.ids))
    }

    fn find(&mut self, name: &PhysicalName) -> Item<&mut FakeTopic> {
        match self.topics.get_mut(name) {
            Some(topic) => Ok(topic),
            None => refusal(KafkaErrorKind::NotFound, format!("Topic {name:?} does not exist on the cluster.")),
        }
    }

    fn check_configs<'a>(&self, configs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Item<()> {
        for (key, value) in configs {
            let known = self.description.topic_defaults.keys().map(String::as_str);
            if settings::check(key, value, known).is_err() {
                return invalid(format!("Kafka refuses {key} = {value}."));
            }
        }
        Ok(())
    }

    pub(super) fn describe(&self, name: &PhysicalName) -> Option<TopicDescription> {
        self.topics.get(name).map(|topic| TopicDescription {
            id: topic.id,
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs.clone(),
        })
    }

    pub(super) fn create(&mut self, new: &NewTopic) -> Item<KafkaTopicId> {
        let name = &new.name;
        if self.topics.contains_key(name) {
            return refusal(KafkaErrorKind::AlreadyExists, format!("Topic {name:?} already exists on the cluster."));
        }
        if let Some(other) = self.topics.keys().find(|t| t.collision_key() == name.collision_key()) {
            return invalid(format!("Topic {name:?} collides with {other:?}."));
        }
        let Some(partitions) = new.partitions.or(self.description.default_partitions).filter(|n| *n > 0) else {
            return invalid("The number of partitions must be larger than 0.");
        };
        let brokers = self.description.brokers;
        let Some(replication_factor) = new
            .replication_factor
            .or(self.description.default_replication_factor)
            .filter(|n| *n > 0 && u32::from(*n) <= brokers)
        else {
            return invalid(format!("The replication factor must be at least 1 and at most {brokers}."));
        };
        self.check_configs(&new.configs)?;
        let topic = FakeTopic {
            id: self.fresh_id(),
            partitions,
            replication_factor,
            configs: new.configs.clone(),
            records: self.producers_write_at_once,
        };
        let id = topic.id;
        self.made.push((name.clone(), id));
        self.topics.insert(name.clone(), topic);
        Ok(id)
    }

    pub(super) fn change(&mut self, change: &ConfigChange) -> Item<()> {
        self.check_configs(&change.set)?;
        let topic = self.find(&change.name)?;
        topic.configs.extend(change.set.clone());
        for key in &change.unset {
            topic.configs.remove(key);
        }
        Ok(())
    }

    pub(super) fn grow(&mut self, name: &PhysicalName, count: u32) -> Item<()> {
        let topic = self.find(name)?;
        if count < topic.partitions {
            return invalid(format!("Topic {name:?} has {} partitions already.", topic.partitions));
        }
        topic.partitions = count;
        Ok(())
    }

    /// By id: a topic that was made anew under the name is another one.
    pub(super) fn delete(&mut self, topic: &TopicRef) -> Item<()> {
        let by_id = self.topics.iter().find(|(_, there)| there.id == topic.id).map(|(name, _)| name.clone());
        let Some((name, was)) = by_id.and_then(|name| self.topics.remove_entry(&name)) else {
            return refusal(KafkaErrorKind::NotFound, format!("Topic {:?} does not exist on the cluster.", topic.name));
        };
        self.deleted.push((name, was));
        Ok(())
    }

    pub(super) fn has_records(&mut self, name: &PhysicalName) -> Item<bool> {
        self.find(name).map(|topic| topic.records)
    }
}
