use crate::support::{TestStore, Then, after, first, fresh, on_both, physical, seen, slug, spec};
use orbit_core::{
    id::{MembershipId, TopicId},
    model::topic::{Drift, Observed, TopicStatus},
    ports::KafkaTopicId,
};
use orbit_store::{Direction, Stage, StoreError, TopicFilter, TopicOrder, TopicRow};

fn names(rows: &[TopicRow]) -> Vec<&str> {
    rows.iter().map(|t| t.name.as_str()).collect()
}

async fn a_topic_comes_back_with_the_slugs_of_its_place(db: TestStore) {
    let place = db.place().await;
    let create = place.create("Orders.v1", 3);
    assert!(db.desire(&create, place.filed()).await.unwrap());
    let row = db.topic(&create).await.unwrap();
    assert_eq!(row.key(), "payments/dev/Orders.v1");
    assert_eq!((row.cluster.as_str(), row.cluster_reachable), ("main", true));
    assert_eq!(row.physical_name, physical("dev.payments.Orders.v1"));
    assert_eq!((row.status, row.created_by, row.revision), (TopicStatus::PendingApproval, place.alice, 1));
    assert_eq!((row.kafka_topic_id, row.observed.clone(), row.acknowledged_at), (None, None, None));
    assert_eq!((&row.desired, row.drift()), (&spec(3), None));
    assert_eq!(row.created_at, row.updated_at);

    let mut read = db.read().await.unwrap();
    let by_key = read.topic_by_key(place.workspace, place.environment, &"Orders.v1".parse().unwrap()).await;
    assert_eq!(by_key.unwrap(), Some(row));
    let other_case = read.topic_by_key(place.workspace, place.environment, &"orders.v1".parse().unwrap()).await;
    assert_eq!(other_case.unwrap(), None);
    assert_eq!(read.topic(TopicId::from_uuid(fresh())).await.unwrap(), None);
}

async fn its_creator_sees_it_once(db: TestStore) {
    let place = db.place().await;
    let create = db.active(&place, "orders").await;
    db.write(async |tx| tx.topic_acknowledge(create.id).await).await.unwrap();
    let noted = db.topic(&create).await.unwrap();
    assert!(noted.acknowledged_at.is_some());
    db.pass(std::time::Duration::from_secs(5)).await;
    db.write(async |tx| tx.topic_acknowledge(create.id).await).await.unwrap();
    assert_eq!(db.topic(&create).await.unwrap(), noted, "the first time counts, and it is no change of the record");
}

async fn its_creator_sees_many_at_once(db: TestStore) {
    let place = db.place().await;
    let (orders, payments) = (db.active(&place, "orders").await, db.active(&place, "payments").await);
    let pending = place.create("pending", 1);
    assert!(db.desire(&pending, place.filed()).await.unwrap());
    let ids = [orders.id, payments.id, pending.id, TopicId::from_uuid(fresh())];
    let seen = async |by| {
        db.write(async |tx| tx.topics_acknowledge(by, &ids).await).await.unwrap();
        let mut seen = Vec::new();
        for create in [&orders, &payments, &pending] {
            seen.push(db.topic(create).await.unwrap().acknowledged_at.is_some());
        }
        seen
    };
    assert_eq!(seen(db.principal("bob").await).await, [false, false, false], "he did not ask for them");
    assert_eq!(seen(place.alice).await, [true, true, false], "what is not there is not seen");
    db.write(async |tx| tx.topics_acknowledge(place.alice, &[]).await).await.unwrap();
}

