//! What a turn leaves behind, and who takes it.

use super::{
    action::Wish,
    saga::{Failure, OperationState, Saga},
};
use crate::{
    id::{OperationId, TopicId},
    model::topic::{Observed, TopicSpec},
    ports::KafkaTopicId,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A consequence of a step for the database, applied in the transaction of the save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// The topic is on the cluster under this id.
    TopicActive {
        /// The topic.
        topic: TopicId,
        /// Kafka's id of it.
        kafka_topic_id: KafkaTopicId,
        /// What it is.
        spec: TopicSpec,
    },
    /// Nothing of it is on the cluster any more: its name is free there.
    TopicNameFree {
        /// The topic.
        topic: TopicId,
    },
    /// It was made, and is being taken back with the bundle that it belongs to.
    TopicTakenBack {
        /// The topic.
        topic: TopicId,
    },
    /// It could not be made, and nothing of it is left.
    TopicFailed {
        /// The topic.
        topic: TopicId,
    },
    /// The change is on the cluster.
    TopicUpdated {
        /// The topic.
        topic: TopicId,
        /// What it is now.
        spec: TopicSpec,
        /// What the cluster showed; absent where nobody looked.
        observed: Option<Observed>,
    },
    /// The topic is gone: its record goes too.
    TopicDeleted {
        /// The topic.
        topic: TopicId,
    },
    /// The topic could not be deleted and is there still.
    TopicKept {
        /// The topic.
        topic: TopicId,
    },
    /// What the cluster showed.
    TopicObserved {
        /// The topic.
        topic: TopicId,
        /// What it showed.
        observed: Observed,
    },
}

impl Mark {
    /// The topic that it is about.
    #[must_use]
    pub fn topic(&self) -> TopicId {
        match self {
            Self::TopicActive { topic, .. }
            | Self::TopicNameFree { topic }
            | Self::TopicTakenBack { topic }
            | Self::TopicFailed { topic }
            | Self::TopicUpdated { topic, .. }
            | Self::TopicDeleted { topic }
            | Self::TopicKept { topic }
            | Self::TopicObserved { topic, .. } => *topic,
        }
    }
}

/// An operation whose lease this replica holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// Which.
    pub id: OperationId,
    /// The fence: a save by anybody else moves it on.
    pub version: i64,
    /// The state.
    pub saga: Saga,
    /// What a person wants of it, as of the last that was heard.
    pub wish: Wish,
}

/// What comes of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// The new fence.
    pub version: i64,
    /// What a person wants of the operation by now.
    pub wish: Wish,
}

/// One save: state and consequences together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Consequences of the step.
    pub marks: Vec<Mark>,
    /// Where the operation stands now.
    pub state: OperationState,
    /// When the next turn is due, from now.
    pub due: Duration,
    /// Why it ended as it did, for the audit trail.
    pub failure: Option<Failure>,
    /// It goes further than one step: nothing is saved where a person wants something else of the operation by now ([`JournalError::Wished`]).
    pub heeds: bool,
}

/// Why a save did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Somebody else holds the operation now: stop at once, touch nothing.
    #[error("another replica holds the operation")]
    Fenced,
    /// A person wants something else of the operation by now, or another replica holds it. Nothing was saved of what would have gone too far.
    #[error("a person wants something else of the operation")]
    Wished,
    /// A consequence does not fit the record that it is for, and would not the next time either. Nothing was saved.
    #[error("the record does not fit: {0}")]
    Unfit(String),
    /// The database did not take it. The step runs again when the lease is out.
    #[error("the database did not save: {0}")]
    Store(String),
}

/// Where operations are kept. The store implements it; so does a map in memory, for tests.
pub trait Journal: Send + Sync {
    /// Saves under version and holder, applies the marks, and answers the new version and what a person wants by now.
    fn save(&self, held: &Held, save: Save) -> impl Future<Output = Result<Saved, JournalError>> + Send;
}
