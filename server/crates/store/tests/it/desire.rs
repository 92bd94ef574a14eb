//! What each stage of each change leaves in a topic's record.

use crate::support::{Place, SECOND, TestStore, Then, on_both, physical, spec};
use orbit_core::{
    change::{Change, TopicChange},
    model::topic::{Observed, TopicStatus},
    workflow::{Journal, Mark, OperationState},
};
use orbit_store::{Stage, StoreError, TopicRow, Work};

async fn status(db: &TestStore, change: &TopicChange) -> Option<TopicStatus> {
    db.topic(change).await.map(|t| t.status)
}

fn approved(place: &Place) -> Stage {
    Stage::Accepted { by: place.alice, approved_by: Some("bob".to_owned()), work: Work::Changes }
}

#[track_caller]
fn illegal(answer: &Result<bool, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Transition(_))), "{answer:?}");
}

/// A topic whose provisioning failed.
async fn failed(db: &TestStore, place: &Place, name: &str) -> TopicChange {
    let create = place.create(name, 1);
    let (_, held) = db.operate(place, &create).await;
    let (held, save) = Place::ended(&held, OperationState::RolledBack, vec![Mark::TopicFailed { topic: create.id }]);
    db.journal(place).save(&held, save).await.unwrap();
    create
}

async fn a_create_waits_and_is_decided(db: TestStore) {
    let place = db.place().await;
    for (stage, then) in [
        (Stage::Rejected, TopicStatus::Rejected),
        (Stage::Withdrawn, TopicStatus::Withdrawn),
        (Stage::Expired, TopicStatus::Expired),
        (Stage::Superseded, TopicStatus::PendingApproval),
        (approved(&place), TopicStatus::Provisioning),
    ] {
        let create = place.create(&format!("t-{}", then.as_str()), 1);
        assert!(db.desire(&create, place.filed()).await.unwrap());
        assert_eq!(status(&db, &create).await, Some(TopicStatus::PendingApproval));
        assert!(db.desire(&create, stage).await.unwrap());
        assert_eq!(status(&db, &create).await, Some(then));
    }
}

async fn an_approved_create_names_who_consented(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    assert!(db.desire(&create, place.filed()).await.unwrap());
    db.write(async |tx| tx.topic_acknowledge(create.id).await).await.unwrap();
    let filed = db.topic(&create).await.unwrap();
    assert!(filed.approval_required && filed.approved_by.is_none() && filed.approved_at.is_none());
    assert!(db.desire(&create, approved(&place)).await.unwrap());
    let row = db.topic(&create).await.unwrap();
    assert_eq!((row.approval_required, row.approved_by.as_deref()), (true, Some("bob")));
    assert!(row.approved_at.is_some());
    assert_eq!(row.acknowledged_at, filed.acknowledged_at, "what its creator saw while it waited, they saw");
    assert_eq!(row.revision, filed.revision + 1);
}

async fn a_create_that_policy_allows_needs_nobody(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    assert!(db.desire(&create, place.accepted()).await.unwrap());
    let row = db.topic(&create).await.unwrap();
    assert_eq!((row.status, row.approval_required, row.approved_by), (TopicStatus::Provisioning, false, None));
}

async fn what_a_state_does_not_know_is_refused(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    for stage in [Stage::Rejected, Stage::Withdrawn, Stage::Expired] {
        illegal(&db.desire(&create, stage).await);
    }
    assert!(db.desire(&create, place.accepted()).await.unwrap());
    let before = db.topic(&create).await;
    illegal(&db.desire(&create, place.accepted()).await);
    illegal(&db.desire(&create, place.filed()).await);
    illegal(&db.desire(&create, Stage::Rejected).await);
    illegal(&db.desire(&create.delete(), place.accepted()).await);
    assert_eq!(db.topic(&create).await, before, "nothing of it stays");
}