async fn what_the_cluster_shows_makes_drift(db: TestStore) {
    let place = db.place().await;
    let create = db.active(&place, "orders").await;
    let active = db.topic(&create).await.unwrap();
    assert_eq!((active.status, active.drift()), (TopicStatus::Active, None), "not looked at yet");
    let ours = active.kafka_topic_id.unwrap();

    let look = async |observed: Observed| {
        db.write(async |tx| tx.topic_observe(create.id, &observed, active.revision).await).await.unwrap();
        let row = db.topic(&create).await.unwrap();
        assert_eq!((row.observed.as_ref(), row.revision), (Some(&observed), active.revision));
        assert!(row.observed_at.is_some());
        row.drift()
    };
    assert_eq!(look(seen(ours, 3)).await, None, "what is not managed is no drift");
    let Some(Drift::Fields(fields)) = look(seen(ours, 12)).await else { panic!("12 partitions instead of 3") };
    assert_eq!(fields.iter().map(|d| d.field.as_str()).collect::<Vec<_>>(), ["/partitions"]);
    let theirs = KafkaTopicId::from_uuid(fresh());
    assert_eq!(look(seen(theirs, 3)).await, Some(Drift::Recreated { found: theirs }));
    assert_eq!(look(Observed { topic: None }).await, Some(Drift::Missing));

    db.write(async |tx| tx.topic_observe(create.id, &seen(ours, 3), active.revision - 1).await).await.unwrap();
    let missing = db.topic(&create).await.unwrap().drift();
    assert_eq!(missing, Some(Drift::Missing), "a look at what the topic was before tells nothing of what it is now");

    assert!(db.desire(&create.delete(), place.accepted()).await.unwrap());
    assert_eq!(db.topic(&create).await.unwrap().drift(), None, "only what is active can drift");
}

async fn a_record_that_is_gone_takes_no_observation(db: TestStore) {
    let place = db.place().await;
    let create = db.active(&place, "orders").await;
    db.write(async |tx| tx.topic_forget(create.id).await).await.unwrap();
    let nothing = Observed { topic: None };
    db.write(async |tx| tx.topic_observe(create.id, &nothing, 1).await).await.unwrap();
    let twice = db.write(async |tx| tx.topic_forget(create.id).await).await;
    assert!(matches!(twice, Err(StoreError::Rows { wrote: 0, .. })), "{twice:?}");
}

async fn filters_narrow_and_pages_go_by_age(db: TestStore) {
    let place = db.place().await;
    let mut media = place.clone();
    media.workspace = db.workspace("media").await;
    media.workspace_slug = slug("media");
    let orders = db.active(&place, "orders").await;
    for (place, name) in [(&place, "B"), (&place, "a_b"), (&media, "orders"), (&place, "a-b")] {
        assert!(db.desire(&place.create(name, 1), place.filed()).await.unwrap());
    }
    let mut read = db.read().await.unwrap();
    let mut list = async |filter: TopicFilter, page| -> Vec<String> {
        names(&read.topic_list(&filter, &page).await.unwrap()).into_iter().map(str::to_owned).collect()
    };
    let all = TopicFilter::default;
    assert_eq!(list(all(), first(10)).await, ["orders", "B", "a_b", "orders", "a-b"]);
    assert_eq!(list(all(), after(orders.id.uuid(), 2)).await, ["B", "a_b"]);
    let of = |filter: TopicFilter| filter;
    assert_eq!(list(of(TopicFilter { workspace: Some(media.workspace), ..all() }), first(10)).await, ["orders"]);
    assert_eq!(list(of(TopicFilter { name: Some("orders".into()), ..all() }), first(10)).await.len(), 2);
    assert_eq!(list(of(TopicFilter { name: Some("Orders".into()), ..all() }), first(10)).await.len(), 0);
    let there = TopicFilter { physical_name: Some(orders.physical_name.as_str().into()), ..all() };
    assert_eq!(list(there, first(10)).await, ["orders"]);
    let active = TopicFilter { status: Some(TopicStatus::Active), ..all() };
    assert_eq!(list(active, first(10)).await, ["orders"]);
    let here = TopicFilter { environment: Some(place.environment), cluster: Some(place.cluster), ..all() };
    assert_eq!(list(here, first(10)).await.len(), 5);
    let nowhere = TopicFilter { cluster: Some(orbit_core::id::ClusterId::from_uuid(fresh())), ..all() };
    assert_eq!(list(nowhere, first(10)).await.len(), 0);
    let age = |direction| TopicFilter { order: TopicOrder::Age(direction), ..TopicFilter::default() };
    assert_eq!(list(age(Direction::Down), first(10)).await, ["a-b", "orders", "a_b", "B", "orders"]);
    assert_eq!(list(age(Direction::Down), after(orders.id.uuid(), 2)).await, [""; 0]);
    let named = |direction, after: Option<&str>| {
        let order = TopicOrder::Name(direction, after.map(str::to_owned));
        TopicFilter { order, ..TopicFilter::default() }
    };
    assert_eq!(list(named(Direction::Up, None), first(10)).await, ["B", "a-b", "a_b", "orders", "orders"], "by bytes");
    assert_eq!(
        list(named(Direction::Up, Some("orders")), after(orders.id.uuid(), 2)).await,
        ["orders"],
        "the younger one"
    );
    assert_eq!(list(named(Direction::Down, None), first(2)).await, ["orders", "orders"]);
    assert_eq!(list(named(Direction::Down, Some("orders")), after(orders.id.uuid(), 9)).await, ["a_b", "a-b", "B"]);
    let both = TopicFilter { workspace: Some(place.workspace), status: Some(TopicStatus::PendingApproval), ..all() };
    assert_eq!(list(both, first(2)).await, ["B", "a_b"]);
}

