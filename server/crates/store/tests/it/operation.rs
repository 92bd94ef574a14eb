use crate::support::{Place, SECOND, TestStore, Then, after, first, fresh, on_both, room, spec};
use orbit_core::{
    id::{OperationId, ReplicaId},
    workflow::{Journal, OperationState, Save, Wish},
};
use orbit_store::{OperationFilter, OperationRow};
use std::time::Duration;

async fn one(db: &TestStore, id: OperationId) -> OperationRow {
    db.read().await.unwrap().operation(id).await.unwrap().unwrap()
}

async fn an_operation_is_born_leased(db: TestStore) {
    let place = db.place().await;
    let (request, held) = db.operate(&place, &place.create("orders", 1)).await;
    assert_eq!(held.version, 1);
    let row = one(&db, held.id).await;
    assert_eq!((row.request_id, row.workspace_id, row.workspace.as_str()), (request, place.workspace, "payments"));
    assert_eq!((row.kind.as_str(), row.lane, row.cluster.as_str()), ("TopicProvisioning", place.cluster, "main"));
    assert_eq!((row.state, row.version, row.finished_at), (OperationState::Pending, 1, None));
    assert_eq!(row.saga, held.saga, "the state comes back whole");

    let other = ReplicaId::from_uuid(fresh());
    let claimed = db.write(async |tx| tx.operation_claim(other, 60 * SECOND, room(10)).await).await.unwrap();
    assert_eq!(claimed.len(), 0, "its birth gave it to the replica that inserted it");
    assert_eq!(db.read().await.unwrap().operation(OperationId::from_uuid(fresh())).await.unwrap(), None);
}

async fn lists_go_from_new_to_old(db: TestStore) {
    let place = db.place().await;
    let mut media = place.clone();
    media.workspace = db.workspace("media").await;
    media.workspace_slug = crate::support::slug("media");
    let a = db.operate(&place, &place.create("a", 1)).await.1.id;
    let b = db.operate(&media, &media.create("b", 1)).await.1.id;
    let c = db.operate(&place, &place.create("c", 1)).await.1.id;
    let bob = db.member("bob", media.workspace).await;
    let mut read = db.read().await.unwrap();
    let mut list = async |visible_to, of, page| -> Vec<OperationId> {
        let filter = OperationFilter { visible_to, workspace: of, ..OperationFilter::default() };
        read.operation_list(&filter, &page).await.unwrap().into_iter().map(|o| o.id).collect()
    };
    assert_eq!(list(None, None, first(10)).await, [c, b, a]);
    assert_eq!(list(None, None, after(c.uuid(), 1)).await, [b]);
    assert_eq!(list(None, Some(place.workspace), first(10)).await, [c, a]);
    assert_eq!(list(Some(bob), None, first(10)).await, [b], "of the workspaces in which he has a role");
    assert_eq!(list(Some(bob), Some(place.workspace), first(10)).await, []);
}

async fn the_newest_operation_of_each_object(db: TestStore) {
    let place = db.place().await;
    let a = db.active(&place, "a").await;
    let update = a.update(spec(6));
    let newest_a = db.operate(&place, &update).await.1.id;
    let b = place.create("b", 1);
    let only_b = db.operate(&place, &b).await.1.id;
    let waiting = place.create("c", 1);
    db.file(&place, &waiting, orbit_core::approval::RequestState::Pending).await;
    let mut read = db.read().await.unwrap();
    let objects = [a.id.uuid(), b.id.uuid(), waiting.id.uuid(), fresh()];
    let mut many = read.operations_newest(&objects).await.unwrap();
    many.sort_by_key(|(object, _)| *object);
    assert_eq!(
        many.iter().map(|(o, row)| (*o, row.id)).collect::<Vec<_>>(),
        [(a.id.uuid(), newest_a), (b.id.uuid(), only_b)]
    );
    assert_eq!(Some(&many[0].1), read.operation(newest_a).await.unwrap().as_ref(), "whole");
    assert_eq!(read.operations_newest(&[]).await.unwrap(), []);
}

