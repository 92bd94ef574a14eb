//! Who may drive an operation: due, unheld or the lease out, and one replica at a time.

use crate::support::{Kind, Place, SECOND, TestStore, fresh, on_both, room};
use orbit_core::{
    id::{OperationId, ReplicaId},
    workflow::{Journal, JournalError, OperationState, Save},
};
use orbit_store::{Claimed, Room, Store, Tx};
use std::{collections::BTreeSet, time::Duration};

/// A moment on PostgreSQL, whose clock nobody moves.
const MOMENT: Duration = Duration::from_millis(50);

async fn claim(db: &Store, by: ReplicaId, limit: u32) -> Vec<Claimed> {
    let mut tx = db.begin().await.unwrap();
    let claimed = tx.operation_claim(by, 60 * SECOND, room(limit)).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

fn ids(claimed: &[Claimed]) -> BTreeSet<OperationId> {
    claimed.iter().map(|c| c.held.id).collect()
}

/// Operations that nobody holds, due at once.
async fn free(db: &TestStore, place: &Place, count: usize) -> BTreeSet<OperationId> {
    let mut made = BTreeSet::new();
    for i in 0..count {
        made.insert(db.operate(place, &place.create(&format!("t{i}"), 1)).await.1.id);
    }
    db.write(async |tx| tx.operations_release(place.replica).await).await.unwrap();
    made
}

async fn a_lease_that_is_out_goes_to_the_next(db: TestStore) {
    let place = db.place().await;
    let (_, held) = db.operate(&place, &place.create("orders", 1)).await;
    let next = ReplicaId::from_uuid(fresh());
    db.pass(59 * SECOND).await;
    assert_eq!(claim(&db, next, 10).await.len(), 0, "held still");
    db.pass(2 * SECOND).await;
    let claimed = claim(&db, next, 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].held.id, claimed[0].held.version, &claimed[0].held.saga), (held.id, 2, &held.saga));

    let (zombie, save) = Place::ended(&held, OperationState::Running, vec![]);
    assert_eq!(db.journal(&place).save(&zombie, save).await, Err(JournalError::Fenced));
    assert_eq!(claim(&db, place.replica, 10).await.len(), 0, "the next one holds it now");
}

async fn a_lease_ends_by_the_clock_of_the_database(db: TestStore) {
    let place = db.place().await;
    let request = db.file(&place, &place.create("orders", 1), orbit_core::approval::RequestState::Approved).await;
    let change = orbit_core::change::Change::Topic(place.create("orders", 1));
    let mut new = place.operation(request, change.piece(&orbit_core::change::Grounds::default()).unwrap());
    new.lease = MOMENT;
    db.write(async |tx| place.start(tx, &new).await).await.unwrap();
    let next = ReplicaId::from_uuid(fresh());
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..2_000 {
        tick.tick().await;
        if db.kind == Kind::Sqlite {
            db.pass(MOMENT).await;
        }
        if !claim(&db, next, 1).await.is_empty() {
            return;
        }
    }
    panic!("the lease never ended");
}

async fn each_save_renews_the_lease(db: TestStore) {
    let place = db.place().await;
    let (_, mut held) = db.operate(&place, &place.create("orders", 1)).await;
    let next = ReplicaId::from_uuid(fresh());
    for _ in 0..3 {
        db.pass(40 * SECOND).await;
        assert_eq!(claim(&db, next, 10).await.len(), 0);
        let (running, save) = Place::ended(&held, OperationState::Running, vec![]);
        held.version = db.journal(&place).save(&running, save).await.unwrap().version;
    }
    db.pass(61 * SECOND).await;
    assert_eq!(claim(&db, next, 10).await.len(), 1);
}

async fn a_wait_gives_the_lease_up_until_it_is_due(db: TestStore) {
    let place = db.place().await;
    let (_, held) = db.operate(&place, &place.create("orders", 1)).await;
    let (waits, save) = Place::ended(&held, OperationState::Waiting, vec![]);
    let save = Save { due: 30 * SECOND, ..save };
    let version = db.journal(&place).save(&waits, save).await.unwrap().version;
    db.pass(29 * SECOND).await;
    assert_eq!(claim(&db, place.replica, 10).await.len(), 0, "not due");
    db.pass(2 * SECOND).await;
    let other = ReplicaId::from_uuid(fresh());
    let claimed = claim(&db, other, 10).await;
    assert_eq!(claimed[0].held.version, version + 1, "whoever comes first");
    assert_eq!(claimed[0].held.saga.state, OperationState::Waiting);
}

async fn what_is_over_is_claimed_no_more(db: TestStore) {
    let place = db.place().await;
    for (name, state) in
        [("a", OperationState::Succeeded), ("b", OperationState::RolledBack), ("c", OperationState::Stuck)]
    {
        let (_, held) = db.operate(&place, &place.create(name, 1)).await;
        let (held, save) = Place::ended(&held, state, vec![]);
        db.journal(&place).save(&held, save).await.unwrap();
        assert!(db.read().await.unwrap().operation(held.id).await.unwrap().unwrap().finished_at.is_some());
    }
    db.pass(3_600 * SECOND).await;
    assert_eq!(claim(&db, place.replica, 10).await.len(), 0);
}

async fn what_this_build_does_not_know_is_left_alone(db: TestStore) {
    let place = db.place().await;
    let made = free(&db, &place, 4).await;
    let of = |id: &OperationId| match db.kind {
        Kind::Sqlite => format!("id = x'{}'", id.uuid().simple()),
        Kind::Postgres => format!("id = '{}'", id.uuid()),
    };
    let others: Vec<_> = made.iter().skip(1).collect();
    for (set, id) in
        [("kind = 'TopicTeleportation'", others[0]), ("shape = 2", others[1]), ("engine = 'temporal'", others[2])]
    {
        assert_eq!(db.raw(&format!("UPDATE operation SET {set} WHERE {}", of(id))).await, 1);
    }
    assert_eq!(ids(&claim(&db, place.replica, 10).await), made.into_iter().take(1).collect());
}

