//! One cluster, as the rest of Orbit uses it: the port, with a lane before each kind of request that many ask for at once.

use crate::{
    bulk,
    client::Client,
    lane::{Batch, Lane},
    pace::{Pace, RequestRate},
    sent::Request,
};
use async_trait::async_trait;
use orbit_core::{
    model::cluster::{Connection, Credentials},
    name::PhysicalName,
    ports::{
        Bulk, ClusterDescription, ConfigChange, KafkaAdmin, KafkaError, KafkaTopicId, NewTopic, TopicDescription,
        TopicListing, TopicRef,
    },
};
use std::{fmt, sync::Arc};
use tokio::time::Instant;

/// One Kafka cluster. Clones share one client, which connects when something is first asked and closes in the background when the last clone goes.
#[derive(Clone)]
pub struct KafkaCluster {
    client: Client,
    lanes: Arc<Lanes>,
}

struct Lanes {
    describe: Lane<Describe>,
    create: Lane<Create>,
    change: Lane<Change>,
    delete: Lane<Delete>,
}

impl fmt::Debug for KafkaCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaCluster").finish_non_exhaustive()
    }
}

impl KafkaCluster {
    /// Makes a client. An error means that the connection cannot be right (a password or key is missing, a certificate cannot be read); whether
    /// the cluster answers shows when something is asked, or by [`crate::check`].
    pub fn connect(connection: &Connection, credentials: &Credentials) -> Result<Self, KafkaError> {
        Ok(Self::of(Client::connect(connection, credentials)?))
    }

    /// The same cluster, asked no more often than this. Clones made before keep their own pace.
    #[must_use]
    pub fn at_rate(self, rate: RequestRate) -> Self {
        Self::of(self.client.at(Pace::new(Some(rate))))
    }

    /// How many requests of a kind went out.
    #[must_use]
    pub fn sent(&self, request: Request) -> u64 {
        self.client.sent.of(request)
    }

    fn of(client: Client) -> Self {
        let lanes = Lanes {
            describe: Lane::new(Describe(client.clone())),
            create: Lane::new(Create(client.clone())),
            change: Lane::new(Change(client.clone())),
            delete: Lane::new(Delete(client.clone())),
        };
        Self { client, lanes: Arc::new(lanes) }
    }
}

#[async_trait]
impl KafkaAdmin for KafkaCluster {
    async fn cluster_describe(&self) -> Result<ClusterDescription, KafkaError> {
        // Whoever looks at the cluster time and again keeps the way for changes open too. What is in its way shows when something is changed.
        let (described, _) = tokio::join!(self.client.cluster_describe(), self.client.reach_controller());
        described
    }
    async fn topics_list(&self) -> Result<Vec<TopicListing>, KafkaError> {
        self.client.topics_list().await
    }
    async fn topics_describe(&self, names: &[PhysicalName]) -> Bulk<Option<TopicDescription>> {
        // A long list is a batch already, and would keep the steps of operations waiting.
        if names.len() > bulk::GATHERED {
            self.client.topics_describe(names).await
        } else {
            self.lanes.describe.ask(names.to_vec()).await
        }
    }
    async fn topics_create(&self, topics: &[NewTopic]) -> Bulk<KafkaTopicId> {
        self.lanes.create.ask(topics.to_vec()).await
    }
    async fn configs_change(&self, changes: &[ConfigChange]) -> Bulk<()> {
        self.lanes.change.ask(changes.to_vec()).await
    }
    async fn partitions_grow(&self, name: &PhysicalName, count: u32) -> Result<(), KafkaError> {
        self.client.partitions_grow(name, count).await
    }
    async fn topics_delete(&self, topics: &[TopicRef]) -> Bulk<()> {
        self.lanes.delete.ask(topics.to_vec()).await
    }
    async fn topic_has_records(&self, name: &PhysicalName) -> Result<bool, KafkaError> {
        self.client.topic_has_records(name).await
    }
}

#[derive(Clone)]
struct Describe(Client);
impl Batch for Describe {
    type Item = PhysicalName;
    type Answer = Option<TopicDescription>;
    fn key(_: &PhysicalName) -> Option<String> {
        None
    }
    async fn send(&self, names: Vec<PhysicalName>, _: Instant) -> Bulk<Option<TopicDescription>> {
        self.0.topics_describe(&names).await
    }
}

#[derive(Clone)]
struct Create(Client);
impl Batch for Create {
    type Item = NewTopic;
    type Answer = KafkaTopicId;
    fn key(topic: &NewTopic) -> Option<String> {
        Some(topic.name.to_string())
    }
    async fn send(&self, topics: Vec<NewTopic>, until: Instant) -> Bulk<KafkaTopicId> {
        self.0.topics_create(&topics, until).await
    }
}

#[derive(Clone)]
struct Change(Client);
impl Batch for Change {
    type Item = ConfigChange;
    type Answer = ();
    fn key(change: &ConfigChange) -> Option<String> {
        Some(change.name.to_string())
    }
    async fn send(&self, changes: Vec<ConfigChange>, until: Instant) -> Bulk<()> {
        self.0.configs_change(&changes, until).await
    }
}

#[derive(Clone)]
struct Delete(Client);
impl Batch for Delete {
    type Item = TopicRef;
    type Answer = ();
    fn key(topic: &TopicRef) -> Option<String> {
        Some(topic.id.to_string())
    }
    async fn send(&self, topics: Vec<TopicRef>, until: Instant) -> Bulk<()> {
        self.0.topics_delete(&topics, until).await
    }
}
