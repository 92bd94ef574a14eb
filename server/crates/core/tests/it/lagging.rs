//! What workflows do where a broker lags behind, or a request takes effect after its time.

use orbit_core::{
    model::topic::{Observed, TopicSpec, TopicStatus},
    ports::{
        CHANGE_ENDS_WITHIN,
        KafkaErrorKind::{Forbidden, Passing, Unreachable},
        KafkaTopicId,
    },
    testing::{At, Crash, FakeKafka, FakeTopic, Fault, Method, World, paused, scenario::NAME},
    workflow::{
        OperationState::{self, RolledBack, Stuck, Succeeded},
        Turn, turn,
    },
};
use std::time::Duration;

fn spec() -> TopicSpec {
    TopicSpec { partitions: Some(6), retention_ms: Some(1_000), ..TopicSpec::default() }
}

fn creating() -> World {
    let world = World::new();
    world.accept_create(NAME, spec());
    world
}

/// A topic that Orbit made before is to be made again, since it was not seen any more; it is there after all, and somebody changed it.
fn making_again() -> (World, KafkaTopicId) {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[("retention.ms", "7")]);
    world.accept_making_again(NAME, id, spec());
    (world, id)
}

fn deleting() -> World {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[]);
    world.accept_deletion(NAME, id, &TopicSpec::default());
    world
}

fn put_back(kafka: &FakeKafka, topic: FakeTopic) {
    kafka.put(NAME, 1, &[]);
    kafka.edit(NAME, move |there| *there = topic);
}

/// From the look of this number on the topic does not show, until another look.
fn hides(world: &World, from_look: usize, until_look: Option<usize>) {
    world.kafka.before_once(At::Nth(Method::TopicsDescribe, from_look), move |kafka| {
        let topic = kafka.topic(NAME).expect("a topic that is there can hide");
        kafka.remove(NAME);
        if let Some(look) = until_look {
            kafka.before_once(At::Nth(Method::TopicsDescribe, look), |kafka| put_back(kafka, topic));
        }
    });
}

#[track_caller]
fn ends(world: &World) -> (OperationState, String) {
    let state = paused(world.drive());
    (state, world.saga().failure.map_or(String::new(), |failure| failure.code))
}

fn ended(state: OperationState, code: &str) -> (OperationState, String) {
    (state, code.to_owned())
}

fn status(world: &World) -> Option<TopicStatus> {
    world.recorded().map(|record| record.status)
}

fn looks(world: &World) -> usize {
    world.kafka.calls_of(Method::TopicsDescribe)
}

#[test]
fn a_topic_that_shows_again_before_it_is_made_again_is_ours_and_stays_as_it_is() {
    let (world, id) = making_again();

    assert_eq!(ends(&world), ended(Succeeded, ""));

    let (topic, record) = (world.kafka.topic(NAME).unwrap(), world.recorded().unwrap());
    assert_eq!((topic.id, topic.configs["retention.ms"].as_str()), (id, "7"), "what differs shows as drift");
    assert_eq!((record.status, record.kafka_topic_id), (TopicStatus::Active, Some(id)));
    assert_eq!(world.kafka.made(NAME), 0);
}

#[test]
fn a_topic_that_shows_again_only_when_it_is_made_again_is_ours_too() {
    let (world, id) = making_again();
    let topic = world.kafka.topic(NAME).unwrap();
    hides(&world, 0, None);
    world.kafka.before_once(Method::TopicsCreate, |kafka| put_back(kafka, topic));

    assert_eq!(ends(&world), ended(Succeeded, ""));

    let record = world.recorded().unwrap();
    assert_eq!((record.status, record.kafka_topic_id), (TopicStatus::Active, Some(id)));
}

#[test]
fn a_topic_that_shows_again_is_not_taken_back() {
    let (world, id) = making_again();
    world.kafka.edit(NAME, |topic| drop(topic.configs.insert("retention.ms".to_owned(), "1000".to_owned())));
    hides(&world, 0, Some(1));
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Forbidden));

    assert_eq!(ends(&world), ended(RolledBack, "kafka.forbidden"));

    assert_eq!(world.kafka.topic(NAME).unwrap().id, id);
}