async fn a_claim_takes_no_more_than_it_asks_for(db: TestStore) {
    let place = db.place().await;
    let made = free(&db, &place, 5).await;
    let (a, b) = (ReplicaId::from_uuid(fresh()), ReplicaId::from_uuid(fresh()));
    let (one, two, rest) = (claim(&db, a, 2).await, claim(&db, b, 2).await, claim(&db, a, 9).await);
    assert_eq!((one.len(), two.len(), rest.len()), (2, 2, 1));
    let all: BTreeSet<_> = [ids(&one), ids(&two), ids(&rest)].into_iter().flatten().collect();
    assert_eq!(all, made);
    assert_eq!(claim(&db, b, 0).await.len(), 0);
}

async fn what_has_waited_longest_goes_first(db: TestStore) {
    let place = db.place().await;
    let old = db.operate(&place, &place.create("old", 1)).await.1.id;
    db.pass(SECOND).await;
    let new = db.operate(&place, &place.create("new", 1)).await.1.id;
    db.write(async |tx| tx.operations_release(place.replica).await).await.unwrap();
    assert_eq!(ids(&claim(&db, place.replica, 1).await), [old].into());
    assert_eq!(ids(&claim(&db, place.replica, 1).await), [new].into());
}

async fn two_at_once_never_take_the_same(db: TestStore) {
    let place = db.place().await;
    let made = free(&db, &place, 24).await;
    let mut claimers = Vec::new();
    for _ in 0..4 {
        let store = db.replica().await;
        claimers.push(tokio::spawn(async move {
            let (me, mut mine) = (ReplicaId::from_uuid(fresh()), Vec::new());
            for _ in 0..50 {
                let claimed = claim(&store, me, 2).await;
                if claimed.is_empty() {
                    break;
                }
                mine.extend(claimed);
            }
            mine
        }));
    }
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    // A claimer that found the last ones locked may have left early; nobody took one twice.
    let taken = ids(&all);
    assert_eq!(taken.len(), all.len(), "each has one holder");
    let rest = ids(&claim(&db, place.replica, 100).await);
    assert_eq!(taken.union(&rest).copied().collect::<BTreeSet<_>>(), made);
    assert!(taken.is_disjoint(&rest));
}

async fn a_lane_that_is_full_leaves_room_for_the_others(db: TestStore) {
    let place = db.place().await;
    let mut other = place.clone();
    other.cluster = db.cluster("other").await;
    let slow = free(&db, &place, 5).await;
    let quick = db.operate(&other, &other.create("quick", 1)).await.1.id;
    db.write(async |tx| tx.operations_release(place.replica).await).await.unwrap();
    let by = ReplicaId::from_uuid(fresh());
    let take = async || {
        let room = Room { in_all: 4, per_lane: 2 };
        ids(&db.write(async |tx| tx.operation_claim(by, 60 * SECOND, room).await).await.unwrap())
    };

    let first = take().await;
    assert_eq!(first.intersection(&slow).count(), 2, "the oldest five are all of one cluster");
    assert!(first.contains(&quick));
    assert_eq!(take().await, BTreeSet::new(), "two of it are held still");
    let next = claim(&db, ReplicaId::from_uuid(fresh()), 10).await;
    assert_eq!(next.len(), 3, "each replica has room of its own");
}

async fn what_cannot_be_read_keeps_nothing_else_waiting(db: TestStore) {
    let place = db.place().await;
    let made = free(&db, &place, 3).await;
    let bad = *made.first().unwrap();
    let saga = r#"{"pieces":[{"kind":"of-a-later-build"}],"steps":[],"at":0,"failure":null,"state":"pending"}"#;
    db.raw(&format!("UPDATE operation SET saga = '{saga}' WHERE id = {}", db.literal(bad.uuid()))).await;

    let claimed = ids(&claim(&db, ReplicaId::from_uuid(fresh()), 10).await);

    assert_eq!(claimed.len(), 2);
    assert!(!claimed.contains(&bad));
}

async fn a_claim_under_way_holds_nobody_up_on_postgres(db: TestStore) {
    if db.kind == Kind::Sqlite {
        // One writer: the second claim waits for the first. `two_at_once_never_take_the_same` covers it.
        return;
    }
    let place = db.place().await;
    let made = free(&db, &place, 3).await;
    let take = async |tx: &mut Tx, limit| {
        ids(&tx.operation_claim(ReplicaId::from_uuid(fresh()), SECOND, room(limit)).await.unwrap())
    };
    let (mut one, mut two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    let first = take(&mut one, 2).await;
    let second = tokio::time::timeout(10 * SECOND, take(&mut two, 9)).await.unwrap();
    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(first.union(&second).copied().collect::<BTreeSet<_>>(), made);
}

on_both!(
    a_lane_that_is_full_leaves_room_for_the_others,
    what_cannot_be_read_keeps_nothing_else_waiting,
    a_lease_that_is_out_goes_to_the_next,
    a_lease_ends_by_the_clock_of_the_database,
    each_save_renews_the_lease,
    a_wait_gives_the_lease_up_until_it_is_due,
    what_is_over_is_claimed_no_more,
    what_this_build_does_not_know_is_left_alone,
    a_claim_takes_no_more_than_it_asks_for,
    what_has_waited_longest_goes_first,
    two_at_once_never_take_the_same,
    a_claim_under_way_holds_nobody_up_on_postgres,
);
