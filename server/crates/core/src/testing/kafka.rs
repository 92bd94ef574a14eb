//! The fake cluster: the port's calls, the script around them, and what happens past Orbit.

use super::{
    cluster::{Cluster, FakeTopic},
    script::{At, Call, Fault, Lasts, Method, Script},
};
use crate::{
    id::ClusterId,
    name::PhysicalName,
    ports::{
        Bulk, ClusterDescription, Clusters, ConfigChange, KafkaAdmin, KafkaError, KafkaErrorKind, KafkaTopicId,
        NewTopic, TopicDescription, TopicListing, TopicRef,
    },
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A Kafka cluster in memory. Clones are handles on the same one, so a test keeps one and gives the other away.
///
/// Calls are numbered from 0 as they arrive; [`Self::fault_once`] and [`Self::fault_always`] say which of them go wrong and how,
/// [`Self::before_once`] what somebody else does just then. Methods that take a topic's name as `&str` act past Orbit: they are no calls, meet
/// no fault, and panic where the name is not legal or the topic not there.
#[derive(Clone, Default)]
pub struct FakeKafka(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    cluster: Cluster,
    script: Script,
    calls: Vec<Call>,
}

/// A call that the script made fail.
struct Refused {
    error: KafkaError,
    /// Whether the cluster got it: decides if a bulk call answers an error per item or one for all.
    sent: bool,
}

fn error_of(kind: KafkaErrorKind, method: Method) -> KafkaError {
    KafkaError { kind, user: format!("the cluster answers {kind:?}"), operator: format!("scripted for {method:?}") }
}

fn legal(name: &str) -> PhysicalName {
    name.parse().expect("a test names topics legally")
}

impl FakeKafka {
    /// A cluster of three brokers without topics: one partition and one replica by default, Kafka's own defaults for settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn described(self, change: impl FnOnce(&mut ClusterDescription)) -> Self {
        change(&mut self.inner().cluster.description);
        self
    }
    /// With so many brokers: the largest replication factor that works.
    #[must_use]
    pub fn with_brokers(self, brokers: u32) -> Self {
        self.described(|cluster| cluster.brokers = brokers)
    }
    /// With these defaults for topics that do not say.
    #[must_use]
    pub fn with_defaults(self, partitions: u32, replication_factor: u16) -> Self {
        self.described(|cluster| {
            cluster.default_partitions = Some(partitions);
            cluster.default_replication_factor = Some(replication_factor);
        })
    }
    /// With a setting that the cluster knows beyond Kafka's own, or another default of one.
    #[must_use]
    pub fn with_setting(self, key: &str, default: &str) -> Self {
        self.described(|cluster| drop(cluster.topic_defaults.insert(key.to_owned(), default.to_owned())))
    }

    /// From now on another cluster answers in its place: one with this id.
    pub fn becomes_another(&self, kafka_cluster_id: &str) {
        self.inner().cluster.description.kafka_cluster_id = Some(kafka_cluster_id.to_owned());
    }

    // --- the script ---

    /// One call goes wrong: the first that fits. Several may be laid for the same place; they are met one after the other.
    pub fn fault_once(&self, at: impl Into<At>, fault: Fault) {
        self.inner().script.fault(at.into(), fault, Lasts::Once);
    }
    /// Every call that fits goes wrong, until [`Self::heal`].
    pub fn fault_always(&self, at: impl Into<At>, fault: Fault) {
        self.inner().script.fault(at.into(), fault, Lasts::Always);
    }
    /// No broker answers, until [`Self::heal`].
    pub fn go_down(&self) {
        self.fault_always(At::Any, Fault::FailBefore(KafkaErrorKind::Unreachable));
    }
    /// Everything that was scripted and not met is taken back.
    pub fn heal(&self) {
        self.inner().script.clear();
    }
    /// Just before the first call that fits, somebody does this to the cluster, past Orbit.
    pub fn before_once(&self, at: impl Into<At>, event: impl FnOnce(&Self) + Send + 'static) {
        self.inner().script.event(at.into(), Box::new(event));
    }
    /// From now on a producer writes to every topic the moment Orbit makes it: an ACL by prefix lets it.
    pub fn let_producers_write_at_once(&self) {
        self.inner().cluster.producers_write_at_once = true;
    }

    // --- what was asked, and what is there ---

    /// Every call, in order: its place is its number.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.inner().calls.clone()
    }
    /// How often a method was called.
    #[must_use]
    pub fn calls_of(&self, method: Method) -> usize {
        self.inner().calls.iter().filter(|c| c.method == method).count()
    }
    /// Counts calls from 0 again.
    pub fn forget_calls(&self) {
        self.inner().calls.clear();
    }
    /// How many calls met a fault.
    #[must_use]
    pub fn faults_met(&self) -> usize {
        self.inner().script.met()
    }
    /// Every topic, for comparison.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<PhysicalName, FakeTopic> {
        self.inner().cluster.topics.clone()
    }
    /// A topic, where it is there.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<FakeTopic> {
        self.inner().cluster.topics.get(name).cloned()
    }
    /// How often a topic of that name was made through the port.
    #[must_use]
    pub fn made(&self, name: &str) -> usize {
        self.inner().cluster.made.iter().filter(|(n, _)| n.as_str() == name).count()
    }
    /// Every topic that was made through the port, in order; one made twice is there twice.
    #[must_use]
    pub fn made_in_order(&self) -> Vec<(PhysicalName, KafkaTopicId)> {
        self.inner().cluster.made.clone()
    }
    /// What was deleted through the port, as it was.
    #[must_use]
    pub fn deleted(&self) -> Vec<(PhysicalName, FakeTopic)> {
        self.inner().cluster.deleted.clone()
    }

    // --- past Orbit ---

    /// Somebody makes a topic of one replica; one of that name that was there is gone.
    #[expect(clippy::must_use_candidate, reason = "what it does is the point; the id is told besides")]
    pub fn put(&self, name: &str, partitions: u32, configs: &[(&str, &str)]) -> KafkaTopicId {
        let mut inner = self.inner();
        let id = inner.cluster.fresh_id();
        let pairs = configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let topic = FakeTopic { id, partitions, replication_factor: 1, configs: pairs.collect(), records: false };
        inner.cluster.topics.insert(legal(name), topic);
        id
    }
    /// Somebody deletes a topic. It need not be there.
    pub fn remove(&self, name: &str) {
        self.inner().cluster.topics.remove(name);
    }
    /// Somebody deletes a topic and makes it anew, empty: the same in all but its id and its records.
    #[expect(clippy::must_use_candidate, reason = "what it does is the point; the id is told besides")]
    pub fn recreate(&self, name: &str) -> KafkaTopicId {
        let id = self.inner().cluster.fresh_id();
        self.edit(name, |topic| {
            topic.id = id;
            topic.records = false;
        });
        id
    }
    /// Somebody gives a topic a setting, or takes one away.
    pub fn alter(&self, name: &str, key: &str, value: Option<&str>) {
        self.edit(name, |topic| match value {
            Some(value) => drop(topic.configs.insert(key.to_owned(), value.to_owned())),
            None => drop(topic.configs.remove(key)),
        });
    }
    /// Somebody writes a record.
    pub fn write_record(&self, name: &str) {
        self.edit(name, |topic| topic.records = true);
    }
    /// Somebody changes a topic in any way.
    ///
    /// # Panics
    /// Where the topic is not there.
    #[track_caller]
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut FakeTopic)) {
        let mut inner = self.inner();
        let topic = inner.cluster.topics.get_mut(name);
        change(topic.expect("a test changes topics that are there"));
    }

    // --- the way of a call ---

    async fn meet<T>(
        &self,
        method: Method,
        topics: Vec<PhysicalName>,
        act: impl FnOnce(&mut Cluster) -> T + Send,
    ) -> Result<T, Refused> {
        let (events, fault) = {
            let inner = &mut *self.inner();
            inner.calls.push(Call { method, topics });
            inner.script.meet(&inner.calls)
        };
        for event in events {
            event(self);
        }
        let Some(fault) = fault else {
            return Ok(act(&mut self.inner().cluster));
        };
        if matches!(fault, Fault::FailAfter(_) | Fault::LoseReply) {
            act(&mut self.inner().cluster);
        }
        match fault {
            Fault::FailBefore(kind) => Err(Refused {
                error: error_of(kind, method),
                sent: !matches!(kind, KafkaErrorKind::Unreachable | KafkaErrorKind::Authentication),
            }),
            Fault::FailAfter(kind) => Err(Refused { error: error_of(kind, method), sent: true }),
            Fault::LoseReply | Fault::Hang => std::future::pending().await,
        }
    }

    async fn meet_bulk<I: Sync, T: Clone>(
        &self,
        method: Method,
        items: &[I],
        name: impl Fn(&I) -> &PhysicalName + Send,
        act: impl Fn(&mut Cluster, &I) -> Result<T, KafkaError> + Send + Sync,
    ) -> Bulk<T> {
        let names = items.iter().map(|item| name(item).clone()).collect();
        let each = |cluster: &mut Cluster| items.iter().map(|item| act(cluster, item)).collect();
        match self.meet(method, names, each).await {
            Ok(answers) => Ok(answers),
            Err(Refused { error, sent: true }) => Ok(items.iter().map(|_| Err(error.clone())).collect()),
            Err(Refused { error, sent: false }) => Err(error),
        }
    }
}

