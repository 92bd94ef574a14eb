use crate::support::{TestStore, after, first, fresh, on_both, physical};
use orbit_core::{
    id::ClusterId,
    model::cluster::{SaslMechanism, SecurityProtocol},
    name::PhysicalName,
    ports::ClusterDescription,
    secret::Secret,
};
use orbit_store::{ClusterRow, Health, Keyring, KeyringError, NewMapping, OperationFilter, StoreError};

async fn one(db: &TestStore, id: ClusterId) -> ClusterRow {
    db.read().await.unwrap().cluster(id).await.unwrap().unwrap()
}

fn description(brokers: u32) -> ClusterDescription {
    ClusterDescription {
        kafka_cluster_id: Some("kZ9".to_owned()),
        brokers,
        default_partitions: Some(6),
        default_replication_factor: Some(3),
        topic_defaults: [("retention.ms".to_owned(), "604800000".to_owned())].into(),
    }
}

async fn look(db: &TestStore, id: ClusterId, topics: Vec<PhysicalName>) {
    let health = Health::Well { description: Box::new(description(3)), topics, began: db.now().await };
    db.write(async |tx| tx.cluster_seen(id, &health).await).await.unwrap();
}

async fn shows(db: &TestStore, id: ClusterId, name: &str) -> bool {
    db.shown(id, &physical(name)).await.as_deref() == Some(name)
}

async fn a_cluster_comes_back_as_it_was_registered(db: TestStore) {
    let mut new = TestStore::new_cluster("main");
    new.region = Some("eu-central-1".to_owned());
    new.residency = Some("eu".to_owned());
    new.description = description(3);
    assert!(db.write(async |tx| tx.cluster_insert(&new).await).await.unwrap());
    let twin = TestStore::new_cluster("main");
    assert!(!db.write(async |tx| tx.cluster_insert(&twin).await).await.unwrap(), "its slug is taken");

    let row = one(&db, new.id).await;
    assert_eq!((&row.connection, &row.description), (&new.connection, &Some(new.description)));
    assert_eq!((row.region.as_deref(), row.residency.as_deref()), (Some("eu-central-1"), Some("eu")));
    assert_eq!((row.validation_status.as_str(), row.reachable, row.revision), ("valid", true, 1));
    assert_eq!((row.credentials.clone(), row.topics_seen_at), (None, None));
    assert_eq!(row.last_validated_at, Some(row.created_at));
    let mut read = db.read().await.unwrap();
    assert_eq!(read.cluster_by_slug("main").await.unwrap(), Some(row));
    assert_eq!(read.cluster(twin.id).await.unwrap(), None);
}

async fn credentials_are_sealed_for_their_row(db: TestStore) {
    let ring = Keyring::new([("2026".to_owned(), vec![7; 32])]).unwrap();
    let mut new = TestStore::new_cluster("main");
    new.connection.security_protocol = SecurityProtocol::SaslSsl;
    new.connection.sasl_mechanism = Some(SaslMechanism::ScramSha512);
    let place = new.id.to_string();
    new.credentials = Some(ring.seal(&place, &Secret::new("s3cret")).unwrap());
    assert!(db.write(async |tx| tx.cluster_insert(&new).await).await.unwrap());

    let mut row = one(&db, new.id).await;
    let sealed = row.credentials.clone().unwrap();
    assert_eq!(sealed.key_id, "2026");
    assert_eq!(ring.open(&place, &sealed), Ok(Secret::new("s3cret")));
    let elsewhere = ClusterId::from_uuid(fresh()).to_string();
    assert_eq!(ring.open(&elsewhere, &sealed), Err(KeyringError::Forged("2026".to_owned())));

    row.credentials = Some(ring.seal(&place, &Secret::new("newer")).unwrap());
    assert!(db.write(async |tx| tx.cluster_update(&row).await).await.unwrap());
    assert_eq!(ring.open(&place, &one(&db, new.id).await.credentials.unwrap()), Ok(Secret::new("newer")));
    let dump = db.raw_texts("SELECT CAST(connection AS TEXT) FROM cluster", 0).await.concat();
    assert!(!dump.contains("s3cret") && !dump.contains("newer"));
}

async fn a_stale_update_changes_nothing(db: TestStore) {
    let id = db.cluster("main").await;
    let mut row = one(&db, id).await;
    "Main".clone_into(&mut row.display_name);
    row.connection.bootstrap_servers = vec!["other.example:9092".to_owned()];
    "invalid".clone_into(&mut row.validation_status);
    row.reachable = false;
    row.last_error = Some("refused".to_owned());
    row.description = None;
    assert!(db.write(async |tx| tx.cluster_update(&row).await).await.unwrap());
    assert!(!db.write(async |tx| tx.cluster_update(&row).await).await.unwrap());
    assert_eq!(one(&db, id).await, ClusterRow { revision: 2, ..row });
}

