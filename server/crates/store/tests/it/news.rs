use crate::support::{Kind, SECOND, TestStore, fresh, on_both};
use orbit_core::id::ReplicaId;
use orbit_store::News;

/// On PostgreSQL every replica hears what one tells, itself too; on SQLite there is nobody.
async fn news_are_heard_by_every_replica_of_one_postgres(db: TestStore) {
    let news = News { from: ReplicaId::from_uuid(fresh()), work: true, changed: vec![fresh(), fresh()] };
    let full = News { changed: (0..News::MOST).map(|_| fresh()).collect(), ..news.clone() };
    let (one, two) = (db.news_listen().await.unwrap(), db.news_listen().await.unwrap());

    for told in [&news, &full] {
        db.news_tell(told).await.unwrap();
    }

    assert_eq!(one.is_some(), db.kind == Kind::Postgres);
    for mut listener in [one, two].into_iter().flatten() {
        for told in [&news, &full] {
            let heard = tokio::time::timeout(20 * SECOND, listener.next()).await.unwrap().unwrap();
            assert_eq!(heard.as_ref(), Some(told));
        }
    }
}

on_both!(news_are_heard_by_every_replica_of_one_postgres);
