//! What workflows do where somebody acts past Orbit, or where the cluster will not have it.

use orbit_core::{
    model::topic::{CleanupPolicy, Observed, TopicSpec, TopicStatus},
    ports::{
        KafkaErrorKind::{Forbidden, Invalid, NotFound, Passing},
        KafkaTopicId,
    },
    testing::{At, FakeTopic, Fault, Method, World, paused, scenario::NAME},
    workflow::{
        Mark,
        OperationState::{self, RolledBack, Stuck, Succeeded},
    },
};
use serde_json::{Value, json};

fn spec(partitions: Option<u32>, retention_ms: Option<i64>) -> TopicSpec {
    TopicSpec { partitions, retention_ms, ..TopicSpec::default() }
}

/// A topic is to be made of six partitions.
fn creating() -> World {
    let world = World::new();
    world.accept_create(NAME, spec(Some(6), Some(1_000)));
    world
}

/// A topic of six partitions and a retention of 1,000 is to get 2,000, and to grow to twelve.
fn updating() -> (World, KafkaTopicId) {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[("retention.ms", "1000")]);
    world.accept_update(NAME, id, &spec(Some(6), Some(1_000)), spec(Some(12), Some(2_000)));
    (world, id)
}

fn deleting() -> World {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[]);
    world.accept_deletion(NAME, id, &TopicSpec::default());
    world
}

trait Story {
    /// Drives the operation to its end, and says how it ended and why.
    fn ends(&self) -> (OperationState, String);
    fn status(&self) -> Option<TopicStatus>;
}
impl Story for World {
    #[track_caller]
    fn ends(&self) -> (OperationState, String) {
        let state = paused(self.drive());
        (state, self.saga().failure.map_or(String::new(), |f| f.code))
    }
    fn status(&self) -> Option<TopicStatus> {
        self.recorded().map(|record| record.status)
    }
}

fn ended(state: OperationState, code: &str) -> (OperationState, String) {
    (state, code.to_owned())
}

#[test]
fn a_topic_that_somebody_has_under_the_name_is_left_alone() {
    let world = creating();
    let theirs = world.kafka.put(NAME, 6, &[("retention.ms", "1000")]);

    assert_eq!(world.ends(), ended(RolledBack, "topic.unmanaged"));

    assert_eq!(world.kafka.topic(NAME).unwrap().id, theirs);
    assert_eq!(world.status(), Some(TopicStatus::Failed));
}

#[test]
fn a_topic_that_somebody_makes_in_the_last_moment_is_left_alone() {
    let world = creating();
    let kafka = &world.kafka;
    kafka.before_once(Method::TopicsCreate, |kafka| {
        kafka.put(NAME, 1, &[]);
    });

    assert_eq!(world.ends(), ended(RolledBack, "topic.unmanaged"));

    assert_eq!(world.kafka.topic(NAME).unwrap().partitions, 1);
}

/// What makes a topic another one than was asked for.
type Edit = fn(&mut FakeTopic);

#[test]
fn only_what_is_as_we_asked_is_taken_for_ours() {
    let wanted = TopicSpec {
        partitions: Some(6),
        replication_factor: Some(1),
        retention_ms: Some(1_000),
        cleanup_policy: Some(CleanupPolicy::CompactDelete),
        ..TopicSpec::default()
    };
    let configs = [("retention.ms", "1000"), ("cleanup.policy", "delete, compact")];
    let table: [(Edit, bool); 6] = [
        (|_| {}, true),
        (|topic| topic.records = true, true),
        (|topic| topic.partitions = 7, false),
        (|topic| topic.replication_factor = 2, false),
        (|topic| drop(topic.configs.insert("retention.ms".into(), "1001".into())), false),
        (|topic| drop(topic.configs.remove("cleanup.policy")), false),
    ];
    for (case, (edit, ours)) in table.into_iter().enumerate() {
        let world = World::new();
        world.accept_create(NAME, wanted.clone());
        world.kafka.before_once(Method::TopicsCreate, move |kafka| {
            kafka.put(NAME, 6, &configs);
            kafka.edit(NAME, edit);
        });
        let end = if ours { ended(Succeeded, "") } else { ended(RolledBack, "topic.unmanaged") };
        assert_eq!(world.ends(), end, "case {case}");
        assert!(world.kafka.topic(NAME).is_some(), "case {case}");
    }
}

