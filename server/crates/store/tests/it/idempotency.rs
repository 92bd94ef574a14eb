use crate::support::{MINUTE, SECOND, TestStore, on_both};
use orbit_store::{Earlier, StoreError};
use serde_json::json;
use std::time::Duration;

async fn a_key_gives_the_answer_again(db: TestStore) {
    let alice = db.principal("alice").await;
    let answer = json!({ "status": 202, "body": { "id": "op_1", "n": [1, null, "ü"] } });
    db.write(async |tx| {
        assert_eq!(tx.idempotency_take(alice, "key", b"body").await?, Earlier::Nothing);
        tx.idempotency_answer(alice, "key", &answer).await
    })
    .await
    .unwrap();
    let take = async |who, key, body: &[u8]| db.begin().await.unwrap().idempotency_take(who, key, body).await.unwrap();
    assert_eq!(take(alice, "key", b"body").await, Earlier::Answer(answer));
    assert_eq!(take(alice, "key", b"other").await, Earlier::OtherCall);
    assert_eq!(take(alice, "Key", b"body").await, Earlier::Nothing, "another key");
    let bob = db.principal("bob").await;
    assert_eq!(take(bob, "key", b"body").await, Earlier::Nothing, "another's key");
}

async fn what_was_rolled_back_was_never_called(db: TestStore) {
    let alice = db.principal("alice").await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(tx.idempotency_take(alice, "key", b"body").await.unwrap(), Earlier::Nothing);
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(tx.idempotency_take(alice, "key", b"body").await.unwrap(), Earlier::Nothing);
}

async fn an_answer_needs_its_key(db: TestStore) {
    let alice = db.principal("alice").await;
    let none = db.write(async |tx| tx.idempotency_answer(alice, "key", &json!(1)).await).await;
    assert!(matches!(none, Err(StoreError::Rows { wrote: 0, .. })), "{none:?}");
}

/// Two calls with one key: the second begins while the first is under way, and tells what it got.
async fn second_of_two(db: &TestStore, commits: bool) -> Earlier {
    let alice = db.principal("alice").await;
    let mut one = db.begin().await.unwrap();
    assert_eq!(one.idempotency_take(alice, "key", b"body").await.unwrap(), Earlier::Nothing);
    let store = db.replica().await;
    let mut two = tokio::spawn(async move {
        let mut tx = store.begin().await.unwrap();
        let earlier = tx.idempotency_take(alice, "key", b"body").await.unwrap();
        // Whatever came of it, the transaction lives on.
        tx.principal_by_name("alice").await.unwrap().unwrap();
        tx.commit().await.unwrap();
        earlier
    });
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut two).await.is_err(), "the second did not wait");
    one.idempotency_answer(alice, "key", &json!({ "status": 201 })).await.unwrap();
    if commits {
        one.commit().await.unwrap();
    } else {
        drop(one);
    }
    tokio::time::timeout(10 * SECOND, two).await.unwrap().unwrap()
}

async fn the_loser_waits_for_the_winners_answer(db: TestStore) {
    assert_eq!(second_of_two(&db, true).await, Earlier::Answer(json!({ "status": 201 })));
}

async fn the_loser_goes_ahead_where_the_winner_gave_up(db: TestStore) {
    assert_eq!(second_of_two(&db, false).await, Earlier::Nothing);
}

async fn of_many_at_once_one_goes_ahead(db: TestStore) {
    let alice = db.principal("alice").await;
    let mut calls = Vec::new();
    for i in 0..8 {
        let store = (*db).clone();
        calls.push(tokio::spawn(async move {
            let mut tx = store.begin().await.unwrap();
            let earlier = tx.idempotency_take(alice, "key", b"body").await.unwrap();
            if earlier == Earlier::Nothing {
                tx.idempotency_answer(alice, "key", &json!(i)).await.unwrap();
            }
            tx.commit().await.unwrap();
            (i, earlier)
        }));
    }
    let mut told = Vec::new();
    for call in calls {
        told.push(tokio::time::timeout(20 * SECOND, call).await.unwrap().unwrap());
    }
    let winners: Vec<_> = told.iter().filter(|(_, e)| *e == Earlier::Nothing).map(|(i, _)| *i).collect();
    assert_eq!(winners.len(), 1);
    let answer = Earlier::Answer(json!(winners[0]));
    assert!(told.iter().filter(|(i, _)| *i != winners[0]).all(|(_, e)| *e == answer));
}

async fn answers_are_kept_for_a_day(db: TestStore) {
    let alice = db.principal("alice").await;
    db.write(async |tx| tx.idempotency_take(alice, "old", b"body").await).await.unwrap();
    db.pass((24 * 60 - 1) * MINUTE).await;
    db.write(async |tx| tx.idempotency_take(alice, "new", b"body").await).await.unwrap();
    assert_eq!(db.write(async |tx| tx.idempotency_sweep().await).await.unwrap(), 0);
    db.pass(2 * MINUTE).await;
    assert_eq!(db.write(async |tx| tx.idempotency_sweep().await).await.unwrap(), 1);
    assert_eq!(db.count("idempotency", "key = 'new'").await, 1);
}

on_both!(
    a_key_gives_the_answer_again,
    what_was_rolled_back_was_never_called,
    an_answer_needs_its_key,
    the_loser_waits_for_the_winners_answer,
    the_loser_goes_ahead_where_the_winner_gave_up,
    of_many_at_once_one_goes_ahead,
    answers_are_kept_for_a_day,
);
