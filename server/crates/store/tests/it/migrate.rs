use crate::support::{Kind, Place, SECOND, TestStore, first, on_both, room};
use orbit_core::change::TopicChange;
use orbit_store::{MigrationState, Result};

async fn state(db: &TestStore) -> Result<MigrationState> {
    db.read().await.map(drop)?;
    db.migration_state().await
}

/// Empties the database, as it is before the first start.
async fn wipe(db: &TestStore) {
    match db.kind {
        Kind::Postgres => drop(db.raw("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await),
        Kind::Sqlite => {
            // Children before parents: the migrations make them the other way round, but for the operation's request.
            let made = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid DESC";
            let tables = db.raw_texts(made, 0).await;
            let drops: Vec<_> = tables.iter().map(|t| format!("DROP TABLE {t}")).collect();
            db.raw(&format!("PRAGMA foreign_keys = OFF; {}", drops.join("; "))).await;
        }
    }
}

async fn a_migrated_database_is_current(db: TestStore) {
    assert_eq!(state(&db).await.unwrap(), MigrationState::Current);
    let payments = db.workspace("payments").await;
    db.migrate().await.unwrap();
    assert_eq!(state(&db).await.unwrap(), MigrationState::Current);
    assert!(db.read().await.unwrap().workspace(payments).await.unwrap().is_some(), "a second run changes nothing");
}

/// Migrations there are.
const PAIRS: usize = 18;

async fn an_empty_database_is_behind_and_catches_up(db: TestStore) {
    wipe(&db).await;
    assert_eq!(state(&db).await.unwrap(), MigrationState::Behind(PAIRS));
    assert_eq!(state(&db).await.unwrap(), MigrationState::Behind(PAIRS), "to look makes no tables");
    db.migrate().await.unwrap();
    assert_eq!(state(&db).await.unwrap(), MigrationState::Current);
    db.place().await;
}

async fn a_state_in_between_counts_what_is_due(db: TestStore) {
    db.raw("DELETE FROM _sqlx_migrations WHERE version = 5").await;
    assert_eq!(state(&db).await.unwrap(), MigrationState::Behind(1));
    db.raw("DROP TABLE audit_event").await;
    db.migrate().await.unwrap();
    assert_eq!(state(&db).await.unwrap(), MigrationState::Current);
}

async fn a_newer_builds_database_is_ahead(db: TestStore) {
    db.raw("UPDATE _sqlx_migrations SET version = 99 WHERE version = 5").await;
    assert_eq!(state(&db).await.unwrap(), MigrationState::Ahead);
    assert!(db.migrate().await.is_err(), "this build does not touch it");
}

async fn several_replicas_migrate_at_once(db: TestStore) {
    wipe(&db).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        let store = db.replica().await;
        all.push(tokio::spawn(async move { store.migrate().await }));
    }
    for one in all {
        tokio::time::timeout(30 * SECOND, one).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(state(&db).await.unwrap(), MigrationState::Current);
    assert_eq!(db.count("_sqlx_migrations", "success").await, PAIRS);
}

/// Everything that is loaded from a table, once.
async fn look(db: &TestStore, place: &Place, create: &TopicChange) {
    let mut read = db.read().await.unwrap();
    read.topic(create.id).await.unwrap().unwrap();
    read.cluster(place.cluster).await.unwrap().unwrap();
    read.environment(place.environment).await.unwrap().unwrap();
    read.workspace(place.workspace).await.unwrap().unwrap();
    read.principal(place.alice).await.unwrap().unwrap();
    read.rulebook(place.workspace).await.unwrap();
    read.mappings_of(place.environment).await.unwrap();
    read.memberships_of(place.alice).await.unwrap();
    read.token_list(None, &first(1)).await.unwrap();
    let request = read.request_newest(create.id.uuid()).await.unwrap().unwrap();
    read.request_items(request.id).await.unwrap();
    read.approvals(request.id).await.unwrap();
    read.operation(request.operation_id.unwrap()).await.unwrap().unwrap();
    read.requests_newest(&[create.id.uuid()]).await.unwrap();
    read.operations_newest(&[create.id.uuid()]).await.unwrap();
    drop(read);
    db.write(async |tx| tx.operation_claim(place.replica, SECOND, room(1)).await).await.unwrap();
}

async fn a_newer_builds_columns_disturb_nobody(db: TestStore) {
    let place = db.place().await;
    let create = db.active(&place, "orders").await;
    // Several times: statements are prepared, and kept by their connection.
    for _ in 0..8 {
        look(&db, &place, &create).await;
    }
    let of_one_noun =
        ["topic", "cluster", "environment", "workspace", "principal", "membership", "token", "topic_policy"];
    let of_requests = ["request", "request_item", "approval", "operation", "environment_mapping"];
    for table in of_one_noun.into_iter().chain(of_requests) {
        db.raw(&format!("ALTER TABLE {table} ADD COLUMN later TEXT")).await;
    }
    for _ in 0..8 {
        look(&db, &place, &create).await;
    }
}

on_both!(
    a_migrated_database_is_current,
    an_empty_database_is_behind_and_catches_up,
    a_state_in_between_counts_what_is_due,
    a_newer_builds_database_is_ahead,
    several_replicas_migrate_at_once,
    a_newer_builds_columns_disturb_nobody,
);