#[test]
fn our_own_topic_is_recognized_when_the_answer_to_its_making_was_lost() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::LoseReply);

    assert_eq!(world.ends(), ended(Succeeded, ""));

    assert_eq!(world.kafka.made(NAME), 1);
    assert_eq!(world.recorded().unwrap().kafka_topic_id, world.kafka.topic(NAME).map(|t| t.id));
}

/// The operation as another release, or a bundle, might have left it.
fn kept_as(world: &World, edit: impl FnOnce(&mut Value)) {
    let mut saga = serde_json::to_value(world.saga()).unwrap();
    edit(&mut saga);
    world.journal.begin_json(world.operation, saga.to_string());
}

#[test]
fn a_topic_is_ours_only_where_the_name_was_seen_free_before() {
    let world = creating();
    kept_as(&world, |saga| saga["at"] = json!(1));
    let theirs = world.kafka.put(NAME, 6, &[("retention.ms", "1000")]);

    assert_eq!(world.ends(), ended(RolledBack, "topic.unmanaged"));

    assert_eq!(world.kafka.topic(NAME).unwrap().id, theirs);
}

#[test]
fn taking_back_goes_by_the_id_where_it_is_known() {
    for recreated in [false, true] {
        let world = creating();
        let ours = world.kafka.put(NAME, 1, &[]);
        kept_as(&world, |saga| {
            saga["at"] = json!(1);
            saga["state"] = json!("rolling-back");
            saga["failure"] = json!({"code": "kafka.refused", "user": "", "operator": ""});
            saga["pieces"][0]["state"]["kafka_topic_id"] = json!(ours);
        });
        if recreated {
            world.kafka.recreate(NAME);
        }

        assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));

        assert_eq!(world.kafka.topic(NAME).is_some(), recreated);
    }
}

#[test]
fn a_topic_that_goes_in_the_last_moment_is_gone_all_the_same() {
    let taken_back = creating();
    taken_back.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Forbidden));
    let deleted = deleting();
    for (world, end) in [(taken_back, ended(RolledBack, "kafka.forbidden")), (deleted, ended(Succeeded, ""))] {
        world.kafka.before_once(Method::TopicsDelete, |kafka| kafka.remove(NAME));
        assert_eq!(world.ends(), end);
    }
}

/// So that who tries again is not told that the name is taken, by a listing of before.
#[test]
fn a_topic_that_was_taken_back_frees_its_name_and_one_that_is_not_ours_does_not() {
    let freed = |world: &World| {
        let free = Mark::TopicNameFree { topic: world.topic };
        world.journal.saves().iter().filter(|saved| saved.save.marks.contains(&free)).count()
    };
    let taken_back = creating();
    taken_back.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Forbidden));
    assert_eq!((taken_back.ends(), freed(&taken_back)), (ended(RolledBack, "kafka.forbidden"), 1));

    let theirs = creating();
    theirs.kafka.before_once(Method::TopicsCreate, |kafka| {
        kafka.put(NAME, 1, &[]);
    });
    assert_eq!((theirs.ends(), freed(&theirs)), (ended(RolledBack, "topic.unmanaged"), 0));
}

#[test]
fn a_topic_that_holds_records_already_is_not_taken_back() {
    let world = creating();
    world.kafka.let_producers_write_at_once();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Forbidden));

    assert_eq!(world.ends(), ended(Stuck, "kafka.forbidden"));

    assert!(world.kafka.topic(NAME).unwrap().records);
    let told = world.saga().steps[1].last_error.clone().unwrap();
    assert!(told.contains("holds records already, so it is not taken back"), "{told}");
}

#[test]
fn whether_a_fresh_topic_holds_records_is_asked_again_where_a_broker_does_not_know_it_yet() {
    let world = creating();
    world.kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(Invalid));
    world.kafka.fault_once(Method::TopicHasRecords, Fault::FailBefore(NotFound));

    assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));

    assert_eq!(world.kafka.topic(NAME), None);
    assert_eq!(world.kafka.calls_of(Method::TopicHasRecords), 2);
}

#[test]
fn what_kafka_refuses_is_told_in_its_words_and_nothing_is_left() {
    let world = World::new();
    let mut wanted = spec(None, None);
    wanted.replication_factor = Some(5);
    world.accept_create(NAME, wanted);

    assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));

    let told = world.saga().failure.unwrap().user;
    assert_eq!(told, "The replication factor must be at least 1 and at most 3.");
    assert!(world.kafka.snapshot().is_empty());
}

