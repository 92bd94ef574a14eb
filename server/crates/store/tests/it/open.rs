//! Opening, closing, and whose time it is.

use crate::support::{Kind, MINUTE, TestStore, on_both};
use orbit_core::{ports::Clock, testing::FixedClock};
use orbit_store::{OpenError, Store};
use std::sync::Arc;

async fn refused(url: &str) -> OpenError {
    let opened = Store::open(url, 1, Arc::new(FixedClock::default())).await;
    opened.err().unwrap_or_else(|| panic!("{url} was taken"))
}

#[tokio::test]
async fn what_is_no_address_says_what_is_one() {
    for url in [
        "",
        "orbit.db",
        "mysql://x",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
        "sqlite://:memory:",
        "postgres://x:port",
    ] {
        let error = refused(url).await;
        assert!(matches!(error, OpenError::Address(_)), "{url}: {error:?}");
        assert!(error.to_string().contains("give sqlite:FILE or postgres://"), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_password_in_an_address_is_not_repeated() {
    for url in ["postgres://orbit:s3cret@host:port/db", "postgres://orbit:s3cret@127.0.0.1:1/db?sslmode=nonsense"] {
        let error = refused(url).await;
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}", folder.path().join("no/such/folder/orbit.db").display());
    assert!(matches!(refused(&missing).await, OpenError::Connect(_)));
}

#[tokio::test]
async fn sqlite_takes_its_file_with_and_without_slashes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orbit.db");
    for prefix in ["sqlite:", "sqlite://"] {
        let url = format!("{prefix}{}", file.display());
        Store::open(&url, 1, Arc::new(FixedClock::default())).await.unwrap().close().await;
        assert!(file.exists(), "{url}");
        std::fs::remove_file(&file).unwrap();
    }
}

async fn what_was_committed_is_there_after_a_restart(db: TestStore) {
    let id = db.workspace("payments").await;
    db.close().await;
    let again = db.replica().await;
    assert!(again.read().await.unwrap().workspace(id).await.unwrap().is_some());
    assert!(db.begin().await.is_err() && db.read().await.is_err(), "closed is closed");
}

async fn a_server_without_the_database_is_told(db: TestStore) {
    if db.kind == Kind::Postgres {
        let error = refused(&db.url.replace("/orbit_test_", "/orbit_missing_")).await;
        assert!(matches!(error, OpenError::Connect(_)), "{error:?}");
    }
}

async fn time_is_the_databases_or_the_injected(db: TestStore) {
    let mut read = db.read().await.unwrap();
    let before = read.now().await.unwrap();
    match db.kind {
        Kind::Sqlite => {
            assert_eq!(before, db.clock.now());
            db.pass(MINUTE).await;
            assert_eq!(read.now().await.unwrap(), before + MINUTE);
        }
        Kind::Postgres => {
            assert_ne!(before, db.clock.now(), "the replica's own clock counts for nothing");
            let after = read.now().await.unwrap();
            assert!(after > before && after < before + MINUTE, "it goes on within a transaction");
        }
    }
}

async fn a_transaction_that_is_dropped_gives_its_connection_back(db: TestStore) {
    for i in 0..40 {
        let mut tx = db.begin().await.unwrap();
        let id = orbit_core::id::PrincipalId::from_uuid(crate::support::fresh());
        assert!(
            tx.principal_insert(id, ("person", "same"), None).await.unwrap(),
            "round {i} sees nothing of the one before"
        );
        drop(tx);
        drop(db.read().await.unwrap());
    }
}

async fn a_begin_that_is_given_up_leaves_no_lock(db: TestStore) {
    use futures::FutureExt;
    let held = db.begin().await.unwrap();
    for _ in 0..8 {
        // Polled once: it waits for the writer, and is dropped there.
        drop(db.begin().now_or_never());
    }
    drop(held);
    for _ in 0..8 {
        drop(db.begin().now_or_never());
        db.write(async |tx| tx.idempotency_sweep().await).await.unwrap();
    }
}

on_both!(
    what_was_committed_is_there_after_a_restart,
    a_server_without_the_database_is_told,
    time_is_the_databases_or_the_injected,
    a_transaction_that_is_dropped_gives_its_connection_back,
    a_begin_that_is_given_up_leaves_no_lock,
);
