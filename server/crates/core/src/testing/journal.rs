//! The database as workflows see it: operations and topic records in a map, fenced, kept as JSON, with a process that can die around any save.

use crate::{
    id::{OperationId, TopicId},
    model::topic::{IllegalTransition, Observed, TopicEvent, TopicSpec, TopicStatus, transition},
    ports::KafkaTopicId,
    workflow::{Held, Journal, JournalError, Mark, OperationState, Saga, Save, Saved, Wish},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the database keeps of a topic, as far as workflows change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRecord {
    /// Where it is on its way.
    pub status: TopicStatus,
    /// Kafka's id, where Orbit made the topic or found it.
    pub kafka_topic_id: Option<KafkaTopicId>,
    /// What it is to be.
    pub spec: TopicSpec,
    /// What the cluster showed.
    pub observed: Option<Observed>,
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Before the database has anything of the save.
    BeforeSave,
    /// When the database has all of it, and the process does not know.
    AfterSave,
}

/// A save that the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveRecord {
    /// Of which operation.
    pub operation: OperationId,
    /// The version it made.
    pub version: i64,
    /// The state it saved.
    pub saga: Saga,
    /// What was saved with it.
    pub save: Save,
}

struct Kept {
    version: i64,
    saga: String,
    wish: Wish,
}

#[derive(Default)]
struct Inner {
    operations: BTreeMap<OperationId, Kept>,
    topics: BTreeMap<TopicId, TopicRecord>,
    saves: Vec<SaveRecord>,
    tried: usize,
    crashes: Vec<(usize, Crash)>,
    wishes: Vec<(usize, Wish)>,
}

/// A [`Journal`] in memory. Clones are handles on the same one.
///
/// Every saga goes through its JSON on every save and every load, and one that comes back changed is refused with a panic.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Inner>>);

impl MemoryJournal {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a new operation. The first claim makes the version that it has where it is inserted by who drives it.
    pub fn begin(&self, operation: OperationId, saga: &Saga) {
        let saga = to_json(saga);
        self.inner().operations.insert(operation, Kept { version: 0, saga, wish: Wish::default() });
    }
    /// Keeps an operation as the JSON that some release wrote.
    pub fn begin_json(&self, operation: OperationId, saga: String) {
        self.inner().operations.insert(operation, Kept { version: 1, saga, wish: Wish::default() });
    }
    /// Takes the lease on an operation, as a replica does: whoever held it before is fenced out.
    ///
    /// # Panics
    /// Where the operation is not kept, or its JSON does not load.
    #[must_use]
    #[track_caller]
    pub fn claim(&self, operation: OperationId) -> Held {
        let mut inner = self.inner();
        let kept = inner.operations.get_mut(&operation).expect("a kept operation");
        kept.version += 1;
        Held { id: operation, version: kept.version, saga: from_json(&kept.saga), wish: kept.wish }
    }
    /// A person wants this of an operation: whoever holds it learns of it with its next save.
    ///
    /// # Panics
    /// Where the operation is not kept.
    #[track_caller]
    pub fn wish(&self, operation: OperationId, wish: Wish) {
        self.inner().operations.get_mut(&operation).expect("a kept operation").wish = wish;
    }
    /// An operation as it is kept, without taking it.
    ///
    /// # Panics
    /// Where the operation is not kept, or its JSON does not load.
    #[must_use]
    #[track_caller]
    pub fn saga(&self, operation: OperationId) -> Saga {
        from_json(&self.inner().operations.get(&operation).expect("a kept operation").saga)
    }
    /// The process dies at a save, numbered from 0 over every save that was tried. Several may be laid.
    pub fn crash_at(&self, save: usize, crash: Crash) {
        self.inner().crashes.push((save, crash));
    }
    /// At a save, numbered as those of [`Self::crash_at`], a person wants this of the operation that is saved.
    pub fn wish_at(&self, save: usize, wish: Wish) {
        self.inner().wishes.push((save, wish));
    }
    /// How many deaths are still to come.
    #[must_use]
    pub fn crashes_left(&self) -> usize {
        self.inner().crashes.len()
    }
    /// Every save that the database has, in order.
    #[must_use]
    pub fn saves(&self) -> Vec<SaveRecord> {
        self.inner().saves.clone()
    }
    /// How many saves were tried: the number of the next one.
    #[must_use]
    pub fn saves_tried(&self) -> usize {
        self.inner().tried
    }
    /// Keeps a topic's record, as a use case of the server does before it starts an operation.
    pub fn put_topic(&self, topic: TopicId, record: TopicRecord) {
        self.inner().topics.insert(topic, record);
    }
    /// A topic's record, where there is one.
    #[must_use]
    pub fn topic(&self, topic: TopicId) -> Option<TopicRecord> {
        self.inner().topics.get(&topic).cloned()
    }
    /// Every topic's record, for comparison.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<TopicId, TopicRecord> {
        self.inner().topics.clone()
    }
}