#[test]
fn an_update_of_a_topic_that_is_gone_says_so_and_the_database_learns_it() {
    let (world, _) = updating();
    world.kafka.remove(NAME);

    assert_eq!(world.ends(), ended(RolledBack, "topic.gone"));

    let record = world.recorded().unwrap();
    assert_eq!(record.observed, Some(Observed { topic: None }));
    assert_eq!(record.spec, spec(Some(6), Some(1_000)));
}

#[test]
fn an_update_of_a_topic_that_was_made_anew_says_so_and_the_database_learns_it() {
    let (world, _) = updating();
    let theirs = world.kafka.recreate(NAME);

    assert_eq!(world.ends(), ended(RolledBack, "topic.recreated"));

    let observed = world.recorded().unwrap().observed.unwrap().topic.unwrap();
    assert_eq!(observed.id, theirs);
    assert_eq!(world.kafka.calls_of(Method::ConfigsChange), 0);
}

#[test]
fn a_topic_made_anew_while_the_cluster_was_out_of_reach_is_not_changed() {
    for look in 1..=2 {
        let (world, _) = updating();
        let at = At::Nth(Method::TopicsDescribe, look);
        world.kafka.before_once(at, |kafka| {
            kafka.remove(NAME);
            kafka.put(NAME, 3, &[("retention.ms", "7")]);
        });

        assert_eq!(world.ends(), ended(RolledBack, "topic.recreated"), "look {look}");

        let theirs = world.kafka.topic(NAME).unwrap();
        assert_eq!((theirs.partitions, theirs.configs["retention.ms"].as_str()), (3, "7"));
    }
}

#[test]
fn taking_an_update_back_leaves_what_somebody_changed_since() {
    let (world, _) = updating();
    world.kafka.fault_once(Method::PartitionsGrow, Fault::FailBefore(Invalid));
    world.kafka.before_once(Method::PartitionsGrow, |kafka| kafka.alter(NAME, "retention.ms", Some("3000")));

    assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));

    assert_eq!(world.kafka.topic(NAME).unwrap().configs["retention.ms"], "3000");
}

#[test]
fn taking_an_update_back_restores_what_was_unset() {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[("retention.ms", "1000")]);
    world.accept_update(NAME, id, &spec(None, Some(1_000)), spec(Some(12), None));
    world.kafka.fault_once(Method::PartitionsGrow, Fault::FailBefore(Invalid));

    assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));

    assert_eq!(world.kafka.topic(NAME).unwrap().configs["retention.ms"], "1000");
}

#[test]
fn a_topic_that_goes_while_an_update_is_taken_back_needs_no_restoring() {
    let (world, _) = updating();
    world.kafka.fault_once(Method::PartitionsGrow, Fault::FailBefore(Invalid));
    world.kafka.before_once(At::Nth(Method::ConfigsChange, 1), |kafka| kafka.remove(NAME));

    assert_eq!(world.ends(), ended(RolledBack, "kafka.refused"));
}

#[test]
fn a_topic_that_somebody_grew_beyond_what_is_asked_is_not_shrunk() {
    let (world, _) = updating();
    let last_look = At::Nth(Method::TopicsDescribe, 2);
    world.kafka.before_once(last_look, |kafka| kafka.edit(NAME, |t| t.partitions = 24));

    assert_eq!(world.ends(), ended(RolledBack, "topic.partitions.shrink"));

    let topic = world.kafka.topic(NAME).unwrap();
    assert_eq!((topic.partitions, topic.configs["retention.ms"].as_str()), (24, "1000"));
}

#[test]
fn a_topic_that_is_what_it_is_to_be_is_not_touched() {
    let world = World::new();
    let id = world.kafka.put(NAME, 6, &[("cleanup.policy", "delete,compact")]);
    let mut wanted = spec(Some(6), None);
    wanted.config = [("cleanup.policy".to_owned(), "compact, delete".to_owned())].into();
    world.accept_update(NAME, id, &TopicSpec::default(), wanted);

    assert_eq!(world.ends(), ended(Succeeded, ""));

    assert_eq!(world.kafka.calls_of(Method::ConfigsChange), 0);
    assert_eq!(world.kafka.calls_of(Method::PartitionsGrow), 0);
}