#[test]
fn a_topic_that_somebody_made_in_its_place_is_left_alone() {
    let (world, _) = making_again();
    let theirs = world.kafka.recreate(NAME);

    assert_eq!(ends(&world), ended(RolledBack, "topic.unmanaged"));

    assert_eq!(world.kafka.topic(NAME).unwrap().id, theirs);
}

#[test]
fn another_replication_factor_fails_where_nobody_had_looked_before() {
    let replicas = |n| TopicSpec { replication_factor: Some(n), ..spec() };
    for (before, end) in [
        (TopicSpec::default(), ended(RolledBack, "topic.replication-factor.change")),
        (replicas(1), ended(RolledBack, "topic.replication-factor.change")),
        // Replicas that were moved past Orbit are drift.
        (replicas(3), ended(Succeeded, "")),
    ] {
        let world = World::new();
        let id = world.kafka.put(NAME, 6, &[]);
        world.accept_update(NAME, id, &before, replicas(3));

        assert_eq!(ends(&world), end, "{before:?}");

        let observed = world.recorded().unwrap().observed.unwrap();
        assert_eq!(observed.topic.unwrap().replication_factor, 1, "the database learns it");
    }
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[]);
    world.kafka.edit(NAME, |topic| topic.replication_factor = 3);
    world.accept_update(NAME, id, &TopicSpec::default(), replicas(3));
    assert_eq!(ends(&world), ended(Succeeded, ""), "what the cluster has already may be written down");
}

#[test]
fn a_change_leaves_what_the_cluster_shows_in_the_record() {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[("retention.ms", "7")]);
    world.accept_update(NAME, id, &TopicSpec::default(), spec());

    assert_eq!(ends(&world), ended(Succeeded, ""));

    let Some(Observed { topic: Some(shown) }) = world.recorded().unwrap().observed else { panic!("nothing was seen") };
    assert_eq!((shown.id, shown.configs["retention.ms"].as_str()), (id, "1000"));
}

#[test]
fn a_name_is_free_when_the_cluster_shows_it() {
    let world = deleting();
    let topic = world.kafka.topic(NAME).unwrap();
    world.kafka.before_once(At::Nth(Method::TopicsDescribe, 0), |kafka| put_back(kafka, topic));
    hides(&world, 2, None);

    assert_eq!(ends(&world), ended(Succeeded, ""));

    assert_eq!((looks(&world), status(&world)), (3, None));
}

#[test]
fn a_name_that_was_free_before_a_wait_is_looked_at_again() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(Unreachable));
    world.kafka.before_once(At::Nth(Method::TopicsDescribe, 1), |kafka| {
        kafka.put(NAME, 6, &[("retention.ms", "1000")]);
    });

    assert_eq!(ends(&world), ended(RolledBack, "topic.unmanaged"));

    assert!(world.kafka.topic(NAME).is_some(), "as it was asked for, and somebody else's");
}

#[test]
fn a_topic_that_an_earlier_create_may_have_made_is_ours_after_a_wait_too() {
    let lost: fn(&World) = |world| world.kafka.fault_once(Method::TopicsCreate, Fault::LoseReply);
    let broken_off: fn(&World) = |world| world.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Passing));
    let died: fn(&World) = |world| world.journal.crash_at(1, Crash::BeforeSave);
    let died_after_a_wait: fn(&World) = |world| {
        world.kafka.fault_once(At::Nth(Method::TopicsCreate, 0), Fault::FailBefore(Unreachable));
        world.journal.crash_at(3, Crash::BeforeSave);
    };
    for (case, first) in [lost, broken_off, died, died_after_a_wait].into_iter().enumerate() {
        let world = creating();
        first(&world);
        let second = At::Nth(Method::TopicsCreate, if case == 3 { 2 } else { 1 });
        world.kafka.fault_once(second, Fault::FailBefore(Unreachable));

        assert_eq!(ends(&world), ended(Succeeded, ""), "case {case}");

        assert_eq!((world.kafka.made(NAME), world.journal.crashes_left()), (1, 0), "case {case}");
    }
}

