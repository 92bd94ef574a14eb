//! One durable step: run or undo on a copy, then save state and consequences under the fence.

use super::{
    Did, Held, Journal, JournalError, Piece, Retry, Save, Saved, StepError, Wait, Workflow,
    saga::{Failure, OperationState, Saga, StepState},
};
use crate::{id::OperationId, ports::Ports, workflow::Mark};
use jiff::Timestamp;
use std::time::Duration;

/// Until a person resumes it: the end of time, as far as the database has one.
const UNTIL_RESUMED: Duration = Duration::MAX;

/// What comes after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next step, at once.
    Again,
    /// The next step, after this long.
    Later(Duration),
    /// None, until a person resumes it.
    Paused,
    /// Nothing: the operation is in a final state.
    Finished,
}

/// Runs the step that is due, with what only tells the database of it, and saves. A step that outlasts `deadline` is cut off; since it ran on a copy, it leaves no half-changed state, but is
/// told of when it is taken again ([`Workflow::begun_before`]).
/// What a step learned that failed by itself is kept: the end of the operation may have to tell it.
pub async fn turn(
    journal: &impl Journal,
    ports: &Ports,
    held: &mut Held,
    deadline: Duration,
) -> Result<Turn, JournalError> {
    if held.saga.state.is_final() {
        return Ok(Turn::Finished);
    }
    let mut saga = held.saga.clone();
    if held.version > saga.due_version && !saga.undoing() {
        begun_before(&mut saga);
    }
    let mut taken = if held.wish.pause {
        saga.state = OperationState::Paused;
        Taken { due: UNTIL_RESUMED, ..Taken::default() }
    } else if held.wish.cancel && !saga.undoing() {
        saga.turn_back();
        Taken::default()
    } else {
        take(held.id, &mut saga, ports, deadline).await
    };
    let first = taken.first.take();
    let (mut next, save) = to_save(held, saga, taken, first.is_some());
    let mut due = save.due;
    let mut saved = journal.save(&next, save).await;
    if let (Err(JournalError::Wished), Some((saga, marks))) = (&saved, first) {
        // Saved as far as it was when there was only told what was done: the next turn heeds the wish.
        let (as_done, save) = to_save(held, saga, Taken { marks, ..Taken::default() }, false);
        (next, due) = (as_done, save.due);
        saved = journal.save(&next, save).await;
    }
    if let Err(JournalError::Unfit(why)) = &saved {
        let stuck = give_up(held, &mut next.saga, why);
        saved = journal.save(&next, stuck).await;
    }
    let Saved { version, wish } = saved?;
    *held = Held { version, wish, ..next };
    Ok(match held.saga.state {
        state if state.is_final() => Turn::Finished,
        OperationState::Paused => Turn::Paused,
        _ if due.is_zero() => Turn::Again,
        _ => Turn::Later(due),
    })
}

/// What a turn came to.
#[derive(Default)]
struct Taken {
    /// Its consequences.
    marks: Vec<Mark>,
    /// How long the next turn waits.
    due: Duration,
    /// The state and the consequences of its first step alone, where it took more.
    first: Option<(Saga, Vec<Mark>)>,
}

/// A turn, as it is saved. `heeds`: it took more than one step.
fn to_save(held: &Held, mut saga: Saga, Taken { marks, due, .. }: Taken, heeds: bool) -> (Held, Save) {
    let save = Save { marks, state: saga.state, due, failure: saga.failure.clone(), heeds };
    // A save whose next turn lies in the future gives the lease up, so that turn begins with a claim.
    saga.due_version = held.version + if due.is_zero() { 1 } else { 2 };
    (Held { saga, ..*held }, save)
}

/// Takes the step that is due, or takes it back. What only tells the database is told with what it tells of: nothing happens between them that would have to be
/// remembered.
async fn take(id: OperationId, saga: &mut Saga, ports: &Ports, deadline: Duration) -> Taken {
    let mut taken = Taken::default();
    loop {
        match step(saga, ports, deadline).await {
            None => saga.state = OperationState::Succeeded,
            Some(Ok(Did::Done(more))) => taken.marks.extend(advance(saga, more, ports.clock.now())),
            Some(Ok(Did::NotYet(wait))) => taken.due = wait_for(saga, wait),
            Some(Err(error)) => taken.due = fail(id, saga, error, ports.clock.now()),
        }
        if !saga.tells() || !taken.due.is_zero() {
            return taken;
        }
        taken.first.get_or_insert_with(|| (saga.clone(), taken.marks.clone()));
    }
}