async fn what_begins_later_is_nobodys_until_then_and_can_be_taken_back(db: TestStore) {
    let place = db.place().await;
    let orders = db.active(&place, "orders").await;
    let later = async |change: &orbit_core::change::TopicChange, wait| {
        let request = db.file(&place, change, orbit_core::approval::RequestState::Approved).await;
        let grounds = db.grounds(change).await;
        let mut new = place.operation(request, orbit_core::change::Noun::piece(change, &grounds).unwrap());
        new.saga = new.saga.clone().beginning(db.now().await.checked_add(wait).ok());
        assert!(
            db.write(async |tx| tx.operation_insert(&new).await).await.unwrap().is_none(),
            "there is nothing to drive"
        );
        new.id
    };
    let cancel = async |id| db.write(async |tx| tx.operation_cancel(id).await).await.unwrap();
    let claim =
        async || db.write(async |tx| tx.operation_claim(place.replica, 60 * SECOND, room(10)).await).await.unwrap();

    let id = later(&orders.delete(), 3_600 * SECOND).await;
    assert!(one(&db, id).await.scheduled_at().is_some());
    // A cluster that answers again wakes what waits for it, and this does not.
    db.write(async |tx| tx.operations_poke(place.cluster).await).await.unwrap();
    assert_eq!(claim().await.len(), 0);
    assert!(cancel(id).await && !cancel(id).await, "once");
    let row = one(&db, id).await;
    assert_eq!((row.state, row.saga.state), (OperationState::Cancelled, OperationState::Cancelled));
    assert!(row.finished_at.is_some() && row.scheduled_at().is_none());

    let other = db.active(&place, "parcels").await;
    let soon = later(&other.delete(), 3_600 * SECOND).await;
    db.raw("UPDATE operation SET due_at = 0 WHERE finished_at IS NULL").await;
    let [claimed] = claim().await.try_into().unwrap();
    assert_eq!(claimed.held.id, soon);
    assert!(!cancel(soon).await, "somebody has it");
    db.raw("UPDATE operation SET holder = NULL, state = 'pending' WHERE finished_at IS NULL").await;
    assert!(!cancel(soon).await, "somebody had it, and may have done what was not saved");
    assert_eq!(one(&db, soon).await.scheduled_at(), None);
    assert_eq!(claimed.held.version, claimed.held.saga.due_version, "it was not begun before");
    assert!(!cancel(OperationId::from_uuid(fresh())).await);
}

async fn what_is_stuck_is_taken_up_again(db: TestStore) {
    let place = db.place().await;
    let (_, mut held) = db.operate(&place, &place.create("orders", 1)).await;
    let retry =
        async || db.write(async |tx| tx.operation_retry(held.id, place.replica, 60 * SECOND).await).await.unwrap();
    assert_eq!(retry().await.map(|h| h.id), None, "it goes on by itself");
    held.saga.state = OperationState::Stuck;
    held.saga.failure = Some(orbit_core::workflow::Failure::plain("kafka.refused", "no"));
    let saga = serde_json::to_string(&held.saga).unwrap();
    db.raw(&format!("UPDATE operation SET state = 'stuck', finished_at = 1, holder = NULL, saga = '{saga}'")).await;

    let again = retry().await.unwrap();

    assert_eq!(again.saga.state, OperationState::RollingBack);
    let row = db.read().await.unwrap().operation(held.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.version, row.finished_at), (OperationState::RollingBack, again.version, None));
    assert!(retry().await.is_none(), "once");
}

