//! The three tests that every workflow gets: see [`crate::fault_suite!`].

use super::{Crash, Fault, Seen, World, scenario::Scenario};
use crate::{
    ports::KafkaErrorKind::{Authentication, Forbidden, Invalid, Passing, Unreachable},
    workflow::OperationState,
};

/// Faults after which trying again is right.
pub const HEALING: [Fault; 7] = [
    Fault::FailBefore(Passing),
    Fault::FailBefore(Unreachable),
    Fault::FailBefore(Authentication),
    Fault::FailAfter(Passing),
    Fault::FailAfter(Unreachable),
    Fault::LoseReply,
    Fault::Hang,
];

/// Faults after which trying again is pointless.
pub const FATAL: [Fault; 4] =
    [Fault::FailBefore(Forbidden), Fault::FailBefore(Invalid), Fault::FailAfter(Forbidden), Fault::FailAfter(Invalid)];

/// Deaths of the process.
pub const CRASHES: [Crash; 2] = [Crash::BeforeSave, Crash::AfterSave];

/// Makes a module of three tests for a workflow, named as it is:
///
/// - `succeeds`: the plain run ends as the scenario says;
/// - `every_fault_heals`: for each call of the plain run and each of [`HEALING`](crate::testing::suite::HEALING), and for each save and each of
///   [`CRASHES`](crate::testing::suite::CRASHES): exactly that goes wrong, and cluster and database end as in the plain run, each topic made once;
/// - `every_fatal_leaves_nothing`: for each call and each of [`FATAL`](crate::testing::suite::FATAL), with each healing fault and each crash on the
///   way back: ends `rolled-back` with nothing left, or `stuck` where records would be lost.
///
/// ```
/// use orbit_core::testing::scenario;
/// orbit_core::fault_suite!(TopicProvisioning, scenario::topic_provisioning);
/// ```
#[macro_export]
macro_rules! fault_suite {
    ($Workflow:ident, $scenario:expr) => {
        #[expect(non_snake_case, reason = "the tests are named by their workflow")]
        #[cfg(test)]
        mod $Workflow {
            use super::*;

            fn scenario() -> $crate::testing::scenario::Scenario {
                let scenario = $scenario();
                assert_eq!(scenario.kind, stringify!($Workflow));
                scenario
            }
            #[test]
            fn succeeds() {
                $crate::testing::paused($crate::testing::suite::succeeds(scenario()));
            }
            #[test]
            fn every_fault_heals() {
                $crate::testing::paused($crate::testing::suite::every_fault_heals(scenario()));
            }
            #[test]
            fn every_fatal_leaves_nothing() {
                $crate::testing::paused($crate::testing::suite::every_fatal_leaves_nothing(scenario()));
            }
        }
    };
}

/// One run of a scenario, and how it ended.
struct Run {
    world: World,
    before: Seen,
    state: OperationState,
}

async fn run(scenario: &Scenario, lay: impl FnOnce(&World)) -> Run {
    let world = World::new();
    (scenario.begin)(&world);
    let before = world.seen();
    lay(&world);
    let state = world.drive().await;
    Run { world, before, state }
}

impl Run {
    fn calls(&self) -> usize {
        self.world.kafka.calls().len()
    }
    /// What was laid was met: a fault that nothing ran into proves nothing.
    fn met(&self, faults: usize, what: &str) {
        assert_eq!(self.world.kafka.faults_met(), faults, "{what}: faults met");
        assert_eq!(self.world.journal.crashes_left(), 0, "{what}: crashes not met");
    }
    fn ends_like(&self, other: &Self, what: &str) {
        assert_eq!(self.state, other.state, "{what}: {:#?}", self.world.saga());
        assert_eq!(self.world.seen(), other.world.seen(), "{what}");
        let made = |run: &Self| run.world.kafka.made_in_order();
        assert_eq!(made(self), made(other), "{what}: topics made");
    }
    fn kept_records(&self, scenario: &Scenario, what: &str) {
        let lost = self.world.kafka.deleted().into_iter().find(|(_, topic)| topic.records);
        assert!(scenario.may_delete_records || lost.is_none(), "{what}: lost {lost:?}");
    }
    /// Rolled back with nothing left, or stuck where that is right.
    fn left_nothing(&self, scenario: &Scenario, stuck_is_right: bool, what: &str) {
        match self.state {
            OperationState::RolledBack => {
                let left = (scenario.nothing_left)(&self.before, &self.world.seen());
                assert_eq!(left, Ok(()), "{what}");
            }
            OperationState::Stuck if stuck_is_right => {}
            state => panic!("{what}: ended {state:?}: {:#?}", self.world.saga()),
        }
        self.kept_records(scenario, what);
    }
    /// The number of the save with which taking back began.
    fn turned_back_at(&self) -> usize {
        let saves = self.world.journal.saves();
        saves.iter().position(|s| s.saga.undoing()).expect("a run with a fatal fault turns back")
    }
}