async fn a_create_begins_anew_over_what_came_to_nothing(db: TestStore) {
    let place = db.place().await;
    let bob = db.principal("bob").await;
    let first = place.create("orders", 1);
    assert!(db.desire(&first, place.filed()).await.unwrap());
    assert!(db.desire(&first, approved(&place)).await.unwrap());
    db.write(async |tx| tx.topic_acknowledge(first.id).await).await.unwrap();
    let request = db.file(&place, &first, orbit_core::approval::RequestState::Approved).await;
    let new = place.operation(request, Change::Topic(first.clone()).piece(&db.grounds(&first).await).unwrap());
    let held = db.write(async |tx| place.start(tx, &new).await).await.unwrap();
    let (held, save) = Place::ended(&held, OperationState::RolledBack, vec![Mark::TopicFailed { topic: first.id }]);
    db.journal(&place).save(&held, save).await.unwrap();
    let failed = db.topic(&first).await.unwrap();
    assert_eq!(failed.status, TopicStatus::Failed);

    let again = TopicChange { id: first.id, ..place.create("orders", 9) };
    let stage = Stage::Accepted { by: bob, approved_by: None, work: Work::Changes };
    assert!(db.desire(&again, stage).await.unwrap());
    let row = db.topic(&first).await.unwrap();
    let expected = TopicRow {
        status: TopicStatus::Provisioning,
        desired: spec(9),
        created_by: bob,
        acknowledged_at: None,
        approval_required: false,
        approved_by: None,
        approved_at: None,
        revision: failed.revision + 1,
        updated_at: row.updated_at,
        ..failed
    };
    assert_eq!(row, expected, "who asks now counts, and the consent to the old create is none to this one");
}

async fn each_end_without_a_topic_can_be_taken_up(db: TestStore) {
    let place = db.place().await;
    for end in [Stage::Rejected, Stage::Withdrawn, Stage::Expired] {
        let create = place.create(&format!("{end:?}"), 1);
        assert!(db.desire(&create, place.filed()).await.unwrap());
        assert!(db.desire(&create, end).await.unwrap());
        assert!(db.desire(&create, place.filed()).await.unwrap());
        assert_eq!(status(&db, &create).await, Some(TopicStatus::PendingApproval));
    }
    let create = failed(&db, &place, "failed").await;
    assert!(db.desire(&create, place.filed()).await.unwrap());
    assert_eq!(status(&db, &create).await, Some(TopicStatus::PendingApproval));
}

async fn a_name_taken_on_the_cluster_meanwhile_is_told(db: TestStore) {
    let place = db.place().await;
    let dots = place.create("a.b", 1);
    assert!(db.desire(&dots, place.filed()).await.unwrap());
    let underscore = place.create("a_b", 1);
    // In one transaction with others: a name that is taken must not end it.
    let change = Change::Topic(underscore.clone());
    let sibling = Change::Topic(place.create("sibling", 1));
    let told = db
        .write(async |tx| Ok((tx.desire(&change, &place.filed()).await?, tx.desire(&sibling, &place.filed()).await?)));
    assert_eq!(told.await.unwrap(), (false, true));
    assert_eq!(db.topic(&underscore).await, None);
    let accepted = Stage::Accepted { by: place.alice, approved_by: Some("bob".to_owned()), work: Work::Changes };
    assert!(!db.desire(&underscore, accepted).await.unwrap(), "approved or not");

    assert!(db.desire(&dots, Stage::Withdrawn).await.unwrap());
    assert!(db.desire(&underscore, place.filed()).await.unwrap(), "what was given up holds no name");
    // The first one comes back over its own record: the name is another's by now.
    let back = Change::Topic(dots.clone());
    let sibling = Change::Topic(place.create("sibling-2", 1));
    let told =
        db.write(async |tx| Ok((tx.desire(&back, &place.filed()).await?, tx.desire(&sibling, &place.filed()).await?)));
    assert_eq!(told.await.unwrap(), (false, true), "and PostgreSQL's transaction lives on");
    assert_eq!(status(&db, &dots).await, Some(TopicStatus::Withdrawn));
}

async fn of_two_at_once_one_gets_the_name(db: TestStore) {
    let place = db.place().await;
    let withdrawn = place.create("a.b", 1);
    assert!(db.desire(&withdrawn, place.filed()).await.unwrap());
    assert!(db.desire(&withdrawn, Stage::Withdrawn).await.unwrap());
    for (one, other) in [(place.create("x.y", 1), place.create("x_y", 1)), (place.create("a_b", 1), withdrawn)] {
        let (one, other) = (Change::Topic(one), Change::Topic(other));
        let mut tx = db.begin().await.unwrap();
        assert!(tx.desire(&one, &place.filed()).await.unwrap());
        let (store, stage) = ((*db).clone(), place.filed());
        let second = tokio::spawn(async move {
            let mut tx = store.begin().await.unwrap();
            let got = tx.desire(&other, &stage).await.unwrap();
            tx.commit().await.unwrap();
            got
        });
        tx.commit().await.unwrap();
        assert!(!tokio::time::timeout(10 * SECOND, second).await.unwrap().unwrap());
    }
}

