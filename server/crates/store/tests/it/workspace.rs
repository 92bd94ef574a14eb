use crate::support::{SECOND, TestStore, after, first, fresh, on_both, slug};
use orbit_core::id::{MembershipId, PolicyId, WorkspaceId};
use orbit_core::policy::TopicRules;
use orbit_store::{NewPolicy, WorkspaceRow};
use std::time::Duration;

fn slugs(rows: &[WorkspaceRow]) -> Vec<&str> {
    rows.iter().map(|w| w.slug.as_str()).collect()
}

async fn a_slug_is_taken_once(db: TestStore) {
    let payments = db.workspace("payments").await;
    let other = WorkspaceId::from_uuid(fresh());
    let again = db.write(async |tx| tx.workspace_insert(other, &slug("payments"), "Other").await);
    assert!(!again.await.unwrap());

    let mut read = db.read().await.unwrap();
    let row = read.workspace(payments).await.unwrap().unwrap();
    assert_eq!(
        (row.slug.as_str(), row.display_name.as_str(), row.tenant.as_str()),
        ("payments", "payments", "default")
    );
    assert_eq!(row.revision, 1);
    assert_eq!(read.workspace_by_slug("payments").await.unwrap(), Some(row));
    assert_eq!(read.workspace(other).await.unwrap(), None);
    assert_eq!(read.workspace_by_slug("Payments").await.unwrap(), None);
}

async fn a_stale_update_changes_nothing(db: TestStore) {
    let id = db.workspace("payments").await;
    assert!(db.write(async |tx| tx.workspace_update(id, "Payments", 1).await).await.unwrap());
    assert!(!db.write(async |tx| tx.workspace_update(id, "Stale", 1).await).await.unwrap());
    let row = db.read().await.unwrap().workspace(id).await.unwrap().unwrap();
    assert_eq!((row.display_name.as_str(), row.revision), ("Payments", 2));
}

async fn pages_go_by_slug_in_bytes(db: TestStore) {
    for name in ["b", "a-b", "a1", "ab", "a", "a-"] {
        db.workspace(name).await;
    }
    let mut read = db.read().await.unwrap();
    let all = read.workspace_list(None, &first(100)).await.unwrap();
    assert_eq!(slugs(&all), ["a", "a-", "a-b", "a1", "ab", "b"]);
    let page = read.workspace_list(None, &after("a-".to_owned(), 2)).await.unwrap();
    assert_eq!(slugs(&page), ["a-b", "a1"]);
    assert!(read.workspace_list(None, &after("b".to_owned(), 2)).await.unwrap().is_empty());
}

async fn a_principal_sees_where_it_has_a_role(db: TestStore) {
    let alice = db.principal("alice").await;
    let (payments, _media) = (db.workspace("payments").await, db.workspace("media").await);
    let id = MembershipId::from_uuid(fresh());
    assert!(db.write(async |tx| tx.membership_insert(id, alice, Some(payments), "viewer").await).await.unwrap());
    let mut read = db.read().await.unwrap();
    assert_eq!(slugs(&read.workspace_list(Some(alice.uuid()), &first(10)).await.unwrap()), ["payments"]);
    assert_eq!(slugs(&read.workspace_list(None, &first(10)).await.unwrap()), ["media", "payments"]);
}

async fn one_that_owns_something_stays(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    assert!(db.desire(&create, place.filed()).await.unwrap());
    assert_eq!(db.read().await.unwrap().workspace_topic_count(place.workspace).await.unwrap(), 1);
    assert!(!db.write(async |tx| tx.workspace_delete(place.workspace).await).await.unwrap());
    db.write(async |tx| tx.topic_forget(create.id).await).await.unwrap();

    let policy = NewPolicy {
        id: PolicyId::from_uuid(fresh()),
        name: slug("ours"),
        workspace: Some(place.workspace),
        rules: TopicRules::default(),
    };
    assert!(db.write(async |tx| tx.policy_insert(&policy).await).await.unwrap());
    assert!(!db.write(async |tx| tx.workspace_delete(place.workspace).await).await.unwrap());
    assert!(db.write(async |tx| tx.policy_delete(policy.id, 1).await).await.unwrap());

    let id = MembershipId::from_uuid(fresh());
    assert!(
        db.write(async |tx| tx.membership_insert(id, place.alice, Some(place.workspace), "member").await)
            .await
            .unwrap()
    );
    assert!(db.write(async |tx| tx.workspace_delete(place.workspace).await).await.unwrap());
    let mut read = db.read().await.unwrap();
    assert_eq!(read.workspace(place.workspace).await.unwrap(), None);
    assert_eq!(read.memberships_of(place.alice).await.unwrap(), [], "roles in it went with it");
    assert_eq!(read.workspace_topic_count(place.workspace).await.unwrap(), 0);
}

async fn who_locks_second_waits_for_the_first(db: TestStore) {
    let place = db.place().await;
    let mut one = db.begin().await.unwrap();
    one.workspace_lock(place.workspace).await.unwrap();
    one.cluster_lock(place.cluster).await.unwrap();

    let (store, workspace, cluster) = ((*db).clone(), place.workspace, place.cluster);
    let mut two = tokio::spawn(async move {
        let mut tx = store.begin().await.unwrap();
        tx.workspace_lock(workspace).await.unwrap();
        tx.cluster_lock(cluster).await.unwrap();
        let row = tx.workspace(workspace).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        row.display_name
    });
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut two).await.is_err(), "two went ahead of one");
    one.workspace_update(place.workspace, "seen", 1).await.unwrap();
    one.commit().await.unwrap();
    let seen = tokio::time::timeout(10 * SECOND, two).await.unwrap().unwrap();
    assert_eq!(seen, "seen", "what is read after the lock is what the first one left");
}

async fn readers_wait_for_no_writer(db: TestStore) {
    let id = db.workspace("payments").await;
    let mut tx = db.begin().await.unwrap();
    assert!(tx.workspace_update(id, "not yet", 1).await.unwrap());
    let seen = tokio::time::timeout(10 * SECOND, async { db.read().await.unwrap().workspace(id).await.unwrap() });
    assert_eq!(seen.await.unwrap().unwrap().display_name, "payments");
    drop(tx);
    assert_eq!(db.read().await.unwrap().workspace(id).await.unwrap().unwrap().revision, 1, "dropped is rolled back");
}

async fn a_snapshot_stands_still(db: TestStore) {
    let id = db.workspace("payments").await;
    let mut read = db.read().await.unwrap();
    assert_eq!(read.workspace(id).await.unwrap().unwrap().revision, 1);
    assert!(db.write(async |tx| tx.workspace_update(id, "new", 1).await).await.unwrap());
    assert_eq!(read.workspace(id).await.unwrap().unwrap().revision, 1);
    assert_eq!(db.read().await.unwrap().workspace(id).await.unwrap().unwrap().revision, 2);
}

on_both!(
    a_slug_is_taken_once,
    a_stale_update_changes_nothing,
    pages_go_by_slug_in_bytes,
    a_principal_sees_where_it_has_a_role,
    one_that_owns_something_stays,
    who_locks_second_waits_for_the_first,
    readers_wait_for_no_writer,
    a_snapshot_stands_still,
);