impl From<Refused> for KafkaError {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

#[async_trait]
impl KafkaAdmin for FakeKafka {
    async fn cluster_describe(&self) -> Result<ClusterDescription, KafkaError> {
        let describe = |cluster: &mut Cluster| cluster.description.clone();
        Ok(self.meet(Method::ClusterDescribe, vec![], describe).await?)
    }
    async fn topics_list(&self) -> Result<Vec<TopicListing>, KafkaError> {
        let listing = |(name, topic): (&PhysicalName, &FakeTopic)| TopicListing {
            name: name.clone(),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
        };
        let list = |cluster: &mut Cluster| cluster.topics.iter().map(listing).collect();
        Ok(self.meet(Method::TopicsList, vec![], list).await?)
    }
    async fn topics_describe(&self, names: &[PhysicalName]) -> Bulk<Option<TopicDescription>> {
        let describe = |cluster: &mut Cluster, name: &PhysicalName| Ok(cluster.describe(name));
        self.meet_bulk(Method::TopicsDescribe, names, |n| n, describe).await
    }
    async fn topics_create(&self, topics: &[NewTopic]) -> Bulk<KafkaTopicId> {
        self.meet_bulk(Method::TopicsCreate, topics, |t| &t.name, Cluster::create).await
    }
    async fn configs_change(&self, changes: &[ConfigChange]) -> Bulk<()> {
        self.meet_bulk(Method::ConfigsChange, changes, |c| &c.name, Cluster::change).await
    }
    async fn partitions_grow(&self, name: &PhysicalName, count: u32) -> Result<(), KafkaError> {
        let grow = |cluster: &mut Cluster| cluster.grow(name, count);
        self.meet(Method::PartitionsGrow, vec![name.clone()], grow).await?
    }
    async fn topics_delete(&self, topics: &[TopicRef]) -> Bulk<()> {
        self.meet_bulk(Method::TopicsDelete, topics, |topic| &topic.name, Cluster::delete).await
    }
    async fn topic_has_records(&self, name: &PhysicalName) -> Result<bool, KafkaError> {
        let look = |cluster: &mut Cluster| cluster.has_records(name);
        self.meet(Method::TopicHasRecords, vec![name.clone()], look).await?
    }
}

/// The registered clusters, by id.
#[derive(Clone, Default)]
pub struct FakeClusters(Arc<Mutex<BTreeMap<ClusterId, FakeKafka>>>);

impl FakeClusters {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Exactly one.
    #[must_use]
    pub fn of(cluster: ClusterId, kafka: FakeKafka) -> Self {
        let clusters = Self::new();
        clusters.register(cluster, kafka);
        clusters
    }
    /// One more, or another in place of one.
    pub fn register(&self, cluster: ClusterId, kafka: FakeKafka) {
        let mut clusters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clusters.insert(cluster, kafka);
    }
}

#[async_trait]
impl Clusters for FakeClusters {
    /// A cluster that is not registered is out of reach.
    async fn admin(&self, cluster: ClusterId) -> Result<Arc<dyn KafkaAdmin>, KafkaError> {
        let clusters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match clusters.get(&cluster) {
            Some(kafka) => Ok(Arc::new(kafka.clone())),
            None => Err(KafkaError {
                kind: KafkaErrorKind::Unreachable,
                user: format!("cluster {cluster} is not registered"),
                operator: "the test registered no such fake".to_owned(),
            }),
        }
    }
}
