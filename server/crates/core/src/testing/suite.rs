//! The tests that every workflow gets: see [`crate::fault_suite!`].

use super::{Crash, Fault, Seen, World, scenario::Scenario};
use crate::{
    name::PhysicalName,
    ports::KafkaErrorKind::{Authentication, Forbidden, Invalid, Passing, Unreachable},
    workflow::{OperationState, Wish},
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

/// Makes a module of five tests for a workflow, named as it is:
///
/// - `succeeds`: the plain run ends as the scenario says;
/// - `every_fault_heals`: for each call of the plain run and each of [`HEALING`](crate::testing::suite::HEALING), and for each save and each of
///   [`CRASHES`](crate::testing::suite::CRASHES): exactly that goes wrong, and cluster and database end as in the plain run, each topic made once;
/// - `every_cancel_leaves_nothing`: for each save, a person cancels just then: ends `cancelled` with nothing left, or `stuck` where records would be lost,
///   or as the plain run where that was its last save, and the step that it saved was taken; and so it does with each of the healing faults and crashes on the way back;
/// - `every_pause_is_a_rest`: for each save, a person pauses just then, and resumes: ends as the plain run;
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
            fn every_cancel_leaves_nothing() {
                $crate::testing::paused($crate::testing::suite::every_cancel_leaves_nothing(scenario()));
            }
            #[test]
            fn every_pause_is_a_rest() {
                $crate::testing::paused($crate::testing::suite::every_pause_is_a_rest(scenario()));
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
        let may_go = |name: &PhysicalName| scenario.may_delete_records_of.contains(&name.as_str());
        let lost = self.world.kafka.deleted().into_iter().find(|(name, topic)| topic.records && !may_go(name));
        assert_eq!(lost, None, "{what}: lost");
    }
    /// Rolled back with nothing left, or stuck where that is right.
    fn left_nothing(&self, scenario: &Scenario, stuck_is_right: bool, what: &str) {
        match self.state {
            OperationState::RolledBack | OperationState::Cancelled => {
                let left = (scenario.nothing_left)(&self.before, &self.world.seen());
                assert_eq!(left, Ok(()), "{what}");
            }
            OperationState::Stuck if stuck_is_right => {}
            state => panic!("{what}: ended {state:?}: {:#?}", self.world.saga()),
        }
        self.kept_records(scenario, what);
    }
    /// Whether a save of the plain run gives way to what a person wants at that moment.
    fn heeds(&self, save: usize) -> bool {
        self.world.journal.saves()[save].save.heeds
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
    assert_eq!(plain.world.saga().kind(), scenario.kind);
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

/// A person cancels at any moment, with one fault or crash on the way back.
///
/// # Panics
/// Where the test fails.
pub async fn every_cancel_leaves_nothing(scenario: Scenario) {
    const CANCEL: Wish = Wish { cancel: true, pause: false };
    let plain = run(&scenario, |_| {}).await;
    let last = plain.world.journal.saves_tried() - 1;
    for save in 0..=last {
        for producers in [false, true] {
            let lay = |world: &World| {
                if producers {
                    world.kafka.let_producers_write_at_once();
                }
                world.journal.wish_at(save, CANCEL);
            };
            let what = format!("cancelled at save {save}{}", if producers { ", producers at once" } else { "" });
            let cancelled = run(&scenario, lay).await;
            if save == last && !plain.heeds(save) {
                assert_eq!(cancelled.state, OperationState::Succeeded, "{what}");
                continue;
            }
            cancelled.left_nothing(&scenario, producers, &what);
            let way = WayBack { plain: &cancelled, save, gave_way: plain.heeds(save), stuck_is_right: producers };
            back_through_trouble(&scenario, lay, &way, &what).await;
        }
    }
}

/// A way back from a save, without trouble.
struct WayBack<'a> {
    plain: &'a Run,
    save: usize,
    /// Whether that save gave way to the wish, and the next one saved what had been done.
    gave_way: bool,
    stuck_is_right: bool,
}

/// The way back meets one fault that passes, or one death.
async fn back_through_trouble(scenario: &Scenario, lay: impl Fn(&World), way: &WayBack<'_>, what: &str) {
    let WayBack { plain, save, .. } = *way;
    let calls_before =
        run(scenario, |world| world.journal.wish_at(save, Wish { cancel: false, pause: true })).await.calls();
    for call in calls_before..plain.calls() {
        for fault in HEALING {
            let what = format!("{what}, then {fault:?} at call {call}");
            let healed = run(scenario, |world| {
                lay(world);
                world.kafka.fault_once(call, fault);
            });
            let healed = healed.await;
            healed.met(1, &what);
            healed.ends_like(plain, &what);
        }
    }
    for death in save + 1..plain.world.journal.saves_tried() {
        for crash in CRASHES {
            let what = format!("{what}, then {crash:?} {death}");
            let healed = run(scenario, |world| {
                lay(world);
                world.journal.crash_at(death, crash);
            });
            let healed = healed.await;
            healed.met(0, &what);
            if way.gave_way && (death, crash) == (save + 1, Crash::BeforeSave) {
                // That the last step was done was never saved: it is taken back as one that may have been.
                healed.left_nothing(scenario, way.stuck_is_right, &what);
            } else {
                healed.ends_like(plain, &what);
            }
        }
    }
}

/// A person pauses at any moment, and resumes.
///
/// # Panics
/// Where the test fails.
pub async fn every_pause_is_a_rest(scenario: Scenario) {
    let plain = run(&scenario, |_| {}).await;
    for save in 0..plain.world.journal.saves_tried() {
        let what = format!("paused at save {save}");
        let mut paused = run(&scenario, |world| world.journal.wish_at(save, Wish { cancel: false, pause: true })).await;
        if save + 1 < plain.world.journal.saves_tried() || plain.heeds(save) {
            assert_eq!(paused.state, OperationState::Paused, "{what}");
            let before = paused.calls();
            assert_eq!(
                paused.world.drive().await,
                OperationState::Paused,
                "{what}: it rests however often it is looked at"
            );
            assert_eq!(paused.calls(), before, "{what}: nothing is done meanwhile");
            paused.world.journal.wish(paused.world.operation, Wish::default());
            paused.state = paused.world.drive().await;
        }
        paused.ends_like(&plain, &what);
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