#[test]
fn deleting_leaves_a_topic_alone_that_somebody_made_anew_and_drops_the_record() {
    let world = deleting();
    let theirs = world.kafka.recreate(NAME);

    assert_eq!(world.ends(), ended(Succeeded, ""));

    assert_eq!(world.kafka.topic(NAME).unwrap().id, theirs);
    assert_eq!(world.status(), None);
}

#[test]
fn deleting_what_is_gone_already_drops_the_record() {
    let world = deleting();
    world.kafka.remove(NAME);

    assert_eq!(world.ends(), ended(Succeeded, ""));

    assert_eq!((world.status(), world.kafka.deleted()), (None, vec![]));
}

#[test]
fn a_topic_that_orbit_may_not_delete_is_kept_and_one_that_it_may_not_see_either_waits_for_a_person() {
    let world = deleting();
    world.kafka.fault_always(Method::TopicsDelete, Fault::FailBefore(Forbidden));
    assert_eq!(world.ends(), ended(RolledBack, "kafka.forbidden"));
    assert_eq!(world.status(), Some(TopicStatus::Active));
    assert!(world.kafka.topic(NAME).is_some());

    let world = deleting();
    world.kafka.fault_always(At::Any, Fault::FailBefore(Forbidden));
    assert_eq!(world.ends(), ended(Stuck, "kafka.forbidden"));
    assert!(world.kafka.topic(NAME).is_some());
}

#[test]
fn a_deletion_that_was_asked_for_and_cannot_be_looked_at_waits_for_a_person() {
    let world = deleting();
    world.kafka.fault_once(Method::TopicsDelete, Fault::FailAfter(Passing));
    world.kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(Forbidden));
    world.kafka.fault_always(Method::TopicsDescribe, Fault::FailBefore(Forbidden));

    assert_eq!(world.ends(), ended(Stuck, "kafka.forbidden"));

    assert_eq!(world.status(), Some(TopicStatus::Deleting));
}

/// Shows the topic's retention as something else from the look on with which the update's last step begins.
fn shows_otherwise(world: &World, from_look: usize, retention_ms: &'static str) {
    let look = At::Nth(Method::TopicsDescribe, from_look);
    world.kafka.before_once(look, move |kafka| kafka.alter(NAME, "retention.ms", Some(retention_ms)));
}

#[test]
fn a_change_is_done_when_the_cluster_shows_it() {
    // Looks of the steps before: observe, change-configs, grow-partitions.
    const LAST_STEP: usize = 3;
    let (world, _) = updating();
    shows_otherwise(&world, LAST_STEP, "1000");
    shows_otherwise(&world, LAST_STEP + 2, "2000");

    assert_eq!(world.ends(), ended(Succeeded, ""));

    assert_eq!(
        world.kafka.calls_of(Method::TopicsDescribe),
        LAST_STEP + 3,
        "two that did not show it, and one that did"
    );
    let step = world.saga().steps.pop().unwrap();
    assert_eq!((step.attempts, step.waits, step.last_error), (0, 0, None), "it costs nothing, and is no news");
}

#[test]
fn a_change_that_somebody_undoes_at_once_ends_all_the_same() {
    let (world, _) = updating();
    shows_otherwise(&world, 3, "7");

    assert_eq!(world.ends(), ended(Succeeded, ""));

    let record = world.recorded().unwrap();
    assert_eq!((record.status, record.spec.retention_ms), (TopicStatus::Active, Some(2_000)), "what differs is drift");
}

#[test]
fn a_name_that_somebody_takes_while_a_bundle_works_on_others_is_not_ours() {
    let world = World::new();
    let (a, b) = (world.at_topic(1), world.at_topic(2));
    world.begin(vec![
        a.create("dev.payments.a", TopicSpec::default()),
        b.create("dev.payments.b", TopicSpec::default()),
    ]);
    // Both names were seen free by then.
    world.kafka.before_once(Method::TopicsCreate, |kafka| {
        kafka.put("dev.payments.b", 3, &[]);
    });

    assert_eq!(world.ends(), (RolledBack, "topic.unmanaged".to_owned()));

    assert_eq!(world.kafka.topic("dev.payments.b").expect("it is somebody's").partitions, 3);
    assert_eq!(world.kafka.topic("dev.payments.a"), None);
    assert_eq!(
        (a.recorded().unwrap().status, b.recorded().unwrap().status),
        (TopicStatus::Failed, TopicStatus::Failed)
    );
}
