use crate::support::{SECOND, TestStore, after, first, fresh, on_both, slug};
use orbit_core::{
    change::Change,
    id::{ClusterId, EnvironmentId, MappingId},
};
use orbit_store::{EnvironmentRow, NewEnvironment, NewMapping, StoreError};
use std::time::Duration;

fn prod() -> NewEnvironment {
    NewEnvironment {
        id: EnvironmentId::from_uuid(fresh()),
        slug: slug("prod"),
        display_name: "Production".to_owned(),
        naming_template: "{environment}.{workspace}.{name}".parse().unwrap(),
        default_approvers: vec!["alice".to_owned(), "bob".to_owned()],
    }
}

async fn map(
    db: &TestStore,
    environment: EnvironmentId,
    cluster: ClusterId,
    priority: i32,
    is_default: Option<bool>,
) -> MappingId {
    let new = NewMapping { id: MappingId::from_uuid(fresh()), environment, cluster, priority, is_default };
    assert!(db.write(async |tx| tx.mapping_insert(&new).await).await.unwrap());
    new.id
}

async fn an_environment_comes_back_as_it_was_given(db: TestStore) {
    let new = prod();
    assert!(db.write(async |tx| tx.environment_insert(&new).await).await.unwrap());
    let twin = prod();
    assert!(!db.write(async |tx| tx.environment_insert(&twin).await).await.unwrap(), "its slug is taken");
    let mut read = db.read().await.unwrap();
    let row = read.environment(new.id).await.unwrap().unwrap();
    assert_eq!(row.naming_template, new.naming_template);
    assert_eq!(row.default_approvers, new.default_approvers);
    assert_eq!((row.display_name.as_str(), row.revision), ("Production", 1));
    assert_eq!(read.environment_by_slug("prod").await.unwrap(), Some(row));
    assert_eq!(read.environment(twin.id).await.unwrap(), None);
}

async fn a_stale_update_changes_nothing(db: TestStore) {
    let id = db.environment("dev").await;
    let mut row = db.read().await.unwrap().environment(id).await.unwrap().unwrap();
    "Development".clone_into(&mut row.display_name);
    row.default_approvers = vec!["carol".to_owned()];
    assert!(db.write(async |tx| tx.environment_update(&row).await).await.unwrap());
    assert!(!db.write(async |tx| tx.environment_update(&row).await).await.unwrap());
    let now = db.read().await.unwrap().environment(id).await.unwrap().unwrap();
    assert_eq!(now, EnvironmentRow { revision: 2, ..row });
}

async fn pages_go_by_slug(db: TestStore) {
    for name in ["staging", "dev2", "dev-2", "dev"] {
        db.environment(name).await;
    }
    let mut read = db.read().await.unwrap();
    let mut list = async |page| -> Vec<String> {
        read.environment_list(&page).await.unwrap().into_iter().map(|e| e.slug.to_string()).collect()
    };
    assert_eq!(list(first(10)).await, ["dev", "dev-2", "dev2", "staging"]);
    assert_eq!(list(after("dev".to_owned(), 2)).await, ["dev-2", "dev2"]);
}

async fn the_mapping_that_topics_take_comes_first(db: TestStore) {
    let dev = db.environment("dev").await;
    let mut clusters = Vec::new();
    for name in ["a", "b", "c", "d"] {
        clusters.push(db.cluster(name).await);
    }
    let a = map(&db, dev, clusters[0], 0, None).await;
    let b = map(&db, dev, clusters[1], 0, None).await;
    let c = map(&db, dev, clusters[2], 10, Some(false)).await;
    let d = map(&db, dev, clusters[3], 10, Some(true)).await;
    let mut read = db.read().await.unwrap();
    let order: Vec<_> = read.mappings_of(dev).await.unwrap();
    assert_eq!(order.iter().map(|m| m.id).collect::<Vec<_>>(), [d, c, a, b], "priority, then default, then age");
    let told: Vec<_> = order.iter().map(|m| (m.cluster.as_str(), m.priority, m.is_default)).collect();
    assert_eq!(
        told,
        [("d", 10, true), ("c", 10, false), ("a", 0, true), ("b", 0, false)],
        "the first one is the default"
    );

    let one = read.mapping(c).await.unwrap().unwrap();
    assert_eq!((one.environment_id, one.environment.as_str(), one.cluster_id), (dev, "dev", clusters[2]));
    let page: Vec<_> = read.mapping_list(&after(a.uuid(), 2)).await.unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(page, [b, c]);
    assert_eq!(read.mapping_list(&first(10)).await.unwrap().len(), 4);
}

async fn an_environment_leads_to_a_cluster_once(db: TestStore) {
    let (dev, main) = (db.environment("dev").await, db.cluster("main").await);
    let id = map(&db, dev, main, 0, None).await;
    let again = NewMapping {
        id: MappingId::from_uuid(fresh()),
        environment: dev,
        cluster: main,
        priority: 5,
        is_default: None,
    };
    assert!(!db.write(async |tx| tx.mapping_insert(&again).await).await.unwrap());

    assert!(!db.write(async |tx| tx.environment_delete(dev).await).await.unwrap(), "a mapping leads from it");
    db.write(async |tx| tx.mapping_delete(id).await).await.unwrap();
    let twice = db.write(async |tx| tx.mapping_delete(id).await).await;
    assert!(matches!(twice, Err(StoreError::Rows { wrote: 0, .. })), "{twice:?}");
    assert!(db.write(async |tx| tx.environment_delete(dev).await).await.unwrap());
    assert!(!db.write(async |tx| tx.environment_delete(dev).await).await.unwrap(), "it is gone");
}

async fn one_with_a_topic_stays(db: TestStore) {
    let place = db.place().await;
    assert!(db.desire(&place.create("orders", 1), place.filed()).await.unwrap());
    assert!(!db.write(async |tx| tx.environment_delete(place.environment).await).await.unwrap());
}

async fn one_that_gets_a_topic_at_this_moment_stays(db: TestStore) {
    let place = db.place().await;
    let mut submit = db.begin().await.unwrap();
    submit.environment_hold(place.environment).await.unwrap();
    assert!(submit.desire(&Change::Topic(place.create("orders", 1)), &place.filed()).await.unwrap());

    let (store, environment) = ((*db).clone(), place.environment);
    let mut delete = tokio::spawn(async move {
        let mut tx = store.begin().await?;
        let deleted = tx.environment_delete(environment).await?;
        tx.commit().await.map(|()| deleted)
    });
    let early = tokio::time::timeout(Duration::from_millis(100), &mut delete).await;
    assert!(early.is_err(), "it waits for the submit: {early:?}");
    submit.commit().await.unwrap();

    let deleted = tokio::time::timeout(10 * SECOND, delete).await.unwrap().unwrap();
    assert!(!deleted.unwrap(), "and sees its topic, where a violated constraint would end the transaction");
}

on_both!(
    an_environment_comes_back_as_it_was_given,
    a_stale_update_changes_nothing,
    pages_go_by_slug,
    the_mapping_that_topics_take_comes_first,
    an_environment_leads_to_a_cluster_once,
    one_with_a_topic_stays,
    one_that_gets_a_topic_at_this_moment_stays,
);
