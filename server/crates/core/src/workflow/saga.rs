//! The state of an operation: one value, one JSON column, so that a save is one UPDATE.

use super::{Phase, Piece, PieceStep, Workflow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// Accepted, not begun.
    Pending,
    /// Its steps are being taken.
    Running,
    /// Waits for a cluster, or for the next try.
    Waiting,
    /// Rests until a person resumes it.
    Paused,
    /// Everything was done.
    Succeeded,
    /// A step failed for good, or a person cancelled it; what was done is being taken back.
    RollingBack,
    /// Nothing of it is left.
    RolledBack,
    /// Taking back failed for good: a person has to look.
    Stuck,
    /// A person cancelled it, and nothing of it is left.
    Cancelled,
}

impl OperationState {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Succeeded,
        Self::RollingBack,
        Self::RolledBack,
        Self::Stuck,
        Self::Cancelled,
    ];

    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::RollingBack => "rolling-back",
            Self::RolledBack => "rolled-back",
            Self::Stuck => "stuck",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Stuck | Self::Cancelled)
    }
}

/// The code of a failure that is a person's wish.
const CANCELLED: &str = "operation.cancelled";

/// Why a step failed: a text for the user and one for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code; `docs/errors.md` has a section for each.
    pub code: String,
    /// What the user sees.
    pub user: String,
    /// Names, codes and causes, for the log and for platform admins.
    pub operator: String,
}

impl Failure {
    /// A failure that has no more to tell the operator than the user.
    #[must_use]
    pub fn plain(code: &str, user: impl Into<String>) -> Self {
        Self { code: code.to_owned(), user: user.into(), operator: String::new() }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun, not ended.
    Running,
    /// Done.
    Done,
    /// Failed for good.
    Failed,
    /// Taken back.
    Undone,
}

/// What is known of one step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which of the pieces.
    pub piece: usize,
    /// Which of its steps.
    pub step: PieceStep,
    /// How far it is.
    pub state: StepState,
    /// Tries that failed.
    pub attempts: u32,
    /// Tries to take it back that failed.
    #[serde(default)]
    pub undo_attempts: u32,
    /// Times it had to wait for something; costs no attempt.
    pub waits: u32,
    /// When it was first tried.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What the last try said, for the user.
    pub last_error: Option<String>,
    /// What was behind it, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cause: Option<String>,
}

/// The state of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    /// The work: a plain operation has one piece, a bundle several.
    pub pieces: Vec<Piece>,
    /// The steps of all pieces, in order.
    pub steps: Vec<StepRecord>,
    /// The step that is due.
    pub at: usize,
    /// Why everything is being taken back; absent while it goes forward.
    pub failure: Option<Failure>,
    /// Where it stands.
    pub state: OperationState,
    /// The version of the operation under which the next turn is to begin. Under a later one it was begun before, by somebody who died before the
    /// save: each claim counts versions up.
    #[serde(default)]
    pub due_version: i64,
    /// It begins then, not before, and can be taken back until it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl Saga {
    /// The version that a new operation has, held by who inserts it.
    const BORN: i64 = 1;

    /// The kind of an operation of several pieces.
    pub const BUNDLE: &'static str = "Bundle";

    /// A saga at its beginning.
    #[must_use]
    pub fn new(pieces: Vec<Piece>) -> Self {
        let record = |piece, step| StepRecord {
            piece,
            step,
            state: StepState::Pending,
            attempts: 0,
            undo_attempts: 0,
            waits: 0,
            started_at: None,
            finished_at: None,
            last_error: None,
            last_cause: None,
        };
        let plans = pieces.iter().enumerate();
        let mut steps: Vec<_> = plans.flat_map(|(i, p)| p.plan().into_iter().map(move |s| record(i, s))).collect();
        steps.sort_by_key(|record| Piece::phase(record.step));
        Self {
            pieces,
            steps,
            at: 0,
            failure: None,
            state: OperationState::Pending,
            due_version: Self::BORN,
            not_before: None,
        }
    }

    /// What it does, as `operation.kind` keeps it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.pieces.as_slice() {
            [one] => one.kind(),
            _ => Self::BUNDLE,
        }
    }

    /// The name of what a step works on, where that has to be said: an operation of one piece works on one thing.
    #[must_use]
    pub fn works_on(&self, record: &StepRecord) -> Option<&str> {
        let several = self.pieces.len() > 1;
        self.pieces.get(record.piece).filter(|_| several).map(Piece::works_on)
    }

    /// A saga that begins then, or at once where there is no such time. Until it does nobody holds it, so it begins with a claim.
    #[must_use]
    pub fn beginning(self, not_before: Option<Timestamp>) -> Self {
        let due_version = if not_before.is_some() { Self::BORN + 1 } else { Self::BORN };
        Self { due_version, not_before, ..self }
    }

    /// Takes back what has not begun. False where it has.
    #[must_use]
    pub fn cancel(&mut self) -> bool {
        if self.state != OperationState::Pending {
            return false;
        }
        self.state = OperationState::Cancelled;
        true
    }

    /// Begins to take back what was done, because a person wants that. What is being taken back already goes on.
    pub(super) fn turn_back(&mut self) {
        if self.failure.is_none() {
            self.failure = Some(Failure::plain(CANCELLED, "a person cancelled the operation"));
            self.state = OperationState::RollingBack;
        }
    }

    /// What it is called once everything was taken back.
    pub(super) fn taken_back(&self) -> OperationState {
        let cancelled = self.failure.as_ref().is_some_and(|failure| failure.code == CANCELLED);
        if cancelled { OperationState::Cancelled } else { OperationState::RolledBack }
    }

    /// Takes a stuck one up again: the step that could not be taken back gets its tries anew. False where it is not stuck.
    #[must_use]
    pub fn retry(&mut self) -> bool {
        if self.state != OperationState::Stuck {
            return false;
        }
        if let Some(record) = self.steps.get_mut(self.at) {
            record.state = StepState::Running;
            record.undo_attempts = 0;
            record.finished_at = None;
        }
        self.state = OperationState::RollingBack;
        true
    }

    /// Whether the step that is due only tells the database.
    pub(super) fn tells(&self) -> bool {
        let due = self.steps.get(self.at).filter(|_| !self.state.is_final() && !self.undoing());
        due.is_some_and(|record| Piece::phase(record.step) == Phase::Tell)
    }

    /// Whether what was done is being taken back.
    #[must_use]
    pub fn undoing(&self) -> bool {
        self.failure.is_some()
    }
}