async fn a_wish_reaches_who_holds_it_with_the_next_save_and_who_claims_it(db: TestStore) {
    const PAUSE: Wish = Wish { cancel: false, pause: true };
    const CANCEL: Wish = Wish { cancel: true, pause: false };
    let place = db.place().await;
    let (_, held) = db.operate(&place, &place.create("orders", 1)).await;
    let wish = async |wish| db.write(async |tx| tx.operation_wish(held.id, wish).await).await.unwrap();

    assert!(wish(PAUSE).await);
    let (waits, save) = Place::ended(&held, OperationState::Paused, vec![]);
    let rests = Save { due: Duration::MAX, ..save };
    assert_eq!(db.journal(&place).save(&waits, rests).await.unwrap().wish, PAUSE);
    // It was wished while somebody held it, so it is due once more, and rests then.
    let claim =
        async || db.write(async |tx| tx.operation_claim(place.replica, 60 * SECOND, room(10)).await).await.unwrap();
    let [again] = claim().await.try_into().unwrap();
    assert_eq!(again.held.wish, PAUSE);
    let (rests, save) = Place::ended(&again.held, OperationState::Paused, vec![]);
    db.journal(&place).save(&rests, Save { due: Duration::MAX, ..save }).await.unwrap();
    db.write(async |tx| tx.operations_poke(place.cluster).await).await.unwrap();
    assert!(claim().await.is_empty(), "the news of a cluster does not wake it");

    assert!(wish(Wish::default()).await);
    let [resumed] = claim().await.try_into().unwrap();
    assert_eq!((resumed.held.wish, one(&db, held.id).await.wish), (Wish::default(), Wish::default()));
    assert!(wish(CANCEL).await && wish(PAUSE).await);
    assert_eq!(one(&db, held.id).await.wish, Wish { cancel: true, pause: true }, "a cancellation is not taken back");
    let (over, save) = Place::ended(&resumed.held, OperationState::Succeeded, vec![]);
    db.journal(&place).save(&over, save).await.unwrap();
    assert!(!wish(PAUSE).await, "it is over");
}

async fn counts_tell_what_is_open_and_what_is_stuck(db: TestStore) {
    let place = db.place().await;
    for (name, state) in [
        ("a", OperationState::Waiting),
        ("b", OperationState::Waiting),
        ("c", OperationState::Succeeded),
        ("d", OperationState::Stuck),
        ("e", OperationState::RolledBack),
    ] {
        let (_, held) = db.operate(&place, &place.create(name, 1)).await;
        let (held, save) = Place::ended(&held, state, vec![]);
        db.journal(&place).save(&held, save).await.unwrap();
    }
    db.operate(&place, &place.create("f", 1)).await;
    let mut counts = db.read().await.unwrap().operation_counts().await.unwrap();
    counts.sort();
    let told: Vec<_> = counts.iter().map(|(state, n)| (state.as_str(), *n)).collect();
    assert_eq!(told, [("pending", 1), ("stuck", 1), ("waiting", 2)]);
}

/// Saves that the operation waits for its cluster, for a minute.
async fn wait(db: &TestStore, place: &Place, name: &str) -> OperationId {
    let (_, held) = db.operate(place, &place.create(name, 1)).await;
    let (held, save) = Place::ended(&held, OperationState::Waiting, vec![]);
    let save = Save { due: 60 * SECOND, ..save };
    db.journal(place).save(&held, save).await.unwrap();
    held.id
}

async fn a_poke_makes_what_waits_for_a_cluster_due(db: TestStore) {
    let place = db.place().await;
    let mut other = place.clone();
    other.cluster = db.cluster("other").await;
    let (here, there) = (wait(&db, &place, "here").await, wait(&db, &other, "there").await);
    let claim = async || -> Vec<OperationId> {
        let claimed =
            db.write(async |tx| tx.operation_claim(place.replica, 60 * SECOND, room(10)).await).await.unwrap();
        claimed.into_iter().map(|c| c.held.id).collect()
    };
    assert_eq!(claim().await, []);
    assert_eq!(db.write(async |tx| tx.operations_poke(place.cluster).await).await.unwrap(), 1);
    assert_eq!(claim().await, [here]);
    assert_eq!(claim().await, []);
    db.pass(61 * SECOND).await;
    assert!(claim().await.contains(&there), "what nobody pokes is due in its time");
}

