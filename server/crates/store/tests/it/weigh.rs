//! What policy and the work get to know of a topic.

use crate::support::{Place, TestStore, Then, on_both, physical, slug, spec};
use orbit_core::{
    change::{Change, Requester, TopicChange},
    model::topic::{Drift, Observed},
    policy::{Decision, Limits, Rulebook, TopicRules},
};
use orbit_store::{Health, NewPolicy, Stage, Weighed};

async fn weigh(db: &TestStore, change: &TopicChange) -> Weighed {
    let mut read = db.read().await.unwrap();
    let rules = read.rulebook(change.workspace_id).await.unwrap();
    let requester = Requester { platform_admin: true };
    read.weigh(&Change::Topic(change.clone()), &rules, &requester.into(), &[]).await.unwrap()
}

fn codes(weighed: &Weighed) -> Vec<&str> {
    weighed.verdict.violations.iter().map(|f| f.code.as_str()).collect()
}

async fn show(db: &TestStore, place: &Place, names: &[&str]) {
    let description = db.read().await.unwrap().cluster(place.cluster).await.unwrap().unwrap().description.unwrap();
    let health = Health::Well {
        description: Box::new(description),
        topics: names.iter().map(|n| physical(n)).collect(),
        began: db.now().await,
    };
    db.write(async |tx| tx.cluster_seen(place.cluster, &health).await).await.unwrap();
}

async fn a_new_topic_is_judged_by_the_rules_of_its_workspace(db: TestStore) {
    let place = db.place().await;
    let policy = NewPolicy {
        id: orbit_core::id::PolicyId::from_uuid(crate::support::fresh()),
        name: slug("guardrails"),
        workspace: Some(place.workspace),
        rules: TopicRules { partition_limits: Limits { min: None, max: Some(50) }, ..TopicRules::default() },
    };
    assert!(db.write(async |tx| tx.policy_insert(&policy).await).await.unwrap());
    let fine = weigh(&db, &place.create("orders", 50)).await;
    assert_eq!((fine.verdict.decision(), fine.base_revision), (Decision::Allow, 0));
    assert_eq!(fine.differences.iter().map(|d| d.field.as_str()).collect::<Vec<_>>(), ["/partitions"]);
    assert_eq!((fine.grounds.kafka_topic_id, fine.grounds.drift), (None, None));
    let many = weigh(&db, &place.create("orders", 51)).await;
    assert_eq!((many.verdict.decision(), codes(&many)), (Decision::Deny, vec!["topic.partitions.limit"]));
    assert_eq!(many.verdict.violations[0].rule.policy, Some(policy.id));
}

async fn a_name_that_kafka_cannot_tell_apart_collides(db: TestStore) {
    let place = db.place().await;
    let dots = place.create("a.b", 1);
    assert!(db.desire(&dots, place.filed()).await.unwrap());
    let underscore = place.create("a_b", 1);
    let told = weigh(&db, &underscore).await;
    assert_eq!(codes(&told), ["topic.name.collision"]);
    assert!(told.verdict.violations[0].message.contains("dev.payments.a.b"));
    assert_eq!(codes(&weigh(&db, &place.create("A.b", 1)).await), [""; 0], "Kafka does tell case apart");
    assert_eq!(codes(&weigh(&db, &dots).await), [""; 0], "it does not collide with itself");
    let elsewhere = TopicChange { cluster_id: db.cluster("other").await, ..underscore.clone() };
    assert_eq!(codes(&weigh(&db, &elsewhere).await), [""; 0], "on another cluster the name is free");
    assert!(db.desire(&dots, Stage::Rejected).await.unwrap());
    assert_eq!(codes(&weigh(&db, &underscore).await), [""; 0], "what was refused holds no name");
}

async fn a_topic_on_the_cluster_that_is_not_ours_is_in_the_way(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    assert_eq!(codes(&weigh(&db, &create).await), [""; 0]);
    show(&db, &place, &["dev.payments.orders", "dev.payments.legacy"]).await;
    assert_eq!(codes(&weigh(&db, &create).await), ["topic.unmanaged"]);
    show(&db, &place, &["dev.payments.legacy"]).await;
    let ours = db.active(&place, "orders").await;
    show(&db, &place, &["dev.payments.orders"]).await;
    assert_eq!(codes(&weigh(&db, &ours).await), [""; 0], "Orbit made it");
    assert_eq!(codes(&weigh(&db, &ours.update(spec(6))).await), [""; 0]);
}

async fn an_update_is_judged_on_what_is_and_what_was_seen(db: TestStore) {
    let place = db.place().await;
    let orders = db.active(&place, "orders").await;
    let grow = weigh(&db, &orders.update(spec(6))).await;
    let row = db.topic(&orders).await.unwrap();
    assert_eq!((grow.verdict.decision(), grow.base_revision), (Decision::Allow, row.revision));
    assert_eq!((grow.grounds.kafka_topic_id, &grow.grounds.spec), (row.kafka_topic_id, &spec(3)));
    assert_eq!(grow.differences.len(), 1);
    assert_eq!(codes(&weigh(&db, &orders.update(spec(2))).await), ["topic.partitions.shrink"]);

    let gone = Observed { topic: None };
    let revision = db.topic(&orders).await.unwrap().revision;
    db.write(async |tx| tx.topic_observe(orders.id, &gone, revision).await).await.unwrap();
    let missing = weigh(&db, &orders.update(spec(3))).await;
    assert_eq!(missing.grounds.drift, Some(Drift::Missing));
    assert_eq!(missing.differences, []);
}

async fn a_delete_shows_what_goes(db: TestStore) {
    let place = db.place().await;
    let delete = db.active(&place, "orders").await.delete();
    let told = weigh(&db, &delete).await;
    let lost: Vec<_> =
        told.differences.iter().map(|d| (d.field.as_str(), d.before.as_deref(), d.after.as_deref())).collect();
    assert_eq!(lost, [("/partitions", Some("3"), None)]);
}

async fn siblings_of_one_transaction_count(db: TestStore) {
    let place = db.place().await;
    let (dots, underscore) = (Change::Topic(place.create("a.b", 1)), Change::Topic(place.create("a_b", 1)));
    let mut tx = db.begin().await.unwrap();
    assert!(tx.desire(&dots, &place.filed()).await.unwrap());
    let requester = Requester { platform_admin: true };
    let told = tx.weigh(&underscore, &Rulebook::default(), &requester.into(), &[]).await.unwrap();
    assert_eq!(codes(&told), ["topic.name.collision"]);
}

on_both!(
    a_new_topic_is_judged_by_the_rules_of_its_workspace,
    a_name_that_kafka_cannot_tell_apart_collides,
    a_topic_on_the_cluster_that_is_not_ours_is_in_the_way,
    an_update_is_judged_on_what_is_and_what_was_seen,
    a_delete_shows_what_goes,
    siblings_of_one_transaction_count,
);