async fn an_update_is_noted_and_written_when_it_is_done(db: TestStore) {
    let place = db.place().await;
    let update = db.active(&place, "orders").await.update(spec(6));
    let before = db.topic(&update).await.unwrap();
    for stage in [place.filed(), Stage::Rejected, Stage::Withdrawn, Stage::Expired, Stage::Superseded, place.accepted()]
    {
        let last = db.topic(&update).await.unwrap();
        assert!(db.desire(&update, stage).await.unwrap());
        let row = db.topic(&update).await.unwrap();
        assert_eq!((row.status, &row.desired, row.revision), (TopicStatus::Active, &before.desired, last.revision + 1));
    }
    let words =
        update.update(orbit_core::model::topic::TopicSpec { description: Some("of the shop".into()), ..spec(3) });
    let at_once = Stage::Accepted { by: place.alice, approved_by: None, work: Work::None };
    assert!(db.desire(&words, at_once).await.unwrap());
    assert_eq!(db.topic(&update).await.unwrap().desired.description.as_deref(), Some("of the shop"));
}

async fn a_topic_that_is_gone_is_made_again_by_an_update(db: TestStore) {
    let place = db.place().await;
    let update = db.active(&place, "orders").await.update(spec(6));
    let gone = Observed { topic: None };
    let revision = db.topic(&update).await.unwrap().revision;
    db.write(async |tx| tx.topic_observe(update.id, &gone, revision).await).await.unwrap();
    let makes = Stage::Accepted { by: place.alice, approved_by: None, work: Work::Makes };
    assert!(db.desire(&update, makes).await.unwrap());
    let row = db.topic(&update).await.unwrap();
    assert_eq!((row.status, row.drift()), (TopicStatus::Provisioning, None));
}

async fn a_delete_waits_works_or_is_done_at_once(db: TestStore) {
    let place = db.place().await;
    let delete = db.active(&place, "orders").await.delete();
    for stage in [place.filed(), Stage::Rejected, Stage::Withdrawn, Stage::Expired, Stage::Superseded] {
        assert!(db.desire(&delete, stage).await.unwrap());
        assert_eq!(status(&db, &delete).await, Some(TopicStatus::Active));
    }
    assert!(db.desire(&delete, place.accepted()).await.unwrap());
    assert_eq!(status(&db, &delete).await, Some(TopicStatus::Deleting));
    illegal(&db.desire(&delete, place.accepted()).await);

    let nothing = failed(&db, &place, "failed").await.delete();
    let at_once = Stage::Accepted { by: place.alice, approved_by: None, work: Work::None };
    assert!(db.desire(&nothing, at_once).await.unwrap());
    assert_eq!(db.topic(&nothing).await, None);
}

async fn a_create_can_move_to_another_cluster(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    assert!(db.desire(&create, place.filed()).await.unwrap());
    let other = db.cluster("other").await;
    let taken = place.create("taken", 1);
    let on_other = |change: &TopicChange, name: &str| TopicChange {
        cluster_id: other,
        physical_name: physical(name),
        ..change.clone()
    };
    assert!(db.desire(&on_other(&taken, "dev.payments.orders"), place.filed()).await.unwrap());
    let moved = on_other(&create, "dev.payments.orders");
    assert!(!db.desire(&moved, place.filed()).await.unwrap(), "the name is taken there");
    let moved = on_other(&create, "dev.payments.orders-2");
    assert!(db.desire(&moved, place.filed()).await.unwrap());
    assert_eq!(db.topic(&create).await.unwrap().cluster.as_str(), "other");
}

on_both!(
    a_create_waits_and_is_decided,
    an_approved_create_names_who_consented,
    a_create_that_policy_allows_needs_nobody,
    what_a_state_does_not_know_is_refused,
    a_create_begins_anew_over_what_came_to_nothing,
    each_end_without_a_topic_can_be_taken_up,
    a_name_taken_on_the_cluster_meanwhile_is_told,
    of_two_at_once_one_gets_the_name,
    an_update_is_noted_and_written_when_it_is_done,
    a_topic_that_is_gone_is_made_again_by_an_update,
    a_delete_waits_works_or_is_done_at_once,
    a_create_can_move_to_another_cluster,
);