/// Takes the step that is due, or takes it back; `None` where there is none (a saga without steps).
async fn step(saga: &mut Saga, ports: &Ports, deadline: Duration) -> Option<Result<Did, StepError>> {
    let undoing = saga.undoing();
    let before = saga.at.checked_sub(1).and_then(|at| saga.steps.get(at)).map(|record| record.piece);
    let record = saga.steps.get_mut(saga.at)?;
    if !undoing && record.started_at.is_none() && before.is_some_and(|before| before != record.piece) {
        saga.pieces[record.piece].set_aside();
    }
    record.state = StepState::Running;
    record.started_at.get_or_insert_with(|| ports.clock.now());
    let (index, step) = (record.piece, record.step);
    let mut piece = saga.pieces[index].clone();
    let work = async { if undoing { piece.undo(step, ports).await } else { piece.run(step, ports).await } };
    let Ok(ended) = tokio::time::timeout(deadline, work).await else {
        if !undoing {
            begun_before(saga);
        }
        return Some(Err(StepError::Retry(Failure::plain("workflow.deadline", "the step did not end in time"))));
    };
    saga.pieces[index] = piece;
    Some(ended)
}

/// The step that is due was begun, and how that ended is not known.
fn begun_before(saga: &mut Saga) {
    if let Some(record) = saga.steps.get(saga.at) {
        saga.pieces[record.piece].begun_before(record.step);
    }
}

/// What the step did does not fit the record, and would not the next time either: a person has to look.
fn give_up(held: &Held, saga: &mut Saga, why: &str) -> Save {
    let failure = Failure {
        code: "workflow.record".to_owned(),
        user: "Orbit's record of the object does not fit what the operation did to it: a person has to look".to_owned(),
        operator: why.to_owned(),
    };
    tracing::error!(operation = %held.id, cause = why, "an operation is stuck: {}", failure.user);
    // What was only told was not told.
    let untold = held.saga.at + 1;
    if let (Some(now), Some(before)) = (saga.steps.get_mut(untold..), held.saga.steps.get(untold..)) {
        now.clone_from_slice(before);
    }
    if let Some(record) = saga.steps.get_mut(held.saga.at) {
        record.state = StepState::Failed;
        record.last_error = Some(failure.user.clone());
        record.last_cause = Some(failure.operator.clone());
    }
    saga.at = held.saga.at;
    saga.state = OperationState::Stuck;
    let failure = saga.failure.get_or_insert(failure).clone();
    Save { marks: vec![], state: saga.state, due: Duration::ZERO, failure: Some(failure), heeds: false }
}

/// The step is done: on to the next, or, when taking back, to the one before.
fn advance(saga: &mut Saga, mut marks: Vec<Mark>, now: Timestamp) -> Vec<Mark> {
    let undoing = saga.undoing();
    let record = &mut saga.steps[saga.at];
    record.finished_at = Some(now);
    if !undoing {
        record.state = StepState::Done;
        saga.at += 1;
        saga.state = if saga.at == saga.steps.len() { OperationState::Succeeded } else { OperationState::Running };
        return marks;
    }
    record.state = StepState::Undone;
    if let Some(before) = saga.at.checked_sub(1) {
        saga.at = before;
        saga.state = OperationState::RollingBack;
    } else {
        saga.state = saga.taken_back();
        marks.extend(saga.pieces.iter().flat_map(Piece::abandoned));
    }
    marks
}

/// What an operation is called that has to wait before its next try.
fn waiting(undoing: bool) -> OperationState {
    if undoing { OperationState::RollingBack } else { OperationState::Waiting }
}

fn wait_for(saga: &mut Saga, wait: Wait) -> Duration {
    let undoing = saga.undoing();
    let record = &mut saga.steps[saga.at];
    match wait {
        // A moment, and nobody's news: whoever looks sees it at work.
        Wait::Poll(after) => {
            saga.state = if undoing { OperationState::RollingBack } else { OperationState::Running };
            after
        }
        Wait::Cluster { user } => {
            saga.state = waiting(undoing);
            record.waits = record.waits.saturating_add(1);
            record.last_error = Some(user);
            record.last_cause = None;
            Retry::WAITING.delay(record.waits).unwrap_or(Retry::LONGEST)
        }
    }
}

/// The step failed: again after a wait, or take back, or, when taking back failed for good, give up for a person to look.
fn fail(operation: OperationId, saga: &mut Saga, error: StepError, now: Timestamp) -> Duration {
    let undoing = saga.undoing();
    let record = &mut saga.steps[saga.at];
    let failed = if undoing { &mut record.undo_attempts } else { &mut record.attempts };
    *failed = failed.saturating_add(1);
    let (again, failure) = match error {
        StepError::Retry(failure) => (Piece::retry(record.step).delay(*failed), failure),
        StepError::Fatal(failure) => (None, failure),
    };
    tracing::warn!(
        %operation,
        step = record.step.name(),
        undoing,
        attempts = *failed,
        code = failure.code,
        cause = failure.operator,
        "a step of an operation failed: {}",
        failure.user
    );
    record.last_error = Some(failure.user.clone());
    record.last_cause = Some(failure.operator.clone()).filter(|cause| !cause.is_empty());
    if let Some(after) = again {
        saga.state = waiting(undoing);
        return after;
    }
    record.finished_at = Some(now);
    record.state = StepState::Failed;
    if undoing {
        saga.state = OperationState::Stuck;
    } else {
        saga.failure = Some(failure);
        saga.state = OperationState::RollingBack;
    }
    Duration::ZERO
}
