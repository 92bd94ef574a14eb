//! Brokers that a test's clusters lead to: a fake cluster behind an address, with a password, a gate, and eyes on what runs at once.

use async_trait::async_trait;
use orbit_core::{
    id::ClusterId,
    model::cluster::{Connection, Credentials},
    name::PhysicalName,
    ports::{
        Bulk, ClusterDescription, Clusters, ConfigChange, ConnectionPart, KafkaAdmin, KafkaError, KafkaErrorKind,
        KafkaTopicId, NewTopic, TopicListing, TopicRef,
    },
    testing::{FakeKafka, Fault, Method},
};
use orbit_server::app::{ClusterAccess, ConnectionFailure, open_credentials};
use orbit_store::{Keyring, Store};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// A cluster at an address.
#[derive(Clone)]
pub(crate) struct Broker {
    /// The cluster itself.
    pub(crate) kafka: FakeKafka,
    seen: Arc<Mutex<Seen>>,
    open: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct Seen {
    password: Option<String>,
    running: BTreeMap<PhysicalName, usize>,
    most_at_once: usize,
    waiting: usize,
    holds_at_create: bool,
}

impl Broker {
    fn new() -> Self {
        Self { kafka: FakeKafka::new(), seen: Arc::default(), open: Arc::new(watch::Sender::new(true)) }
    }
    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// From now on only this password is taken.
    pub(crate) fn takes_password(&self, password: &str) {
        self.seen(|s| s.password = Some(password.to_owned()));
    }
    /// Calls about topics wait from now on, before the cluster gets them.
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }
    /// Calls wait from the next creation on.
    pub(crate) fn hold_at_create(&self) {
        self.seen(|s| s.holds_at_create = true);
    }
    /// What waits goes on.
    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }
    /// How many calls wait at this moment.
    pub(crate) fn waiting(&self) -> usize {
        self.seen(|s| s.waiting)
    }
    /// The most calls at work on one topic at the same time. Who only looks does not count: readers may come at any moment.
    pub(crate) fn most_at_once(&self) -> usize {
        self.seen(|s| s.most_at_once)
    }
    /// No broker answers, until the cluster heals.
    pub(crate) fn go_down(&self) {
        self.kafka.go_down();
    }
    /// It answers again.
    pub(crate) fn heal(&self) {
        self.kafka.heal();
    }
    /// The next creation is refused for good.
    pub(crate) fn refuse_next_create(&self) {
        self.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(KafkaErrorKind::Invalid));
    }
    /// Waits where calls are held.
    async fn pass(&self) {
        let mut open = self.open.subscribe();
        if !*open.borrow() {
            self.seen(|s| s.waiting += 1);
            let _left = Waits(self.clone());
            drop(open.wait_for(|open| *open).await);
        }
    }
    /// Counts work on these topics while it lives.
    async fn enter(&self, names: &[PhysicalName]) -> Inside {
        self.pass().await;
        self.seen(|s| {
            for name in names {
                let running = s.running.entry(name.clone()).or_default();
                *running += 1;
                s.most_at_once = s.most_at_once.max(*running);
            }
        });
        Inside(self.clone(), names.to_vec())
    }
}

struct Waits(Broker);
impl Drop for Waits {
    fn drop(&mut self) {
        self.0.seen(|s| s.waiting -= 1);
    }
}
struct Inside(Broker, Vec<PhysicalName>);
impl Drop for Inside {
    fn drop(&mut self) {
        self.0.seen(|s| {
            for name in &self.1 {
                *s.running.entry(name.clone()).or_default() -= 1;
            }
        });
    }
}

