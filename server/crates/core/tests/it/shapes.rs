//! Operations in flight outlive a release: each shape of saga that a release wrote has a file here that must load and finish.
//!
//! A change of a workflow's state shows as a difference to its newest file. Once a release wrote that shape, count `newest` up, so that the file
//! stays as it is, and write the next one with `ORBIT_BLESS=1 cargo test -p orbit-core --test it shapes`.

use orbit_core::{
    ports::KafkaErrorKind::Passing,
    testing::{
        Fault, Method, STEP_DEADLINE, TURNS, World, paused,
        scenario::{self, Scenario},
    },
    workflow::{OperationState, Turn, turn},
};
use std::path::PathBuf;

/// A workflow, where in its flight it is caught, and the number of its newest shape.
struct Flight {
    file: &'static str,
    newest: u32,
    scenario: fn() -> Scenario,
    /// The call that fails, so that the operation waits for its second try.
    caught_at: Method,
}

const FLIGHTS: [Flight; 4] = [
    Flight {
        file: "topic-provisioning",
        newest: 1,
        scenario: scenario::topic_provisioning,
        caught_at: Method::TopicsCreate,
    },
    Flight { file: "topic-update", newest: 2, scenario: scenario::topic_update, caught_at: Method::ConfigsChange },
    Flight { file: "topic-deletion", newest: 1, scenario: scenario::topic_deletion, caught_at: Method::TopicsDelete },
    Flight { file: "bundle", newest: 1, scenario: scenario::bundle, caught_at: Method::TopicsDelete },
];

impl Flight {
    fn path(&self, number: u32) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
        folder.join(format!("{}.v{number}.json", self.file))
    }

    /// A world in which the operation has failed once in the middle, and waits.
    fn caught(&self) -> World {
        let world = World::new();
        ((self.scenario)().begin)(&world);
        world.kafka.fault_once(self.caught_at, Fault::FailBefore(Passing));
        paused(async {
            let mut held = world.journal.claim(world.operation);
            for _ in 0..TURNS {
                match turn(&world.journal, &world.ports(), &mut held, STEP_DEADLINE).await {
                    Ok(Turn::Again) => {}
                    Ok(Turn::Later(_)) => return,
                    other => panic!("was not caught in flight: {other:?}"),
                }
            }
            panic!("goes on and on");
        });
        world
    }
}

#[test]
fn what_this_build_writes_is_the_newest_shape() {
    for flight in FLIGHTS {
        let mut now = serde_json::to_string_pretty(&flight.caught().saga()).unwrap();
        now.push('\n');
        let path = flight.path(flight.newest);
        if std::env::var_os("ORBIT_BLESS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(now, kept, "{}: keep it, and add the next number", path.display());
    }
}

#[test]
fn every_shape_that_was_ever_written_loads_and_finishes() {
    for flight in FLIGHTS {
        for number in 1..=flight.newest {
            let path = flight.path(number);
            let json = std::fs::read_to_string(&path).unwrap();
            let world = flight.caught();
            world.journal.begin_json(world.operation, json);
            assert_eq!(world.saga().state, OperationState::Waiting, "{}", path.display());

            assert_eq!(paused(world.drive()), OperationState::Succeeded, "{}", path.display());
            ((flight.scenario)().succeeded)(&world);
        }
    }
}
