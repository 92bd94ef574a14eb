//! Limits of workspaces and clusters, and what objects take of them.

use crate::support::{Place, TestStore, Then, on_both, slug, spec};
use orbit_core::{
    approval::RequestState,
    change::{Change, Requester, TopicChange},
    model::topic::TopicSpec,
    policy::{Amounts, Holder, Resource, Rulebook},
};
use orbit_store::{LimitsRow, Stage, UsageRow, Weighed};
use uuid::Uuid;

fn amounts(topics: i64, partitions: i64, retained: i64) -> Amounts {
    [(Resource::Topics, topics), (Resource::Partitions, partitions), (Resource::RetainedBytes, retained)].into()
}

async fn used(db: &TestStore, holder: Holder, id: Uuid) -> Vec<(Resource, i64, i64)> {
    let mut rows = db.read().await.unwrap().usage(holder, id, None).await.unwrap();
    rows.sort_by_key(|u| u.resource);
    rows.into_iter().map(|UsageRow { resource, amount, unlimited }| (resource, amount, unlimited)).collect()
}

async fn claims(db: &TestStore, change: &TopicChange) -> Amounts {
    db.read().await.unwrap().claims(change.id.uuid()).await.unwrap()
}

async fn weigh(db: &TestStore, change: &TopicChange) -> Weighed {
    let requester = Requester { platform_admin: true };
    let mut read = db.read().await.unwrap();
    read.weigh(&Change::Topic(change.clone()), &Rulebook::default(), &requester.into(), &[]).await.unwrap()
}

/// Judges a change and takes what it asks for, as submit does.
async fn take(db: &TestStore, change: &TopicChange) {
    let claims = weigh(db, change).await.claims.unwrap();
    let change = Change::Topic(change.clone());
    db.write(async |tx| tx.claims_take(&change, &claims).await).await.unwrap();
}

fn keeps(partitions: u32, bytes: &str) -> TopicSpec {
    let config = [("retention.bytes".to_owned(), bytes.to_owned())].into();
    TopicSpec { partitions: Some(partitions), config, ..TopicSpec::default() }
}

async fn limits_are_set_whole_and_stale_ones_change_nothing(db: TestStore) {
    let place = db.place().await;
    let id = place.workspace.uuid();
    let limits = async || db.read().await.unwrap().limits(id).await.unwrap();
    assert_eq!(limits().await, LimitsRow::default());
    assert!(!db.write(async |tx| tx.limits_put(id, &amounts(1, 2, 3), 4).await).await.unwrap(), "there is none yet");
    assert!(db.write(async |tx| tx.limits_put(id, &amounts(1, 2, 3), 0).await).await.unwrap());
    assert!(!db.write(async |tx| tx.limits_put(id, &amounts(9, 9, 9), 0).await).await.unwrap(), "it is of revision 1");
    assert_eq!(limits().await, LimitsRow { amounts: amounts(1, 2, 3), revision: 1 });
    let fewer = Amounts::from([(Resource::Topics, 7)]);
    assert!(db.write(async |tx| tx.limits_put(id, &fewer, 1).await).await.unwrap());
    assert_eq!(limits().await, LimitsRow { amounts: fewer, revision: 2 });
}

async fn what_is_open_counts_and_what_was_refused_does_not(db: TestStore) {
    let place = db.place().await;
    let one = place.create("one", 4);
    let two = TopicChange {
        action: orbit_core::change::TopicAction::Create { spec: keeps(2, "100") },
        ..place.create("two", 2)
    };
    for change in [&one, &two] {
        take(&db, change).await;
        assert!(db.desire(change, place.filed()).await.unwrap());
    }
    assert_eq!(claims(&db, &two).await, amounts(1, 2, 200));
    let all = [(Resource::Topics, 2, 0), (Resource::Partitions, 6, 0), (Resource::RetainedBytes, 200, 1)];
    assert_eq!(used(&db, Holder::Workspace, place.workspace.uuid()).await, all);
    assert_eq!(used(&db, Holder::Cluster, place.cluster.uuid()).await, all);

    let request = db.file(&place, &two, RequestState::Pending).await;
    assert!(db.desire(&two, Stage::Rejected).await.unwrap());
    db.write(async |tx| tx.request_end(request).await).await.unwrap();
    assert_eq!(claims(&db, &two).await, Amounts::new());
    let left = [(Resource::Topics, 1, 0), (Resource::Partitions, 4, 0), (Resource::RetainedBytes, 0, 1)];
    assert_eq!(used(&db, Holder::Workspace, place.workspace.uuid()).await, left);
}

async fn a_change_takes_the_larger_until_it_is_done(db: TestStore) {
    let place = db.place().await;
    let orders = db.active(&place, "orders").await;
    take(&db, &orders.update(keeps(6, "100"))).await;
    assert_eq!(claims(&db, &orders).await, amounts(1, 6, 600));
    take(&db, &orders.update(keeps(6, "10"))).await;
    assert_eq!(claims(&db, &orders).await, amounts(1, 6, 600), "it keeps so much still");
    take(&db, &orders.update(spec(6))).await;
    assert_eq!(claims(&db, &orders).await, amounts(1, 6, -1));

    let request = db.file(&place, &orders.update(spec(6)), RequestState::Pending).await;
    db.write(async |tx| tx.request_end(request).await).await.unwrap();
    assert_eq!(claims(&db, &orders).await, amounts(1, 3, -1), "what its record says");
    db.write(async |tx| tx.topic_forget(orders.id).await).await.unwrap();
    assert_eq!(claims(&db, &orders).await, Amounts::new());
}

async fn a_change_is_judged_by_the_limits_of_both(db: TestStore) {
    let place: Place = db.place().await;
    take(&db, &place.create("there", 4)).await;
    let codes = async |partitions| {
        let told = weigh(&db, &place.create("orders", partitions)).await;
        told.verdict.violations.iter().map(|f| (f.code.clone(), f.rule.name.clone())).collect::<Vec<_>>()
    };
    assert_eq!(codes(10_000).await, []);
    let most = |n| Amounts::from([(Resource::Partitions, n)]);
    db.write(async |tx| tx.limits_put(place.workspace.uuid(), &most(10), 0).await).await.unwrap();
    db.write(async |tx| tx.limits_put(place.cluster.uuid(), &most(8), 0).await).await.unwrap();
    assert_eq!(codes(4).await, []);
    let cluster = ("cluster.limit".to_owned(), format!("cluster {}", slug("main")));
    assert_eq!(codes(5).await, std::slice::from_ref(&cluster));
    let both = codes(7).await;
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both.contains(&cluster) && both.contains(&("workspace.limit".to_owned(), "workspace payments".to_owned())));
}

on_both!(
    limits_are_set_whole_and_stale_ones_change_nothing,
    what_is_open_counts_and_what_was_refused_does_not,
    a_change_takes_the_larger_until_it_is_done,
    a_change_is_judged_by_the_limits_of_both,
);