#[async_trait]
impl KafkaAdmin for Broker {
    async fn cluster_describe(&self) -> Result<ClusterDescription, KafkaError> {
        self.kafka.cluster_describe().await
    }
    async fn topics_list(&self) -> Result<Vec<TopicListing>, KafkaError> {
        self.kafka.topics_list().await
    }
    async fn topics_describe(&self, names: &[PhysicalName]) -> Bulk<Option<orbit_core::ports::TopicDescription>> {
        self.pass().await;
        self.kafka.topics_describe(names).await
    }
    async fn topics_create(&self, topics: &[NewTopic]) -> Bulk<KafkaTopicId> {
        if self.seen(|s| std::mem::take(&mut s.holds_at_create)) {
            self.hold();
        }
        let names: Vec<_> = topics.iter().map(|t| t.name.clone()).collect();
        let _inside = self.enter(&names).await;
        // Long enough for somebody else to be seen beside it.
        tokio::task::yield_now().await;
        self.kafka.topics_create(topics).await
    }
    async fn configs_change(&self, changes: &[ConfigChange]) -> Bulk<()> {
        let names: Vec<_> = changes.iter().map(|t| t.name.clone()).collect();
        let _inside = self.enter(&names).await;
        self.kafka.configs_change(changes).await
    }
    async fn partitions_grow(&self, name: &PhysicalName, count: u32) -> Result<(), KafkaError> {
        let _inside = self.enter(std::slice::from_ref(name)).await;
        self.kafka.partitions_grow(name, count).await
    }
    async fn topics_delete(&self, topics: &[TopicRef]) -> Bulk<()> {
        let names: Vec<_> = topics.iter().map(|t| t.name.clone()).collect();
        let _inside = self.enter(&names).await;
        self.kafka.topics_delete(topics).await
    }
    async fn topic_has_records(&self, name: &PhysicalName) -> Result<bool, KafkaError> {
        self.pass().await;
        self.kafka.topic_has_records(name).await
    }
}

/// The world of brokers, by address. Clones are handles on the same one.
#[derive(Clone, Default)]
pub(crate) struct Brokers(Arc<Mutex<BTreeMap<String, Broker>>>);

impl Brokers {
    /// The broker at an address, there from now on.
    pub(crate) fn at(&self, address: &str) -> Broker {
        let mut brokers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        brokers.entry(address.to_owned()).or_insert_with(Broker::new).clone()
    }
    fn find(&self, connection: &Connection) -> Option<Broker> {
        let brokers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.bootstrap_servers.iter().find_map(|address| brokers.get(address).cloned())
    }
}

/// The registered clusters, as the server sees them: found by the address and opened with the password that the database holds.
pub(crate) struct TestClusters {
    pub(crate) store: Store,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) brokers: Brokers,
}

fn refused(kind: KafkaErrorKind, user: &str) -> KafkaError {
    KafkaError { kind, user: user.to_owned(), operator: "a test said so".to_owned() }
}

impl TestClusters {
    fn connect(&self, connection: &Connection, credentials: &Credentials) -> Result<Broker, KafkaError> {
        let broker = self.brokers.find(connection);
        let broker = broker.ok_or_else(|| refused(KafkaErrorKind::Unreachable, "no broker answers"))?;
        let given = credentials.sasl_password.as_ref().map(|p| p.expose().to_owned());
        match broker.seen(|s| s.password.clone()) {
            Some(password) if given.as_deref() != Some(password.as_str()) => {
                Err(refused(KafkaErrorKind::Authentication, "the cluster refuses the password"))
            }
            _ => Ok(broker),
        }
    }
}

#[async_trait]
impl Clusters for TestClusters {
    async fn admin(&self, id: ClusterId) -> Result<Arc<dyn KafkaAdmin>, KafkaError> {
        let row = self.store.read().await.unwrap().cluster(id).await.unwrap();
        let row = row.ok_or_else(|| refused(KafkaErrorKind::Passing, "the cluster is not registered any more"))?;
        let credentials = open_credentials(&self.keyring, id, row.credentials.as_ref()).unwrap();
        Ok(Arc::new(self.connect(&row.connection, &credentials)?))
    }
}

#[async_trait]
impl ClusterAccess for TestClusters {
    async fn check(
        &self,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<ClusterDescription, ConnectionFailure> {
        let failed = |error: KafkaError| ConnectionFailure {
            part: match error.kind {
                KafkaErrorKind::Authentication => ConnectionPart::Sasl,
                _ => ConnectionPart::BootstrapServers,
            },
            user: error.user,
            operator: error.operator,
        };
        let broker = self.connect(connection, credentials).map_err(failed)?;
        broker.cluster_describe().await.map_err(failed)
    }
}
