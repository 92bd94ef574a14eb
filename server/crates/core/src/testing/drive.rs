//! Drives operations to their end with paused time.

use super::{FakeClusters, FakeKafka, FakeTopic, FixedClock, MemoryJournal, SequentialIds, TopicRecord};
use crate::{
    id::{ClusterId, OperationId, TopicId},
    model::topic::{TopicSpec, TopicStatus},
    name::PhysicalName,
    ports::{KafkaTopicId, Ports},
    workflow::{Held, JournalError, OperationState, Piece, Saga, Turn, turn},
    workflows::{Target, TopicDeletion, TopicProvisioning, TopicUpdate},
};
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

/// How long a step may take when driven.
pub const STEP_DEADLINE: Duration = Duration::from_secs(10);
/// Turns after which [`drive`] gives up: an operation of a few steps that meets a few faults takes far fewer.
pub const TURNS: usize = 1_000;

/// Runs a test with paused time: sleeps and deadlines pass at once, in order.
///
/// # Panics
/// Where the test does, or the machine has no threads to give.
#[track_caller]
pub fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread can be made")
        .block_on(test)
}

/// Takes turns until the operation is in a final state, or paused, as the runner does: waits where a turn says so, and claims the operation anew after that and
/// after a "crash" of the journal. Time must be paused ([`paused`]).
///
/// # Panics
/// Where it does not end in [`TURNS`] turns, or somebody else takes the operation.
#[track_caller]
pub fn drive(journal: &MemoryJournal, ports: &Ports, operation: OperationId) -> impl Future<Output = OperationState> {
    let held = journal.claim(operation);
    go_on(journal, ports, held)
}

async fn go_on(journal: &MemoryJournal, ports: &Ports, mut held: Held) -> OperationState {
    let operation = held.id;
    for _ in 0..TURNS {
        match turn(journal, ports, &mut held, STEP_DEADLINE).await {
            Ok(Turn::Again) => {}
            Ok(Turn::Later(after)) => {
                tokio::time::sleep(after).await;
                held = journal.claim(operation);
            }
            Ok(Turn::Finished | Turn::Paused) => return held.saga.state,
            Err(JournalError::Store(_)) => held = journal.claim(operation),
            Err(JournalError::Fenced | JournalError::Wished) => panic!("somebody else took operation {operation}"),
            Err(JournalError::Unfit(why)) => panic!("operation {operation} cannot even be given up: {why}"),
        }
    }
    panic!(
        "operation {operation} did not end in {TURNS} turns; it is {:?} at step {}: {:?}",
        held.saga.state,
        held.saga.at,
        held.saga.steps.get(held.saga.at)
    );
}

/// One cluster, one database, one operation.
#[derive(Clone)]
pub struct World {
    /// The cluster.
    pub kafka: FakeKafka,
    /// The database.
    pub journal: MemoryJournal,
    /// The time of day.
    pub clock: Arc<FixedClock>,
    /// The cluster's id.
    pub cluster: ClusterId,
    /// The operation's id.
    pub operation: OperationId,
    /// The id of the topic that it is about.
    pub topic: TopicId,
}

