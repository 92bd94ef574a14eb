//! A save: state, consequences and audit in one transaction, under the fence.

use crate::support::{Place, SECOND, TestStore, Then, fresh, on_both, physical, seen, spec};
use orbit_core::{
    change::TopicChange,
    id::{ReplicaId, RequestId},
    model::topic::{Observed, TopicStatus},
    ports::{KafkaTopicId, Ports},
    testing::{FakeClusters, FakeKafka},
    workflow::{Failure, Held, Journal, JournalError, Mark, OperationState, Save, Turn, Wish, turn},
};
use orbit_store::{AuditRow, Health, LeasedJournal, OperationRow};
use std::{sync::Arc, time::Duration};

async fn operation(db: &TestStore, held: &Held) -> OperationRow {
    db.read().await.unwrap().operation(held.id).await.unwrap().unwrap()
}

async fn trail(db: &TestStore, change: &TopicChange) -> Vec<AuditRow> {
    db.read().await.unwrap().audit_of(change.id.uuid(), 100).await.unwrap()
}

async fn is_locked(db: &TestStore, change: &TopicChange) -> bool {
    db.read().await.unwrap().request_open(change.id.uuid()).await.unwrap().is_some()
}

fn made(change: &TopicChange, partitions: u32) -> Mark {
    let kafka_topic_id = KafkaTopicId::from_uuid(fresh());
    Mark::TopicActive { topic: change.id, kafka_topic_id, spec: spec(partitions) }
}

async fn working(db: &TestStore, place: &Place) -> (TopicChange, RequestId, Held) {
    let create = place.create("orders", 1);
    let (request, held) = db.operate(place, &create).await;
    (create, request, held)
}

async fn a_step_on_the_way_keeps_lease_and_locks(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let (mut held, save) = Place::ended(&held, OperationState::Running, vec![]);
    held.saga.at = 1;
    assert_eq!(db.journal(&place).save(&held, save).await.map(|saved| saved.version), Ok(2));
    let row = operation(&db, &held).await;
    assert_eq!((row.version, row.state, &row.saga, row.finished_at), (2, OperationState::Running, &held.saga, None));
    assert!(is_locked(&db, &create).await);
    assert_eq!(trail(&db, &create).await, []);
}

async fn the_last_step_applies_marks_frees_the_object_and_tells(db: TestStore) {
    let place = db.place().await;
    let (create, request, held) = working(&db, &place).await;
    let mark = made(&create, 6);
    let (held, save) = Place::ended(&held, OperationState::Succeeded, vec![mark.clone()]);
    assert_eq!(db.journal(&place).save(&held, save).await.map(|saved| saved.version), Ok(2));

    let topic = db.topic(&create).await.unwrap();
    assert_eq!((topic.status, &topic.desired), (TopicStatus::Active, &spec(6)));
    assert!(matches!(mark, Mark::TopicActive { kafka_topic_id, .. } if topic.kafka_topic_id == Some(kafka_topic_id)));
    assert!(operation(&db, &held).await.finished_at.is_some());
    assert!(!is_locked(&db, &create).await);
    let told: Vec<_> =
        trail(&db, &create).await.into_iter().map(|e| (e.action, e.actor, e.request_id, e.detail)).collect();
    assert_eq!(told, [("operation.succeeded".to_owned(), "orbit".to_owned(), Some(request), None)]);
}

async fn a_fenced_save_leaves_nothing(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let before = (operation(&db, &held).await, db.topic(&create).await);
    let (ended, save) = Place::ended(&held, OperationState::Succeeded, vec![made(&create, 6)]);

    let stranger = LeasedJournal { replica: ReplicaId::from_uuid(fresh()), ..db.journal(&place) };
    assert_eq!(stranger.save(&ended, save.clone()).await, Err(JournalError::Fenced), "another holder");
    for version in [0, 2] {
        let stale = Held { version, ..ended.clone() };
        assert_eq!(db.journal(&place).save(&stale, save.clone()).await, Err(JournalError::Fenced), "version {version}");
    }
    assert_eq!((operation(&db, &held).await, db.topic(&create).await), before);
    assert!(is_locked(&db, &create).await);
    assert_eq!(trail(&db, &create).await, []);

    assert_eq!(db.journal(&place).save(&ended, save.clone()).await.map(|saved| saved.version), Ok(2));
    assert_eq!(db.journal(&place).save(&ended, save).await, Err(JournalError::Fenced), "and no save counts twice");
}

