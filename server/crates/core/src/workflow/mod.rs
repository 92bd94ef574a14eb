//! Durable work. An operation is a [`Saga`]: pieces of work, a plan of steps, and where it stands. [`turn`] runs one step and saves; who holds the
//! lease decides who may. Engines (the embedded runner, later Temporal) know only these.

mod action;
mod journal;
mod retry;
mod saga;
mod turn;

pub use crate::workflows::{Piece, PieceStep};
pub use action::{Control, Effect, Wish};
pub use journal::{Held, Journal, JournalError, Mark, Save, Saved};
pub use retry::Retry;
pub use saga::{Failure, OperationState, Saga, StepRecord, StepState};
pub use turn::{Turn, turn};

use crate::ports::{KafkaError, KafkaErrorKind, Ports};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, time::Duration};

/// One kind of work: a serializable struct, an enum of steps, `run` and `undo` per step. Both are idempotent, since a step whose save was lost runs
/// again.
pub trait Workflow: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The steps. Names are append-only: operations in flight are stored with them.
    type Step: Copy + PartialEq + Serialize + DeserializeOwned + Send + Sync + fmt::Debug + 'static;

    /// The steps to take, in order. Asked once, at creation, and stored.
    fn plan(&self) -> Vec<Self::Step>;
    /// When a step is taken, beside those of the other pieces of a bundle. Never falls along a plan.
    fn phase(step: Self::Step) -> Phase;
    /// How often and how fast a step is tried again.
    fn retry(step: Self::Step) -> Retry;
    /// Takes a step. Never writes the database: what follows from it is told as [`Mark`]s. What it changes on itself is kept unless the step
    /// was cut off by its deadline, also where it failed.
    fn run(&mut self, step: Self::Step, ports: &Ports) -> impl Future<Output = Result<Did, StepError>> + Send;
    /// Takes a step back. Tolerates that it never happened. Begins at the failed step, which may have taken effect.
    fn undo(&mut self, step: Self::Step, ports: &Ports) -> impl Future<Output = Result<Did, StepError>> + Send;
    /// A try of this step ended unseen: the process died, or the deadline cut it off. It may have taken effect, or will yet.
    fn begun_before(&mut self, _step: Self::Step) {}
    /// Other pieces of a bundle were worked on since its last step, and time may have passed: what it saw may be so no longer.
    fn set_aside(&mut self) {}
    /// What the database is to say once everything was taken back.
    fn abandoned(&self) -> Vec<Mark>;
    /// The name, on its cluster, of what it works on.
    fn works_on(&self) -> &str;
}

/// When a step of a bundle is taken: each phase of all pieces before the next phase of any, so that what may fail comes before what cannot be taken back,
/// and people see an object made only when nothing that is made with it can fail any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Looks, and changes nothing.
    Look,
    /// Changes what can be changed back.
    Change,
    /// Adds what cannot be taken away again.
    Extend,
    /// Sees that the cluster shows it.
    See,
    /// Takes away what cannot be brought back.
    Destroy,
    /// Tells the database alone, and cannot fail: saved with the step before it.
    Tell,
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// Done, with its consequences for the database.
    Done(Vec<Mark>),
    /// Not yet, and nobody's fault: costs no attempt.
    NotYet(Wait),
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// A cluster that does not answer, or refuses Orbit's credentials. Without limit, at growing intervals.
    Cluster {
        /// What to tell the user.
        user: String,
    },
    /// Something that takes a moment. None at all saves what the step learned, and takes it again at once.
    Poll(Duration),
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepError {
    /// May work next time.
    Retry(Failure),
    /// Will never work.
    Fatal(Failure),
}

/// Where a limit holds a call back, this long to the next try.
const TURN_COMES_AFTER: Duration = Duration::from_millis(500);

/// What a cluster's refusal means for the step that met it.
pub fn from_kafka(error: KafkaError) -> Result<Did, StepError> {
    let failure =
        |code: &str| Failure { code: code.to_owned(), user: error.user.clone(), operator: error.operator.clone() };
    match error.kind {
        KafkaErrorKind::Unreachable | KafkaErrorKind::Authentication => {
            Ok(Did::NotYet(Wait::Cluster { user: error.user }))
        }
        KafkaErrorKind::Busy => Ok(Did::NotYet(Wait::Poll(TURN_COMES_AFTER))),
        KafkaErrorKind::Passing => Err(StepError::Retry(failure("kafka.passing"))),
        KafkaErrorKind::Forbidden => Err(StepError::Fatal(failure("kafka.forbidden"))),
        KafkaErrorKind::Invalid => Err(StepError::Fatal(failure("kafka.refused"))),
        KafkaErrorKind::AlreadyExists => Err(StepError::Fatal(failure("topic.unmanaged"))),
        KafkaErrorKind::NotFound => Err(StepError::Fatal(failure("topic.gone"))),
    }
}

/// The value of a port's answer, or out of the step with what the refusal means.
#[macro_export]
macro_rules! reach {
    ($call:expr) => {
        match $call {
            Ok(value) => value,
            Err(error) => return $crate::workflow::from_kafka(error),
        }
    };
}