fn to_json(saga: &Saga) -> String {
    let json = serde_json::to_string(saga).expect("a saga is JSON");
    assert_eq!(&from_json(&json), saga, "a saga comes back from its JSON as it was");
    json
}

fn from_json(json: &str) -> Saga {
    serde_json::from_str(json).expect("the JSON of a saga loads")
}

fn died(when: &str) -> JournalError {
    JournalError::Store(format!("the process died {when} the save"))
}

impl Inner {
    fn keep(&mut self, held: &Held, save: Save) -> Result<Saved, JournalError> {
        let kept = self.operations.get_mut(&held.id).expect("a kept operation");
        if kept.version != held.version {
            return Err(JournalError::Fenced);
        }
        if save.heeds && kept.wish != Wish::default() {
            return Err(JournalError::Wished);
        }
        kept.version += 1;
        kept.saga = to_json(&held.saga);
        let (version, wish) = (kept.version, kept.wish);
        for mark in &save.marks {
            apply(&mut self.topics, mark).expect("a workflow's mark fits the topic's status");
        }
        self.saves.push(SaveRecord { operation: held.id, version, saga: held.saga.clone(), save });
        Ok(Saved { version, wish })
    }
}

/// What the store does with a mark.
fn apply(topics: &mut BTreeMap<TopicId, TopicRecord>, mark: &Mark) -> Result<(), IllegalTransition> {
    let topic = &mark.topic();
    if matches!(mark, Mark::TopicDeleted { .. }) && !topics.contains_key(topic) {
        // Told before, by a step that a bundle then took back: the deletion stays.
        return Ok(());
    }
    let record = topics.get_mut(topic).expect("the record of a topic with work under way");
    let mut goes = |event| transition(Some(record.status), event).map(|status| record.status = status);
    match mark {
        Mark::TopicActive { kafka_topic_id, spec, .. } => {
            goes(TopicEvent::Provisioned)?;
            record.kafka_topic_id = Some(*kafka_topic_id);
            record.spec = spec.clone();
            record.observed = None;
        }
        Mark::TopicNameFree { .. } => {
            assert_eq!(record.status, TopicStatus::Provisioning, "only the name of what is being made comes free");
            record.kafka_topic_id = None;
        }
        Mark::TopicTakenBack { .. } => goes(TopicEvent::TakenBack)?,
        Mark::TopicFailed { .. } => goes(TopicEvent::ProvisioningFailed)?,
        Mark::TopicUpdated { spec, observed, .. } => {
            assert_eq!(record.status, TopicStatus::Active, "only a topic that is there changes");
            record.spec = spec.clone();
            record.observed.clone_from(observed);
        }
        Mark::TopicDeleted { .. } => {
            assert_eq!(record.status, TopicStatus::Deleting, "only what is being deleted goes");
            topics.remove(topic);
        }
        Mark::TopicKept { .. } => goes(TopicEvent::DeleteFailed)?,
        Mark::TopicObserved { observed, .. } => record.observed = Some(observed.clone()),
    }
    Ok(())
}

impl Journal for MemoryJournal {
    async fn save(&self, held: &Held, save: Save) -> Result<Saved, JournalError> {
        let mut inner = self.inner();
        let number = inner.tried;
        inner.tried += 1;
        if let Some(place) = inner.wishes.iter().position(|(at, _)| *at == number) {
            let (_, wish) = inner.wishes.remove(place);
            inner.operations.get_mut(&held.id).expect("a kept operation").wish = wish;
        }
        let crash = inner.crashes.iter().position(|(at, _)| *at == number);
        match crash.map(|place| inner.crashes.remove(place).1) {
            None => inner.keep(held, save),
            Some(Crash::BeforeSave) => Err(died("before")),
            Some(Crash::AfterSave) => inner.keep(held, save).and(Err(died("after"))),
        }
    }
}

/// The state that an operation was saved with is a column beside its saga: it must be the saga's own.
impl SaveRecord {
    /// The state that was saved.
    ///
    /// # Panics
    /// Where column and saga differ.
    #[must_use]
    #[track_caller]
    pub fn state(&self) -> OperationState {
        assert_eq!(self.save.state, self.saga.state, "column and saga say the same");
        self.save.state
    }
}