async fn a_mark_that_cannot_be_leaves_nothing(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let kept = Mark::TopicKept { topic: create.id };
    let (ended, save) = Place::ended(&held, OperationState::Succeeded, vec![made(&create, 6), kept]);
    let answer = db.journal(&place).save(&ended, save).await;
    assert!(matches!(&answer, Err(JournalError::Unfit(why)) if why.contains("DeleteFailed")), "{answer:?}");
    assert_eq!(operation(&db, &held).await.version, 1);
    assert_eq!(db.topic(&create).await.unwrap().status, TopicStatus::Provisioning);
    assert!(is_locked(&db, &create).await);
}

async fn a_step_that_the_record_does_not_fit_ends_the_operation_for_a_person_to_look(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    db.write(async |tx| tx.topic_forget(create.id).await).await.unwrap();
    let kafka = FakeKafka::new();
    let clusters = Arc::new(FakeClusters::of(place.cluster, kafka.clone()));
    let ports = Ports { clusters, clock: db.clock.clone() };

    let mut held = held;
    let mut turns = 0;
    while turn(&db.journal(&place), &ports, &mut held, 10 * SECOND).await.unwrap() != Turn::Finished {
        turns += 1;
        assert!(turns < 10, "goes on and on");
    }

    let row = operation(&db, &held).await;
    assert_eq!((row.state, &row.saga), (OperationState::Stuck, &held.saga));
    assert!(row.finished_at.is_some() && is_locked(&db, &create).await);
    let failure = row.saga.failure.unwrap();
    assert_eq!(failure.code, "workflow.record");
    assert!(failure.operator.contains("Provisioned"), "{}", failure.operator);
    let told = trail(&db, &create).await;
    assert_eq!((told[0].action.as_str(), told[0].detail.as_deref()), ("operation.stuck", Some(failure.user.as_str())));
    assert_eq!(kafka.made("dev.payments.orders"), 1, "what was done stays until somebody looked");
}

async fn what_was_taken_back_says_why(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let (mut held, save) =
        Place::ended(&held, OperationState::RolledBack, vec![Mark::TopicFailed { topic: create.id }]);
    let failure = Failure {
        code: "kafka.refused".to_owned(),
        user: "the cluster refuses it".to_owned(),
        operator: "INVALID_CONFIG from broker 3".to_owned(),
    };
    held.saga.failure = Some(failure.clone());
    let save = Save { failure: Some(failure), ..save };
    db.journal(&place).save(&held, save).await.unwrap();
    assert_eq!(db.topic(&create).await.unwrap().status, TopicStatus::Failed);
    assert!(!is_locked(&db, &create).await);
    let told = trail(&db, &create).await;
    assert_eq!(
        (told[0].action.as_str(), told[0].detail.as_deref()),
        ("operation.rolled-back", Some("the cluster refuses it"))
    );
}

async fn what_is_stuck_keeps_its_object_locked(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let (held, save) = Place::ended(&held, OperationState::Stuck, vec![]);
    db.journal(&place).save(&held, save).await.unwrap();
    assert!(is_locked(&db, &create).await, "a person has to look first");
    assert_eq!(trail(&db, &create).await[0].action, "operation.stuck");
}

async fn marks_of_updates_and_looks(db: TestStore) {
    let place = db.place().await;
    let update = db.active(&place, "orders").await.update(spec(6));
    let (_, held) = db.operate(&place, &update).await;
    let gone = Observed { topic: None };
    let look = Mark::TopicObserved { topic: update.id, observed: gone.clone() };
    let (held, save) = Place::ended(&held, OperationState::Running, vec![look]);
    let version = db.journal(&place).save(&held, save).await.unwrap().version;
    assert_eq!(db.topic(&update).await.unwrap().observed, Some(gone));

    let done = |observed| Mark::TopicUpdated { topic: update.id, spec: spec(6), observed };
    let (held, save) = Place::ended(&Held { version, ..held }, OperationState::Running, vec![done(None)]);
    let version = db.journal(&place).save(&held, save).await.unwrap().version;
    let row = db.topic(&update).await.unwrap();
    assert_eq!((row.status, &row.desired), (TopicStatus::Active, &spec(6)));
    assert_eq!((row.observed, row.observed_at), (None, None), "what was seen before is not what is there now");

    let seen = Some(seen(KafkaTopicId::from_uuid(fresh()), 6));
    let (held, save) = Place::ended(&Held { version, ..held }, OperationState::Succeeded, vec![done(seen.clone())]);
    db.journal(&place).save(&held, save).await.unwrap();
    let row = db.topic(&update).await.unwrap();
    assert_eq!((row.observed, row.observed_at.is_some()), (seen, true));
}