async fn health_goes_ill_and_well_again(db: TestStore) {
    let id = db.cluster("main").await;
    let before = one(&db, id).await;
    let ill = async |reachable| {
        let health = Health::Ill { reachable, error: "SASL authentication failed".to_owned() };
        db.write(async |tx| tx.cluster_seen(id, &health).await).await.unwrap();
        one(&db, id).await
    };
    let gone = ill(false).await;
    assert_eq!(
        (gone.reachable, gone.validation_status.as_str()),
        (false, "valid"),
        "who does not answer did not refuse"
    );
    assert_eq!(gone.last_error.as_deref(), Some("SASL authentication failed"));
    let refused = ill(true).await;
    assert_eq!((refused.reachable, refused.validation_status.as_str()), (true, "invalid"));
    assert_eq!(refused.last_validated_at, before.last_validated_at);

    look(&db, id, vec![]).await;
    let well = one(&db, id).await;
    assert_eq!((well.reachable, well.validation_status.as_str(), well.last_error), (true, "valid", None));
    assert_eq!(well.description, Some(description(3)));
    assert!(well.topics_seen_at >= before.last_validated_at);
    assert_eq!(well.revision, before.revision, "what a look shows is no change by people");
    let nobody = Health::Ill { reachable: true, error: String::new() };
    let unknown = db.write(async |tx| tx.cluster_seen(ClusterId::from_uuid(fresh()), &nobody).await).await;
    assert!(matches!(unknown, Err(StoreError::Rows { wrote: 0, .. })), "{unknown:?}");
}

async fn the_topics_shown_are_those_of_the_last_look(db: TestStore) {
    let (main, other) = (db.cluster("main").await, db.cluster("other").await);
    look(&db, main, vec![physical("a"), physical("A"), physical("a.b")]).await;
    look(&db, other, vec![physical("theirs")]).await;
    assert!(shows(&db, main, "a").await && shows(&db, main, "A").await && shows(&db, main, "a.b").await);
    assert!(!shows(&db, main, "a_b").await && !shows(&db, main, "theirs").await);

    look(&db, main, vec![physical("a"), physical("new"), physical("new")]).await;
    assert!(shows(&db, main, "a").await && shows(&db, main, "new").await);
    assert!(!shows(&db, main, "A").await && !shows(&db, main, "a.b").await);

    look(&db, main, vec![]).await;
    assert_eq!(db.count("cluster_topic", "true").await, 1, "none but the other cluster's is left");
    assert!(shows(&db, other, "theirs").await);
}

async fn five_thousand_topics_are_one_look(db: TestStore) {
    let id = db.cluster("main").await;
    let names = |from: usize, to: usize| (from..to).map(|i| physical(&format!("team-{}.topic_{i}", i % 50))).collect();
    look(&db, id, names(0, 5_000)).await;
    assert_eq!(db.count("cluster_topic", "true").await, 5_000);
    look(&db, id, names(2_500, 7_500)).await;
    assert_eq!(db.count("cluster_topic", "true").await, 5_000);
    assert!(!shows(&db, id, "team-0.topic_0").await && shows(&db, id, "team-49.topic_7499").await);
}

async fn one_that_is_used_stays(db: TestStore) {
    let place = db.place().await;
    let delete = async || db.write(async |tx| tx.cluster_delete(place.cluster).await).await.unwrap();
    let mapping = NewMapping {
        id: orbit_core::id::MappingId::from_uuid(fresh()),
        environment: place.environment,
        cluster: place.cluster,
        priority: 0,
        is_default: None,
    };
    assert!(db.write(async |tx| tx.mapping_insert(&mapping).await).await.unwrap());
    assert!(!delete().await, "a mapping leads to it");
    db.write(async |tx| tx.mapping_delete(mapping.id).await).await.unwrap();

    let change = place.create("orders", 1);
    assert!(db.desire(&change, place.filed()).await.unwrap());
    assert!(!delete().await, "a topic is to be on it");
    db.write(async |tx| tx.topic_forget(change.id).await).await.unwrap();

    look(&db, place.cluster, vec![physical("a")]).await;
    assert!(delete().await);
    assert_eq!(db.count("cluster_topic", "true").await, 0, "what it showed went with it");
    assert!(!delete().await, "it is gone");
}

async fn one_with_operations_under_way_stays(db: TestStore) {
    let place = db.place().await;
    let change = place.create("orders", 1);
    db.operate(&place, &change).await;
    db.raw("DELETE FROM topic").await;
    let delete = async || db.write(async |tx| tx.cluster_delete(place.cluster).await).await.unwrap();
    let in_use = async || db.read().await.unwrap().cluster_in_use(place.cluster).await.unwrap();
    assert!(in_use().await);
    assert!(!delete().await, "work is under way on it");
    db.raw("UPDATE operation SET finished_at = 1").await;
    assert!(!in_use().await);
    assert!(delete().await, "what is over is history, and outlives it");
    let history =
        db.replica().await.read().await.unwrap().operation_list(&OperationFilter::default(), &first(10)).await.unwrap();
    assert_eq!(history[0].cluster, place.cluster.to_string());
}

async fn pages_go_by_slug(db: TestStore) {
    for name in ["b", "a1", "a-1", "a"] {
        db.cluster(name).await;
    }
    let mut read = db.read().await.unwrap();
    let mut list = async |page| -> Vec<String> {
        read.cluster_list(&page).await.unwrap().into_iter().map(|c| c.slug.to_string()).collect()
    };
    assert_eq!(list(first(10)).await, ["a", "a-1", "a1", "b"]);
    assert_eq!(list(after("a".to_owned(), 2)).await, ["a-1", "a1"]);
}

on_both!(
    a_cluster_comes_back_as_it_was_registered,
    credentials_are_sealed_for_their_row,
    a_stale_update_changes_nothing,
    health_goes_ill_and_well_again,
    the_topics_shown_are_those_of_the_last_look,
    five_thousand_topics_are_one_look,
    one_that_is_used_stays,
    one_with_operations_under_way_stays,
    pages_go_by_slug,
);
