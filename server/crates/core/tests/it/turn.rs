//! One durable step after the other: what counts as an attempt, how long is waited, who may save, and how it ends.

use orbit_core::{
    model::topic::{TopicSpec, TopicStatus},
    ports::KafkaErrorKind::{Authentication, Forbidden, Passing, Unreachable},
    testing::{At, Crash, Fault, Method, STEP_DEADLINE, TURNS, World, paused, scenario::NAME},
    workflow::{
        Held, Journal, JournalError, Mark, OperationState, Retry, Saga, Save, Saved, StepRecord, StepState, Turn,
        Workflow, turn,
    },
};
use std::time::Duration;

fn creating() -> World {
    let world = World::new();
    world.accept_create(NAME, TopicSpec::default());
    world
}

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Takes a turn.
async fn take(world: &World, held: &mut Held) -> Result<Turn, JournalError> {
    turn(&world.journal, &world.ports(), held, STEP_DEADLINE).await
}

/// Takes turns as long as the next step is due at once, and answers what came then.
async fn take_all(world: &World, held: &mut Held) -> Turn {
    for _ in 0..TURNS {
        match take(world, held).await.unwrap() {
            Turn::Again => {}
            other => return other,
        }
    }
    panic!("goes on and on");
}

/// The waits between the turns of an operation, to its end.
fn waits_of(world: &World) -> (Vec<Duration>, OperationState) {
    paused(async {
        let mut held = world.journal.claim(world.operation);
        let mut waits = Vec::new();
        while let Turn::Later(after) = take_all(world, &mut held).await {
            waits.push(after);
        }
        (waits, held.saga.state)
    })
}

fn step<'a>(saga: &'a Saga, name: &str) -> &'a StepRecord {
    saga.steps.iter().find(|s| s.step.name() == name).unwrap()
}

#[test]
fn each_step_is_one_save_and_what_tells_the_database_goes_with_the_step_before() {
    let world = creating();
    paused(world.drive());

    let saves = world.journal.saves();
    let states: Vec<_> = saves.iter().map(|s| s.state().as_str()).collect();
    assert_eq!(states, ["running", "succeeded"]);
    assert!(saves[0].save.marks.is_empty());
    assert!(matches!(saves[1].save.marks[..], [Mark::TopicActive { .. }]));
    let versions: Vec<_> = saves.iter().map(|s| s.version).collect();
    assert_eq!(versions, [2, 3]);
    assert!(world.saga().steps.iter().all(|s| s.state == StepState::Done && s.finished_at.is_some()));
}

#[test]
fn a_step_tells_when_it_began_and_ended_and_how_often_it_failed() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Passing));
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Passing));
    paused(world.drive());

    let saga = world.saga();
    let create = step(&saga, "create");
    assert_eq!((create.state, create.attempts, create.waits), (StepState::Done, 2, 0));
    assert_eq!(create.started_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert!(create.finished_at.is_some());
    assert_eq!(create.last_error.as_deref(), Some("the cluster answers Passing"));
    assert_eq!(step(&saga, "observe").attempts, 0);
}

#[test]
fn failures_wait_longer_each_time_and_end_in_taking_back() {
    let world = creating();
    world.kafka.fault_always(Method::TopicsCreate, Fault::FailBefore(Passing));

    let (waits, state) = waits_of(&world);

    // The last is for a create that may be under way still.
    let expected = [100, 300, 900, 2_700, 8_100, 15_000, 15_000, 5_000].map(MS);
    assert_eq!((waits.as_slice(), state), (expected.as_slice(), OperationState::RolledBack));
    let saga = world.saga();
    let create = step(&saga, "create");
    assert_eq!(create.attempts, Retry::CLUSTER.attempts);
    assert_eq!((create.state, create.undo_attempts), (StepState::Undone, 0));
    assert_eq!(step(&saga, "activate").state, StepState::Pending);
    assert_eq!(saga.failure.unwrap().code, "kafka.passing");
    assert_eq!(world.kafka.calls_of(Method::TopicsCreate), 8);
}