async fn a_deleted_topic_frees_its_name_at_once(db: TestStore) {
    let place = db.place().await;
    let delete = db.active(&place, "orders").await.delete();
    let names = vec![physical("dev.payments.orders"), physical("dev.payments.orders2")];
    let description = db.read().await.unwrap().cluster(place.cluster).await.unwrap().unwrap().description.unwrap();
    let health = Health::Well { description: Box::new(description), topics: names.clone(), began: db.now().await };
    db.write(async |tx| tx.cluster_seen(place.cluster, &health).await).await.unwrap();

    let (_, held) = db.operate(&place, &delete).await;
    let gone = Mark::TopicDeleted { topic: delete.id };
    // Twice, as after a save whose answer was lost.
    let (held, save) = Place::ended(&held, OperationState::Succeeded, vec![gone.clone(), gone]);
    db.journal(&place).save(&held, save).await.unwrap();
    assert_eq!(db.topic(&delete).await, None);
    assert_eq!(db.shown(place.cluster, &names[0]).await, None);
    let other = db.shown(place.cluster, &physical("dev.payments_orders2")).await;
    assert_eq!(other.as_deref(), Some(names[1].as_str()), "Kafka takes '.' and '_' for the same");
    // A listing that began before the deletion still shows the topic; one that begins now is believed.
    db.write(async |tx| tx.cluster_seen(place.cluster, &health).await).await.unwrap();
    assert_eq!(db.shown(place.cluster, &names[0]).await, None);
    db.pass(SECOND).await;
    let Health::Well { description, topics, .. } = health else { unreachable!("it is well") };
    let again = Health::Well { description, topics, began: db.now().await };
    db.write(async |tx| tx.cluster_seen(place.cluster, &again).await).await.unwrap();
    assert!(db.shown(place.cluster, &names[0]).await.is_some());
    assert_eq!(trail(&db, &delete).await[0].action, "operation.succeeded", "the trail outlives the topic");
}

async fn a_topic_that_was_taken_back_frees_its_name_at_once(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 3);
    let (_, held) = db.operate(&place, &create).await;
    let name = physical("dev.payments.orders");
    let description = db.read().await.unwrap().cluster(place.cluster).await.unwrap().unwrap().description.unwrap();
    let health = Health::Well { description: Box::new(description), topics: vec![name.clone()], began: db.now().await };
    db.write(async |tx| tx.cluster_seen(place.cluster, &health).await).await.unwrap();

    let marks = vec![Mark::TopicNameFree { topic: create.id }, Mark::TopicFailed { topic: create.id }];
    let (held, save) = Place::ended(&held, OperationState::RolledBack, marks);
    db.journal(&place).save(&held, save).await.unwrap();

    assert_eq!(db.topic(&create).await.unwrap().status, TopicStatus::Failed);
    assert_eq!(db.shown(place.cluster, &name).await, None);
}

async fn what_was_made_and_is_taken_back_with_its_bundle_ends_as_if_never_made(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 3);
    let (_, held) = db.operate(&place, &create).await;
    let topic = create.id;
    let journal = db.journal(&place);
    let told = Save {
        marks: vec![made(&create, 3)],
        state: OperationState::Running,
        due: Duration::ZERO,
        failure: None,
        heeds: false,
    };
    let version = journal.save(&held, told).await.unwrap().version;
    assert_eq!(db.topic(&create).await.unwrap().status, TopicStatus::Active);

    let marks = vec![Mark::TopicTakenBack { topic }, Mark::TopicNameFree { topic }, Mark::TopicFailed { topic }];
    let (held, save) = Place::ended(&Held { version, ..held }, OperationState::RolledBack, marks);
    journal.save(&held, save).await.unwrap();

    let row = db.topic(&create).await.unwrap();
    assert_eq!((row.status, row.kafka_topic_id), (TopicStatus::Failed, None));
}

async fn a_topic_that_could_not_be_deleted_is_active_again(db: TestStore) {
    let place = db.place().await;
    let delete = db.active(&place, "orders").await.delete();
    let (_, held) = db.operate(&place, &delete).await;
    let kept = Mark::TopicKept { topic: delete.id };
    let (held, save) = Place::ended(&held, OperationState::RolledBack, vec![kept]);
    db.journal(&place).save(&held, save).await.unwrap();
    let row = db.topic(&delete).await.unwrap();
    assert_eq!((row.status, row.kafka_topic_id.is_some()), (TopicStatus::Active, true));
}