/// A world as it stood at some moment: what the cluster has and what the database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Topics on the cluster.
    pub cluster: BTreeMap<PhysicalName, FakeTopic>,
    /// Topics in the database.
    pub records: BTreeMap<TopicId, TopicRecord>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Nothing is there yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kafka: FakeKafka::new(),
            journal: MemoryJournal::new(),
            clock: Arc::new(FixedClock::default()),
            cluster: ClusterId::from_uuid(SequentialIds::nth(1)),
            operation: OperationId::from_uuid(SequentialIds::nth(2)),
            topic: TopicId::from_uuid(SequentialIds::nth(3)),
        }
    }
    /// What steps may use of it.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports { clusters: Arc::new(FakeClusters::of(self.cluster, self.kafka.clone())), clock: self.clock.clone() }
    }
    /// How workflows address the topic under this name.
    ///
    /// # Panics
    /// Where the name is not legal.
    #[must_use]
    #[track_caller]
    pub fn target(&self, name: &str) -> Target {
        Target { topic: self.topic, cluster: self.cluster, name: name.parse().expect("a test names topics legally") }
    }
    /// The same world, seen from its `n`-th topic: what is accepted is about that.
    #[must_use]
    pub fn at_topic(&self, n: u64) -> Self {
        Self { topic: TopicId::from_uuid(SequentialIds::nth(100 + n)), ..self.clone() }
    }
    /// Keeps the operation.
    pub fn begin(&self, work: Vec<Piece>) {
        self.journal.begin(self.operation, &Saga::new(work));
    }
    /// A create was accepted: the record is `provisioning`, the operation is kept.
    #[track_caller]
    pub fn accept_create(&self, name: &str, spec: TopicSpec) {
        self.begin(vec![self.create(name, spec)]);
    }
    /// The record of a topic whose create was accepted, and the work.
    #[must_use]
    #[track_caller]
    pub fn create(&self, name: &str, spec: TopicSpec) -> Piece {
        self.record(TopicStatus::Provisioning, None, &spec);
        Piece::TopicProvisioning(TopicProvisioning::new(self.target(name), None, spec))
    }
    /// A topic that Orbit knows under `id` was not seen any more, and making it again was accepted.
    #[track_caller]
    pub fn accept_making_again(&self, name: &str, id: KafkaTopicId, spec: TopicSpec) {
        self.record(TopicStatus::Provisioning, Some(id), &spec);
        let work = TopicProvisioning::new(self.target(name), Some(id), spec);
        self.begin(vec![Piece::TopicProvisioning(work)]);
    }
    /// An update was accepted of a topic that is `active`, was to be `before` and is known under `id`.
    #[track_caller]
    pub fn accept_update(&self, name: &str, id: KafkaTopicId, before: &TopicSpec, spec: TopicSpec) {
        self.begin(vec![self.update(name, id, before, spec)]);
    }
    /// The record of a topic whose update was accepted, and the work.
    #[must_use]
    #[track_caller]
    pub fn update(&self, name: &str, id: KafkaTopicId, before: &TopicSpec, spec: TopicSpec) -> Piece {
        self.record(TopicStatus::Active, Some(id), before);
        Piece::TopicUpdate(TopicUpdate::new(self.target(name), Some(id), before, spec))
    }
    /// A deletion was accepted: the record is `deleting`, and the topic is known under `id`.
    #[track_caller]
    pub fn accept_deletion(&self, name: &str, id: KafkaTopicId, spec: &TopicSpec) {
        self.begin(vec![self.deletion(name, id, spec)]);
    }
    /// The record of a topic whose deletion was accepted, and the work.
    #[must_use]
    #[track_caller]
    pub fn deletion(&self, name: &str, id: KafkaTopicId, spec: &TopicSpec) -> Piece {
        self.record(TopicStatus::Deleting, Some(id), spec);
        Piece::TopicDeletion(TopicDeletion::new(self.target(name), id))
    }
    fn record(&self, status: TopicStatus, kafka_topic_id: Option<KafkaTopicId>, spec: &TopicSpec) {
        let record = TopicRecord { status, kafka_topic_id, spec: spec.clone(), observed: None };
        self.journal.put_topic(self.topic, record);
    }
    /// The topic's record.
    #[must_use]
    pub fn recorded(&self) -> Option<TopicRecord> {
        self.journal.topic(self.topic)
    }
    /// Drives the operation to its end: see [`drive`].
    #[track_caller]
    pub fn drive(&self) -> impl Future<Output = OperationState> + use<> {
        let (journal, ports, held) = (self.journal.clone(), self.ports(), self.journal.claim(self.operation));
        async move { go_on(&journal, &ports, held).await }
    }
    /// The operation as it is kept.
    #[must_use]
    #[track_caller]
    pub fn saga(&self) -> Saga {
        self.journal.saga(self.operation)
    }
    /// How cluster and database stand now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { cluster: self.kafka.snapshot(), records: self.journal.snapshot() }
    }
}