#[test]
fn a_cluster_out_of_reach_is_waited_for_without_limit_and_costs_no_attempt() {
    for kind in [Unreachable, Authentication] {
        let world = creating();
        world.kafka.fault_always(At::Any, Fault::FailBefore(kind));
        paused(async {
            let mut held = world.journal.claim(world.operation);
            let mut waits = Vec::new();
            for _ in 0..200 {
                let Turn::Later(after) = take(&world, &mut held).await.unwrap() else {
                    panic!("went on without a cluster");
                };
                assert_eq!(held.saga.state, OperationState::Waiting);
                waits.push(after);
            }
            assert_eq!(waits[..6], [500, 1_000, 2_000, 4_000, 8_000, 15_000].map(MS));
            assert_eq!(waits[199], Retry::LONGEST);
            assert_eq!((held.saga.steps[0].attempts, held.saga.steps[0].waits), (0, 200));
        });
        world.kafka.heal();
        assert_eq!(paused(world.drive()), OperationState::Succeeded);
    }
}

#[test]
fn taking_back_waits_for_a_cluster_too_and_says_that_it_takes_back() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Forbidden));
    for _ in 0..50 {
        let look_back = At::Nth(Method::TopicsDescribe, 1);
        world.kafka.fault_once(look_back, Fault::FailBefore(Unreachable));
    }
    paused(async {
        let mut held = world.journal.claim(world.operation);
        assert_eq!(take_all(&world, &mut held).await, Turn::Later(MS(500)));
        assert_eq!(held.saga.state, OperationState::RollingBack);
    });
    assert_eq!(paused(world.drive()), OperationState::RolledBack);
    assert!(world.kafka.snapshot().is_empty());
}

#[test]
fn a_step_that_outlasts_its_deadline_is_cut_off_and_changes_nothing_but_that_it_was_begun() {
    let world = creating();
    paused(async {
        let mut held = world.journal.claim(world.operation);
        take(&world, &mut held).await.unwrap();
        let mut pieces = held.saga.pieces.clone();
        pieces[0].begun_before(held.saga.steps[1].step);
        world.kafka.fault_once(Method::TopicsCreate, Fault::LoseReply);

        let began = tokio::time::Instant::now();
        let turn = take(&world, &mut held).await.unwrap();

        assert_eq!((turn, began.elapsed()), (Turn::Later(MS(100)), STEP_DEADLINE));
        assert_eq!(held.saga.pieces, pieces);
        let create = step(&held.saga, "create");
        assert_eq!((create.attempts, create.state), (1, StepState::Running));
        assert_eq!(create.last_error.as_deref(), Some("the step did not end in time"));
    });
}

#[test]
fn who_lost_the_lease_cannot_save_and_stops() {
    let world = creating();
    paused(async {
        let mut zombie = world.journal.claim(world.operation);
        take(&world, &mut zombie).await.unwrap();
        let mut heir = world.journal.claim(world.operation);
        let before = world.saga();

        assert_eq!(take(&world, &mut zombie).await, Err(JournalError::Fenced));

        assert_eq!(world.saga(), before);
        assert_eq!(world.recorded().unwrap().status, TopicStatus::Provisioning);
        // The zombie's create took effect; the heir knows it for its own operation's.
        assert_eq!(take_all(&world, &mut heir).await, Turn::Finished);
        assert_eq!(world.kafka.made(NAME), 1);
        assert_eq!(heir.saga.state, OperationState::Succeeded);
    });
}

#[test]
fn a_save_that_did_not_happen_leaves_the_operation_as_it_was() {
    let world = creating();
    world.journal.crash_at(0, Crash::BeforeSave);
    paused(async {
        let mut held = world.journal.claim(world.operation);
        let before = held.saga.clone();
        assert!(matches!(take(&world, &mut held).await, Err(JournalError::Store(_))));
        assert_eq!((&held.saga, &world.saga()), (&before, &before));
        assert_eq!(take_all(&world, &mut held).await, Turn::Finished);
    });
}

