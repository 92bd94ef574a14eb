//! What lives outside and has a fake: Kafka clusters. Bulk calls answer a result per item; their outer error means "not sent".

use crate::{id::ClusterId, name::PhysicalName};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use uuid::Uuid;

/// A topic's id as Kafka gives it (KIP-516). A topic that is deleted and created again has another one: that is how Orbit knows its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KafkaTopicId(Uuid);

impl KafkaTopicId {
    /// From the 128 bits that the protocol carries.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
    /// The bare UUID, as the database keeps it.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}
/// URL-safe base64 without padding, as Kafka's own tools print it.
impl fmt::Display for KafkaTopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for three in self.0.as_bytes().chunks(3) {
            let bits = three.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
            for i in 0..=three.len() {
                let six = usize::try_from(bits >> (18 - 6 * i) & 63).unwrap_or(0);
                write!(f, "{}", char::from(DIGITS[six]))?;
            }
        }
        Ok(())
    }
}
impl fmt::Debug for KafkaTopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of refusal a cluster's answer is. One table in `orbit-kafka` maps every error code of Kafka and of the client to one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KafkaErrorKind {
    /// No broker answers: work waits, without limit.
    Unreachable,
    /// The cluster refuses Orbit's credentials: work waits until the platform team mends them.
    Authentication,
    /// Orbit's principal lacks a right: fatal, with the right named.
    Forbidden,
    /// Held back by a limit, Orbit's own or the cluster's: nothing was done, its turn comes.
    Busy,
    /// A passing state of the cluster, or a reply that did not arrive: try again.
    Passing,
    /// The cluster refuses what was asked (configuration, replication factor, its own policy): fatal.
    Invalid,
    /// The topic is there already.
    AlreadyExists,
    /// The topic is not there.
    NotFound,
}

/// A cluster's refusal, with a text for the user and one for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaError {
    /// What to do about it.
    pub kind: KafkaErrorKind,
    /// One sentence that a user can act on. Never holds a credential or an address that is not in the user's own configuration.
    pub user: String,
    /// Names, codes and causes, for the log.
    pub operator: String,
}

/// What one part of the connection says when a cluster is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionPart {
    /// No address of the list could be resolved or connected to.
    BootstrapServers,
    /// The TLS handshake failed: certificate authority, host name or client certificate.
    Tls,
    /// The user name, password or mechanism was refused.
    Sasl,
    /// Connected, but a right that Orbit needs is missing.
    Rights,
}

/// What a cluster tells of itself: facts for evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterDescription {
    /// Kafka's id of the cluster.
    pub kafka_cluster_id: Option<String>,
    /// How many brokers are alive: the largest replication factor that works.
    pub brokers: u32,
    /// What a topic gets that does not say: `num.partitions` of the brokers.
    pub default_partitions: Option<u32>,
    /// What a topic gets that does not say: `default.replication.factor` of the brokers.
    pub default_replication_factor: Option<u16>,
    /// Topic settings and the value a topic gets that does not set them, by topic-level name (`retention.ms`, …). Every topic setting that the
    /// cluster knows is a key here where the cluster told them.
    pub topic_defaults: BTreeMap<String, String>,
}

/// A topic as the cluster lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicListing {
    /// Its name.
    pub name: PhysicalName,
    /// How many partitions it has.
    pub partitions: u32,
    /// Replicas of its first partition.
    pub replication_factor: u16,
}

/// A topic as the cluster describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDescription {
    /// Kafka's id of it.
    pub id: KafkaTopicId,
    /// How many partitions it has.
    pub partitions: u32,
    /// Replicas of its first partition.
    pub replication_factor: u16,
    /// Settings given on the topic itself (config source `DYNAMIC_TOPIC_CONFIG`); what comes from the broker is not here.
    pub configs: BTreeMap<String, String>,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: PhysicalName,
    /// Partitions; the cluster's default where absent (KIP-464).
    pub partitions: Option<u32>,
    /// Replication factor; the cluster's default where absent (KIP-464).
    pub replication_factor: Option<u16>,
    /// Settings to give it.
    pub configs: BTreeMap<String, String>,
}

/// A topic that is there: deleted by its id, told of by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRef {
    /// Its name.
    pub name: PhysicalName,
    /// Kafka's id of it.
    pub id: KafkaTopicId,
}

/// Settings to change on one topic; what is not named stays as it is (KIP-339).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// The topic.
    pub name: PhysicalName,
    /// Settings to give it.
    pub set: BTreeMap<String, String>,
    /// Settings to return to the broker's default.
    pub unset: Vec<String>,
}

/// The longest that a change may be under way once a cluster was asked for it: after that it took effect, or never will.
pub const CHANGE_ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Answer to one item of a bulk call.
pub type Item<T> = Result<T, KafkaError>;
/// Answer to a bulk call: a result per item, in the order asked; the outer error means that nothing was sent.
pub type Bulk<T> = Result<Vec<Item<T>>, KafkaError>;

/// Administration of one cluster.
#[async_trait]
pub trait KafkaAdmin: Send + Sync {
    /// Brokers, defaults and known settings.
    async fn cluster_describe(&self) -> Result<ClusterDescription, KafkaError>;
    /// Every topic that Orbit's principal may see, internal ones too.
    async fn topics_list(&self) -> Result<Vec<TopicListing>, KafkaError>;
    /// Describes topics with their ids and own settings; `None` for one that is not there.
    async fn topics_describe(&self, names: &[PhysicalName]) -> Bulk<Option<TopicDescription>>;
    /// Creates topics and answers their ids. [`KafkaErrorKind::AlreadyExists`] where the name is taken.
    async fn topics_create(&self, topics: &[NewTopic]) -> Bulk<KafkaTopicId>;
    /// Changes settings, touching only what is named.
    async fn configs_change(&self, changes: &[ConfigChange]) -> Bulk<()>;
    /// Raises a topic to `count` partitions in all. Succeeds where it has that many already.
    async fn partitions_grow(&self, name: &PhysicalName, count: u32) -> Result<(), KafkaError>;
    /// Deletes topics by id. [`KafkaErrorKind::NotFound`] where one is not there, also where another one has its name by now.
    async fn topics_delete(&self, topics: &[TopicRef]) -> Bulk<()>;
    /// Whether any record was ever written to the topic (an end offset above 0).
    async fn topic_has_records(&self, name: &PhysicalName) -> Result<bool, KafkaError>;
}

/// The registered clusters: id → client, one cache.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// The client of a registered cluster, made at first use and again when its connection was changed.
    async fn admin(&self, cluster: ClusterId) -> Result<Arc<dyn KafkaAdmin>, KafkaError>;
}

/// The time of day, for what people read. Leases and due times go by the database's clock alone.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// What steps may use of the outside.
#[derive(Clone)]
pub struct Ports {
    /// The registered clusters.
    pub clusters: Arc<dyn Clusters>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_id_reads_as_kafkas_tools_print_it() {
        let id = KafkaTopicId::from_uuid(Uuid::from_u128(1));
        assert_eq!(id.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let id = KafkaTopicId::from_uuid(Uuid::from_u128(u128::MAX));
        assert_eq!(id.to_string(), "_____________________w");
    }
}