/// The plain run.
///
/// # Panics
/// Where the test fails.
pub async fn succeeds(scenario: Scenario) {
    let plain = run(&scenario, |_| {}).await;
    assert_eq!(plain.state, OperationState::Succeeded);
    assert_eq!(plain.world.saga().pieces[0].kind(), scenario.kind);
    (scenario.succeeded)(&plain.world);
}

/// Exactly one fault that passes, anywhere.
///
/// # Panics
/// Where the test fails.
pub async fn every_fault_heals(scenario: Scenario) {
    let plain = run(&scenario, |_| {}).await;
    for (number, call) in plain.world.kafka.calls().into_iter().enumerate() {
        for fault in HEALING {
            let what = format!("{fault:?} at call {number}, {:?}", call.method);
            let healed = run(&scenario, |world| world.kafka.fault_once(number, fault)).await;
            healed.met(1, &what);
            healed.ends_like(&plain, &what);
        }
    }
    for save in 0..plain.world.journal.saves_tried() {
        for crash in CRASHES {
            let what = format!("{crash:?} {save}");
            let healed = run(&scenario, |world| world.journal.crash_at(save, crash)).await;
            healed.met(0, &what);
            healed.ends_like(&plain, &what);
        }
    }
}

/// A fault that does not pass, anywhere, and one more on the way back.
///
/// # Panics
/// Where the test fails.
pub async fn every_fatal_leaves_nothing(scenario: Scenario) {
    let plain = run(&scenario, |_| {}).await;
    let makes_topics = !plain.world.kafka.made_in_order().is_empty();
    for number in 0..plain.calls() {
        for fatal in FATAL {
            one_fatal_leaves_nothing(&scenario, number, fatal, false).await;
            if makes_topics {
                one_fatal_leaves_nothing(&scenario, number, fatal, true).await;
            }
        }
    }
}

async fn one_fatal_leaves_nothing(scenario: &Scenario, number: usize, fatal: Fault, producers: bool) {
    let start = |world: &World| {
        if producers {
            world.kafka.let_producers_write_at_once();
        }
    };
    let lay = |world: &World| {
        start(world);
        world.kafka.fault_once(number, fatal);
    };
    let plain = run(scenario, start).await;
    let what = format!("{fatal:?} at call {number}{}", if producers { ", producers at once" } else { "" });
    let turned_back = run(scenario, lay).await;
    turned_back.met(1, &what);
    turned_back.left_nothing(scenario, producers, &what);

    for undo in number + 1..turned_back.calls() {
        for fault in HEALING {
            let what = format!("{what}, then {fault:?} at call {undo}");
            let lay = |world: &World| {
                lay(world);
                world.kafka.fault_once(undo, fault);
            };
            let healed = run(scenario, lay).await;
            healed.met(2, &what);
            healed.ends_like(&turned_back, &what);
        }
        for again in FATAL {
            let what = format!("{what}, then {again:?} at call {undo}");
            let lay = |world: &World| {
                lay(world);
                world.kafka.fault_once(undo, again);
            };
            let given_up = run(scenario, lay).await;
            given_up.met(2, &what);
            given_up.left_nothing(scenario, true, &what);
        }
    }
    let turn_back = turned_back.turned_back_at();
    for save in turn_back..turned_back.world.journal.saves_tried() {
        for crash in CRASHES {
            let what = format!("{what}, then {crash:?} {save}");
            let lay = |world: &World| {
                lay(world);
                world.journal.crash_at(save, crash);
            };
            let healed = run(scenario, lay).await;
            healed.kept_records(scenario, &what);
            if (save, crash) == (turn_back, Crash::BeforeSave) {
                // That the step failed was never saved: it is taken again, and this time nothing stands in the way.
                healed.ends_like(&plain, &what);
            } else {
                healed.ends_like(&turned_back, &what);
            }
        }
    }
}