async fn a_poke_during_a_turn_is_not_lost(db: TestStore) {
    let place = db.place().await;
    let (_, held) = db.operate(&place, &place.create("orders", 1)).await;
    let before = one(&db, held.id).await;
    db.write(async |tx| tx.operations_poke(place.cluster).await).await.unwrap();
    assert_eq!(one(&db, held.id).await, before, "the turn under way is not disturbed");
    let (waits, save) = Place::ended(&held, OperationState::Waiting, vec![]);
    let save = Save { due: 60 * SECOND, ..save };
    db.journal(&place).save(&waits, save.clone()).await.unwrap();

    let claim =
        async || db.write(async |tx| tx.operation_claim(place.replica, 60 * SECOND, room(10)).await).await.unwrap();
    let mut claimed = claim().await;
    assert_eq!(claimed.len(), 1, "the cluster came back while the turn found it away: try at once");
    let (waits, _) = Place::ended(&claimed.remove(0).held, OperationState::Waiting, vec![]);
    db.journal(&place).save(&waits, save).await.unwrap();
    assert_eq!(claim().await.len(), 0, "once");
}

async fn a_replica_that_goes_down_gives_its_leases_up(db: TestStore) {
    let place = db.place().await;
    let (_, held) = db.operate(&place, &place.create("a", 1)).await;
    let (_, ended) = db.operate(&place, &place.create("b", 1)).await;
    let (ended, save) = Place::ended(&ended, OperationState::Succeeded, vec![]);
    db.journal(&place).save(&ended, save).await.unwrap();
    let nobody = ReplicaId::from_uuid(fresh());
    assert_eq!(db.write(async |tx| tx.operations_release(nobody).await).await.unwrap(), 0);
    assert_eq!(db.write(async |tx| tx.operations_release(place.replica).await).await.unwrap(), 1);
    assert_eq!(db.write(async |tx| tx.operations_release(place.replica).await).await.unwrap(), 0);

    let (late, save) = Place::ended(&held, OperationState::Running, vec![]);
    let fenced = db.journal(&place).save(&late, save).await;
    assert_eq!(fenced, Err(orbit_core::workflow::JournalError::Fenced), "a turn that ended after all comes too late");
    let claimed = db.write(async |tx| tx.operation_claim(nobody, 60 * SECOND, room(10)).await).await.unwrap();
    assert_eq!(
        claimed.iter().map(|c| (c.held.id, c.held.version, c.lane)).collect::<Vec<_>>(),
        [(held.id, 3, place.cluster)]
    );
}

async fn history_tells_of_workspaces_that_are_gone(db: TestStore) {
    let place = db.place().await;
    let delete = db.active(&place, "orders").await.delete();
    let (_, held) = db.operate(&place, &delete).await;
    let mark = orbit_core::workflow::Mark::TopicDeleted { topic: delete.id };
    let (held, save) = Place::ended(&held, OperationState::Succeeded, vec![mark]);
    db.journal(&place).save(&held, save).await.unwrap();
    assert!(db.write(async |tx| tx.workspace_delete(place.workspace).await).await.unwrap());
    assert_eq!(one(&db, held.id).await.workspace, place.workspace.to_string());
}

on_both!(
    an_operation_is_born_leased,
    lists_go_from_new_to_old,
    the_newest_operation_of_each_object,
    a_wish_reaches_who_holds_it_with_the_next_save_and_who_claims_it,
    counts_tell_what_is_open_and_what_is_stuck,
    what_begins_later_is_nobodys_until_then_and_can_be_taken_back,
    what_is_stuck_is_taken_up_again,
    a_poke_makes_what_waits_for_a_cluster_due,
    a_poke_during_a_turn_is_not_lost,
    a_replica_that_goes_down_gives_its_leases_up,
    history_tells_of_workspaces_that_are_gone,
);