async fn one_sees_the_topics_of_ones_workspaces(db: TestStore) {
    let place = db.place().await;
    let mut media = place.clone();
    media.workspace = db.workspace("media").await;
    media.workspace_slug = slug("media");
    for place in [&place, &media] {
        assert!(db.desire(&place.create("orders", 1), place.filed()).await.unwrap());
    }
    let mine = TopicFilter { visible_to: Some(place.alice), ..TopicFilter::default() };
    assert_eq!(db.read().await.unwrap().topic_list(&mine, &first(10)).await.unwrap(), []);
    let id = MembershipId::from_uuid(fresh());
    assert!(
        db.write(async |tx| tx.membership_insert(id, place.alice, Some(media.workspace), "viewer").await)
            .await
            .unwrap()
    );
    let rows = db.read().await.unwrap().topic_list(&mine, &first(10)).await.unwrap();
    assert_eq!(rows.iter().map(TopicRow::key).collect::<Vec<_>>(), ["media/dev/orders"]);
}

async fn a_topic_knows_whether_its_cluster_answers(db: TestStore) {
    let place = db.place().await;
    let create = db.active(&place, "orders").await;
    let ill = orbit_store::Health::Ill { reachable: false, error: "no route".to_owned() };
    db.write(async |tx| tx.cluster_seen(place.cluster, &ill).await).await.unwrap();
    assert!(!db.topic(&create).await.unwrap().cluster_reachable);
}

async fn a_name_that_another_record_has_is_not_taken_twice(db: TestStore) {
    let place = db.place().await;
    let one = place.create("orders", 1);
    assert!(db.desire(&one, place.filed()).await.unwrap());
    let twin = place.create("orders", 1);
    assert!(!db.desire(&twin, place.filed()).await.unwrap(), "the same natural key under another id");
    assert_eq!(db.topic(&twin).await, None);
    assert!(db.desire(&one, Stage::Rejected).await.unwrap());
    assert!(!db.desire(&twin, place.filed()).await.unwrap(), "the refused record is to be taken up instead");
}

on_both!(
    a_topic_comes_back_with_the_slugs_of_its_place,
    its_creator_sees_it_once,
    its_creator_sees_many_at_once,
    what_the_cluster_shows_makes_drift,
    a_record_that_is_gone_takes_no_observation,
    filters_narrow_and_pages_go_by_age,
    one_sees_the_topics_of_ones_workspaces,
    a_topic_knows_whether_its_cluster_answers,
    a_name_that_another_record_has_is_not_taken_twice,
);
