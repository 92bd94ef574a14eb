use crate::support::{TestStore, on_both};
use std::time::Instant;
async fn measure(db: TestStore) {
    let place = db.place().await;
    for (tasks, each) in [(1, 400), (4, 100), (16, 25), (1, 400), (4, 100), (16, 25)] {
    let t = Instant::now();
    let mut all = vec![];
    for c in 0..tasks { let s = (*db).clone(); let who = place.alice; all.push(tokio::spawn(async move { for i in 0..each { let mut tx = s.begin().await.unwrap(); tx.idempotency_take(who, &format!("{c}-{i}-{t:?}"), b"x").await.unwrap(); tx.commit().await.unwrap(); } })); }
    for a in all { a.await.unwrap(); }
    eprintln!("MEASURE {:?} {tasks} tasks: {:?} per tx", db.kind, t.elapsed() / 400);
    }
}
on_both!(measure);