#[test]
fn a_create_that_takes_effect_late_is_taken_back_all_the_same() {
    let world = creating();
    world.kafka.fault_always(Method::TopicsCreate, Fault::FailBefore(Passing));
    let second_look_back = At::Nth(Method::TopicsDescribe, 2);
    world.kafka.before_once(second_look_back, |kafka| {
        kafka.put(NAME, 6, &[("retention.ms", "1000")]);
    });

    assert_eq!(ends(&world), ended(RolledBack, "kafka.passing"));

    assert_eq!((world.kafka.topic(NAME), world.kafka.deleted().len()), (None, 1));
}

#[test]
fn a_deletion_that_takes_effect_late_drops_the_record_all_the_same() {
    let world = deleting();
    world.kafka.fault_always(Method::TopicsDelete, Fault::FailBefore(Passing));
    hides(&world, 1, None);

    assert_eq!(ends(&world), ended(RolledBack, "kafka.passing"));

    assert_eq!(status(&world), None);
}

#[test]
fn what_may_be_under_way_still_is_waited_for_as_long_as_that_may_last() {
    let world = deleting();
    world.kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(Passing));
    world.kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(Forbidden));
    paused(async {
        let mut held = world.journal.claim(world.operation);
        let mut waits = Vec::new();
        loop {
            match turn(&world.journal, &world.ports(), &mut held, Duration::from_secs(10)).await.unwrap() {
                Turn::Again => {}
                Turn::Later(after) => waits.push(after),
                Turn::Finished | Turn::Paused => break,
            }
        }
        assert_eq!(waits, [Duration::from_millis(100), CHANGE_ENDS_WITHIN]);
    });
    assert_eq!(status(&world), Some(TopicStatus::Active));
}

#[test]
fn a_deletion_that_was_cut_off_may_have_taken_effect() {
    let cut_off: fn(&World) = |world| world.kafka.fault_once(Method::TopicsDelete, Fault::LoseReply);
    let died: fn(&World) = |world| world.journal.crash_at(0, Crash::BeforeSave);
    for (case, ends_unseen) in [cut_off, died].into_iter().enumerate() {
        let world = deleting();
        ends_unseen(&world);
        world.kafka.fault_once(At::Nth(Method::TopicsDelete, 1), Fault::FailBefore(Forbidden));
        world.kafka.fault_always(Method::TopicsDescribe, Fault::FailBefore(Forbidden));

        assert_eq!(ends(&world), ended(Stuck, "kafka.forbidden"), "case {case}: nobody can tell what is left");

        assert_eq!(status(&world), Some(TopicStatus::Deleting), "case {case}");
    }
}

#[test]
fn a_deletion_that_was_done_stays_done_where_its_bundle_is_taken_back_and_a_broker_lags_behind() {
    let world = World::new();
    let (a, b) = (world.at_topic(1), world.at_topic(2));
    let ids = ["dev.payments.a", "dev.payments.b"].map(|name| world.kafka.put(name, 1, &[]));
    let there = world.kafka.topic("dev.payments.a").unwrap();
    world.begin(vec![
        a.deletion("dev.payments.a", ids[0], &TopicSpec::default()),
        b.deletion("dev.payments.b", ids[1], &TopicSpec::default()),
    ]);
    world.kafka.before_once(At::Nth(Method::TopicsDelete, 1), move |kafka| {
        kafka.put("dev.payments.a", 1, &[]);
        kafka.edit("dev.payments.a", move |shown| *shown = there);
    });
    world.kafka.fault_once(At::Nth(Method::TopicsDelete, 1), Fault::FailBefore(Forbidden));

    assert_eq!(ends(&world).0, RolledBack);

    assert_eq!(a.recorded(), None, "the cluster said that it is gone");
    assert_eq!(b.recorded().unwrap().status, TopicStatus::Active);
}
