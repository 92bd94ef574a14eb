//! Any few faults at any places: a topic's making always ends, and never in a way that loses what is not Orbit's to lose.

use orbit_core::{
    model::topic::{TopicSpec, TopicStatus},
    ports::KafkaErrorKind::{AlreadyExists, Authentication, Forbidden, Invalid, Passing, Unreachable},
    testing::{At, Crash, Fault, Method, World, paused, scenario::NAME},
    workflow::OperationState,
};
use proptest::prelude::*;

/// What somebody else does to the topic, past Orbit.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Write,
    Delete,
    /// In place of whatever is there: a topic of another shape.
    PutAnother,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    Fault(usize, Fault),
    Crash(usize, Crash),
    /// At the nth look at the topic.
    Past(usize, Deed),
    Producers,
}

fn fault() -> impl Strategy<Value = Fault> {
    let kind = prop::sample::select(vec![Passing, Unreachable, Authentication, Forbidden, Invalid, AlreadyExists]);
    prop_oneof![
        kind.clone().prop_map(Fault::FailBefore),
        kind.prop_map(Fault::FailAfter),
        Just(Fault::LoseReply),
        Just(Fault::Hang),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let crash = prop::sample::select(vec![Crash::BeforeSave, Crash::AfterSave]);
    prop_oneof![
        6 => (0..24_usize, fault()).prop_map(|(call, fault)| Trouble::Fault(call, fault)),
        3 => (0..24_usize, crash).prop_map(|(save, crash)| Trouble::Crash(save, crash)),
        1 => Just(Trouble::Producers),
    ]
}

fn interference() -> impl Strategy<Value = Trouble> {
    let deed = prop::sample::select(vec![Deed::Write, Deed::Delete, Deed::PutAnother]);
    prop_oneof![
        3 => trouble(),
        1 => (0..8_usize, deed).prop_map(|(look, deed)| Trouble::Past(look, deed)),
    ]
}

fn lay(world: &World, trouble: Trouble) {
    match trouble {
        Trouble::Fault(call, fault) => world.kafka.fault_once(call, fault),
        Trouble::Crash(save, crash) => world.journal.crash_at(save, crash),
        Trouble::Producers => world.kafka.let_producers_write_at_once(),
        Trouble::Past(look, deed) => {
            world.kafka.before_once(At::Nth(Method::TopicsDescribe, look), move |kafka| match deed {
                Deed::Write if kafka.topic(NAME).is_some() => kafka.write_record(NAME),
                Deed::Write => {}
                Deed::Delete => kafka.remove(NAME),
                Deed::PutAnother => {
                    kafka.put(NAME, 99, &[]);
                }
            });
        }
    }
}

/// Makes a topic under the trouble, and checks what holds always.
fn make(troubles: &[Trouble]) -> (World, OperationState) {
    let world = World::new();
    let spec = TopicSpec { partitions: Some(6), retention_ms: Some(1_000), ..TopicSpec::default() };
    world.accept_create(NAME, spec);
    for trouble in troubles {
        lay(&world, *trouble);
    }
    let state = paused(world.drive());

    let ours: Vec<_> = world.kafka.made_in_order().into_iter().map(|(_, id)| id).collect();
    for (_, topic) in world.kafka.deleted() {
        assert!(!topic.records, "deleted a topic that holds records");
        assert!(ours.contains(&topic.id), "deleted a topic that is not ours");
    }
    let there = world.kafka.topic(NAME);
    let record = world.recorded().unwrap();
    match state {
        OperationState::Succeeded => {
            assert_eq!(record.status, TopicStatus::Active);
            assert!(record.kafka_topic_id.is_some_and(|id| ours.contains(&id)));
        }
        OperationState::RolledBack => {
            assert_eq!((record.status, record.kafka_topic_id), (TopicStatus::Failed, None));
            assert!(there.is_none_or(|topic| !ours.contains(&topic.id)), "left a topic of ours");
        }
        OperationState::Stuck => assert_eq!(record.status, TopicStatus::Provisioning),
        state => panic!("ended {state:?}"),
    }
    (world, state)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn under_any_faults_a_topic_is_made_once_or_not_at_all(troubles in prop::collection::vec(trouble(), 0..12)) {
        let (world, state) = make(&troubles);
        prop_assert!(world.kafka.made(NAME) <= 1, "made twice");
        if state == OperationState::Succeeded {
            prop_assert_eq!(world.kafka.topic(NAME).map(|t| t.id), world.recorded().unwrap().kafka_topic_id);
        }
    }

    #[test]
    fn whatever_others_do_meanwhile_nothing_of_theirs_is_lost(troubles in prop::collection::vec(interference(), 0..12)) {
        make(&troubles);
    }
}