#[test]
fn taking_back_that_fails_for_good_is_stuck_and_touches_nothing_more() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Forbidden));
    world.kafka.fault_always(Method::TopicsDelete, Fault::FailBefore(Passing));

    let (waits, state) = waits_of(&world);

    assert_eq!((waits.len(), state), (7, OperationState::Stuck));
    let saga = world.saga();
    let create = step(&saga, "create");
    assert_eq!((create.attempts, create.undo_attempts), (1, Retry::CLUSTER.attempts));
    assert_eq!(create.state, StepState::Failed);
    assert_eq!(saga.failure.as_ref().unwrap().code, "kafka.forbidden");
    let last = world.journal.saves().pop().unwrap();
    assert_eq!((last.state(), last.save.marks), (OperationState::Stuck, vec![]));
    assert_eq!(last.save.failure, saga.failure);
    assert_eq!(world.recorded().unwrap().status, TopicStatus::Provisioning);
}

/// A database whose records no mark fits.
struct Strange<'a>(&'a World);
impl Journal for Strange<'_> {
    async fn save(&self, held: &Held, save: Save) -> Result<Saved, JournalError> {
        if save.marks.is_empty() {
            return self.0.journal.save(held, save).await;
        }
        Err(JournalError::Unfit("the record is gone".to_owned()))
    }
}

#[test]
fn a_step_whose_consequence_fits_no_record_ends_the_operation_for_a_person_to_look() {
    let failed: fn(&World) = |world| world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Forbidden));
    for (first, code) in [((|_| {}) as fn(&World), "workflow.record"), (failed, "kafka.forbidden")] {
        let world = creating();
        first(&world);
        paused(async {
            let mut held = world.journal.claim(world.operation);
            while turn(&Strange(&world), &world.ports(), &mut held, STEP_DEADLINE).await.unwrap() != Turn::Finished {}
            assert_eq!(held.saga, world.saga(), "who drives it knows how it ended");
        });
        let saga = world.saga();
        assert_eq!((saga.state, saga.failure.unwrap().code.as_str()), (OperationState::Stuck, code));
        let step = &saga.steps[1];
        assert_eq!((step.state, saga.steps[2].state), (StepState::Failed, StepState::Pending));
        assert!(step.last_error.as_ref().unwrap().contains("does not fit"), "{step:?}");
        assert_eq!(world.recorded().unwrap().status, TopicStatus::Provisioning);
    }
}

#[test]
fn an_operation_that_is_over_does_nothing_when_it_is_taken_again() {
    for fatal in [None, Some(Fault::FailBefore(Forbidden))] {
        let world = creating();
        if let Some(fatal) = fatal {
            world.kafka.fault_once(Method::TopicsCreate, fatal);
        }
        paused(world.drive());
        let (seen, saves) = (world.seen(), world.journal.saves().len());
        paused(async {
            let mut held = world.journal.claim(world.operation);
            assert_eq!(take(&world, &mut held).await, Ok(Turn::Finished));
        });
        assert_eq!((world.seen(), world.journal.saves().len()), (seen, saves));
    }
}

#[test]
fn an_operation_without_steps_has_succeeded() {
    let world = World::new();
    world.journal.begin(world.operation, &Saga::new(vec![]));
    assert_eq!(paused(world.drive()), OperationState::Succeeded);
}

#[test]
fn taking_back_begins_at_the_failed_step_and_ends_at_the_first() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Forbidden));
    paused(world.drive());

    let states: Vec<_> = world.journal.saves().iter().map(|s| (s.state(), s.saga.at)).collect();
    assert_eq!(
        states,
        [
            (OperationState::Running, 1),
            (OperationState::RollingBack, 1),
            (OperationState::RollingBack, 0),
            (OperationState::RolledBack, 0),
        ]
    );
    let saga = world.saga();
    let steps: Vec<_> = saga.steps.iter().map(|s| s.state).collect();
    assert_eq!(steps, [StepState::Undone, StepState::Undone, StepState::Pending]);
    assert_eq!(world.journal.saves().pop().unwrap().save.marks, [Mark::TopicFailed { topic: world.topic }]);
}