async fn what_goes_further_than_a_step_gives_way_to_a_wish(db: TestStore) {
    let place = db.place().await;
    let (create, _, held) = working(&db, &place).await;
    let journal = db.journal(&place);
    let (ended, whole) = Place::ended(&held, OperationState::Succeeded, vec![made(&create, 1)]);
    let whole = Save { heeds: true, ..whole };
    for wish in [Wish { cancel: false, pause: true }, Wish { cancel: true, pause: false }] {
        assert!(db.write(async |tx| tx.operation_wish(held.id, wish).await).await.unwrap());
        assert_eq!(journal.save(&ended, whole.clone()).await, Err(JournalError::Wished));
    }
    assert_eq!(db.topic(&create).await.unwrap().status, TopicStatus::Provisioning, "nothing of it was saved");
    let (running, step) = Place::ended(&held, OperationState::Running, vec![]);
    assert!(journal.save(&running, step).await.unwrap().wish.cancel, "one step is, and tells what is wished");
}

async fn saves_of_many_operations_do_not_stand_in_each_others_way(db: TestStore) {
    let place = db.place().await;
    let mut works = Vec::new();
    for i in 0..12 {
        works.push(db.operate(&place, &place.create(&format!("t{i}"), 1)).await.1);
    }
    let mut running = Vec::new();
    for mut held in works {
        let journal = db.journal(&place);
        running.push(tokio::spawn(async move {
            for _ in 0..5 {
                let (next, save) = Place::ended(&held, OperationState::Running, vec![]);
                held.version = journal.save(&next, save).await.unwrap().version;
            }
            held.version
        }));
    }
    for one in running {
        assert_eq!(tokio::time::timeout(30 * SECOND, one).await.unwrap().unwrap(), 6);
    }
}

async fn a_save_that_cannot_be_leaves_those_beside_it_alone(db: TestStore) {
    let place = db.place().await;
    let mut works = Vec::new();
    for i in 0..24 {
        let create = place.create(&format!("t{i}"), 6);
        let held = db.operate(&place, &create).await.1;
        works.push((create, held));
    }
    let mut running = Vec::new();
    for (i, (create, held)) in works.iter().cloned().enumerate() {
        let journal = db.journal(&place);
        running.push(tokio::spawn(async move {
            let mut marks = vec![made(&create, 6)];
            if i % 6 == 1 {
                marks.push(Mark::TopicKept { topic: create.id });
            }
            let held = if i % 6 == 2 { Held { version: held.version + 7, ..held } } else { held };
            let (ended, save) = Place::ended(&held, OperationState::Succeeded, marks);
            journal.save(&ended, save).await
        }));
    }
    for (i, ((create, held), saved)) in works.into_iter().zip(running).enumerate() {
        let saved = tokio::time::timeout(30 * SECOND, saved).await.unwrap().unwrap();
        let (status, version) = (db.topic(&create).await.unwrap().status, operation(&db, &held).await.version);
        match i % 6 {
            1 => assert!(matches!(saved, Err(JournalError::Unfit(_))), "{saved:?}"),
            2 => assert_eq!(saved, Err(JournalError::Fenced)),
            _ => assert_eq!(saved.map(|saved| saved.version), Ok(2)),
        }
        let is_saved = !(1..=2).contains(&(i % 6));
        let expected = if is_saved { (TopicStatus::Active, 2) } else { (TopicStatus::Provisioning, 1) };
        assert_eq!((status, version), expected, "save {i}");
        assert_eq!(is_locked(&db, &create).await, !is_saved, "save {i}");
    }
}

on_both!(
    a_step_on_the_way_keeps_lease_and_locks,
    the_last_step_applies_marks_frees_the_object_and_tells,
    a_fenced_save_leaves_nothing,
    a_mark_that_cannot_be_leaves_nothing,
    a_step_that_the_record_does_not_fit_ends_the_operation_for_a_person_to_look,
    what_was_taken_back_says_why,
    what_is_stuck_keeps_its_object_locked,
    marks_of_updates_and_looks,
    a_deleted_topic_frees_its_name_at_once,
    a_topic_that_was_taken_back_frees_its_name_at_once,
    what_was_made_and_is_taken_back_with_its_bundle_ends_as_if_never_made,
    a_topic_that_could_not_be_deleted_is_active_again,
    what_goes_further_than_a_step_gives_way_to_a_wish,
    saves_of_many_operations_do_not_stand_in_each_others_way,
    a_save_that_cannot_be_leaves_those_beside_it_alone,
);
