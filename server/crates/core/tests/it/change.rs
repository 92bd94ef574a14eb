//! A change as data: its stored shape, when two ask for the same, and the work that carries it out.

use orbit_core::{
    change::{Action, Change, Grounds, Noun, NounKind, TopicAction, TopicChange},
    id::{ClusterId, EnvironmentId, TopicId, WorkspaceId},
    model::topic::{CleanupPolicy, Compression, Difference, Drift, Preset, Profile, TopicSpec},
    policy::{ClusterFacts, CurrentTopic, TopicFacts},
    ports::KafkaTopicId,
    testing::{SequentialIds, World, paused, scenario::NAME},
    workflow::{OperationState, Piece},
};
use serde_json::{Value, json};

fn change(action: TopicAction) -> TopicChange {
    TopicChange {
        id: TopicId::from_uuid(SequentialIds::nth(1)),
        workspace_id: WorkspaceId::from_uuid(SequentialIds::nth(2)),
        workspace: "payments".parse().unwrap(),
        environment_id: EnvironmentId::from_uuid(SequentialIds::nth(3)),
        environment: "dev".parse().unwrap(),
        name: "orders".parse().unwrap(),
        cluster_id: ClusterId::from_uuid(SequentialIds::nth(4)),
        physical_name: "dev.payments.orders".parse().unwrap(),
        action,
    }
}

fn create(spec: TopicSpec) -> TopicChange {
    change(TopicAction::Create { spec })
}
fn update(spec: TopicSpec) -> TopicChange {
    change(TopicAction::Update { spec })
}

fn retention(ms: i64) -> TopicSpec {
    TopicSpec { retention_ms: Some(ms), ..TopicSpec::default() }
}

fn setting(key: &str, value: &str) -> TopicSpec {
    TopicSpec { config: [(key.to_owned(), value.to_owned())].into(), ..TopicSpec::default() }
}

fn described(text: &str) -> TopicSpec {
    TopicSpec { description: Some(text.to_owned()), ..TopicSpec::default() }
}

fn kafka_id() -> KafkaTopicId {
    KafkaTopicId::from_uuid(SequentialIds::nth(9))
}

#[test]
fn the_stored_shape_of_a_change_is_this() {
    let preset =
        Preset { partitions: Some(3), replication_factor: None, config: [("flush.ms".into(), "5".into())].into() };
    let whole = TopicSpec {
        profile: Some(Profile { name: "audit".parse().unwrap(), by_default: false, preset }),
        partitions: Some(6),
        replication_factor: Some(3),
        retention_ms: Some(-1),
        cleanup_policy: Some(CleanupPolicy::CompactDelete),
        compression: Some(Compression::None),
        config: [("segment.ms".to_owned(), "60000".to_owned())].into(),
        description: Some("Orders".to_owned()),
        tags: ["pii".to_owned()].into(),
        owner_contact: Some("#payments".to_owned()),
        deletion_protection: Some(true),
    };
    let stored = |action: Value| {
        let mut change = json!({
            "id": "top_00000000000070008000000000000001",
            "workspace_id": "wsp_00000000000070008000000000000002",
            "workspace": "payments",
            "environment_id": "env_00000000000070008000000000000003",
            "environment": "dev",
            "name": "orders",
            "cluster_id": "clu_00000000000070008000000000000004",
            "physical_name": "dev.payments.orders",
        });
        let fields = change.as_object_mut().unwrap();
        fields.extend(action.as_object().unwrap().clone());
        json!({"noun": "topic", "change": change})
    };
    let spec = json!({
        "profile": {"name": "audit", "partitions": 3, "config": {"flush.ms": "5"}},
        "partitions": 6, "replication_factor": 3, "retention_ms": -1, "cleanup_policy": "compact,delete", "compression": "none",
        "config": {"segment.ms": "60000"}, "description": "Orders", "tags": ["pii"], "owner_contact": "#payments",
        "deletion_protection": true,
    });
    for (change, golden) in [
        (create(whole), stored(json!({"action": "create", "spec": spec}))),
        (update(TopicSpec::default()), stored(json!({"action": "update", "spec": {}}))),
        (change(TopicAction::Delete), stored(json!({"action": "delete"}))),
    ] {
        let change = Change::Topic(change);
        assert_eq!(serde_json::to_value(&change).unwrap(), golden);
        assert_eq!(serde_json::from_value::<Change>(golden).unwrap(), change);
    }
}

#[test]
fn a_change_names_its_object_for_machines_and_people() {
    let change = Change::Topic(create(TopicSpec::default()));
    let object = change.object();
    assert_eq!((object.noun, object.id), (NounKind::Topic, SequentialIds::nth(1)));
    assert_eq!(object.key, "payments/dev/orders");
    assert_eq!(change.action(), Action::Create);
    assert_eq!(change.workspace().uuid(), SequentialIds::nth(2));
    assert_eq!(change.environment().uuid(), SequentialIds::nth(3));
    assert_eq!(change.lane().uuid(), SequentialIds::nth(4));
}

#[test]
fn what_asks_for_the_same_in_another_spelling_is_the_same_intent() {
    let same = |a: &TopicChange, b: &TopicChange| Change::Topic(a.clone()).same_intent(&Change::Topic(b.clone()));
    assert!(same(&create(retention(1_000)), &create(setting("retention.ms", "1000"))));
    assert!(same(
        &update(setting("cleanup.policy", "compact,delete")),
        &update(setting("cleanup.policy", "delete, compact"))
    ));
    assert!(same(&change(TopicAction::Delete), &change(TopicAction::Delete)));

    assert!(!same(&create(retention(1_000)), &create(retention(2_000))));
    assert!(!same(&create(described("a")), &create(described("b"))));
    assert!(!same(&create(TopicSpec::default()), &update(TopicSpec::default())));
    assert!(!same(&update(TopicSpec::default()), &change(TopicAction::Delete)));
    let of_another = TopicChange { id: TopicId::from_uuid(SequentialIds::nth(8)), ..change(TopicAction::Delete) };
    assert!(!same(&change(TopicAction::Delete), &of_another));
}

/// The kind of work that carries a change out.
fn work(change: &TopicChange, grounds: &Grounds) -> &'static str {
    change.piece(grounds).map_or("none", |piece| Piece::kind(&piece))
}

#[test]
fn the_work_of_a_change_follows_from_what_stands_and_what_was_seen() {
    let grounds = |drift| Grounds { kafka_topic_id: Some(kafka_id()), spec: retention(1_000), drift };
    let none = Grounds::default();
    let clean = Some(Drift::Fields(vec![]));
    let drifted = Some(Drift::Fields(vec![Difference {
        field: "/retention_ms".to_owned(),
        before: Some("1000".to_owned()),
        after: None,
    }]));
    let other = Some(Drift::Recreated { found: kafka_id() });

    assert_eq!(work(&create(retention(1)), &none), "TopicProvisioning");
    assert_eq!(work(&update(retention(2_000)), &grounds(clean.clone())), "TopicUpdate");
    assert_eq!(work(&update(retention(2_000)), &grounds(None)), "TopicUpdate");
    // The same as before, in whatever spelling: only the database changes.
    assert_eq!(work(&update(setting("retention.ms", "1000")), &grounds(clean)), "none");
    assert_eq!(work(&update(retention(1_000)), &grounds(None)), "none");
    // The same as before, but the cluster shows something else.
    assert_eq!(work(&update(retention(1_000)), &grounds(drifted)), "TopicUpdate");
    assert_eq!(work(&update(retention(1_000)), &grounds(Some(Drift::Missing))), "TopicProvisioning");
    assert_eq!(work(&update(retention(2_000)), &grounds(Some(Drift::Missing))), "TopicProvisioning");
    // Tried, so that it fails with what happened, and a remedy.
    assert_eq!(work(&update(retention(1_000)), &grounds(other)), "TopicUpdate");
    assert_eq!(work(&change(TopicAction::Delete), &grounds(None)), "TopicDeletion");
    // Never made: nothing to delete but the record.
    assert_eq!(work(&change(TopicAction::Delete), &none), "none");
}

#[test]
fn a_setting_that_is_no_longer_given_returns_to_the_default_and_what_others_set_stays() {
    let world = World::new();
    let configs = [("retention.ms", "1000"), ("segment.ms", "5"), ("flush.ms", "7")];
    let id = world.kafka.put(NAME, 1, &configs);
    let before = TopicSpec { retention_ms: Some(1_000), ..setting("segment.ms", "5") };
    let grounds = Grounds { kafka_topic_id: Some(id), spec: before.clone(), drift: None };
    let asked = TopicChange {
        id: world.topic,
        cluster_id: world.cluster,
        physical_name: NAME.parse().unwrap(),
        ..update(setting("segment.ms", "6"))
    };
    world.accept_update(NAME, id, &before, TopicSpec::default());
    world.begin(vec![asked.piece(&grounds).unwrap()]);

    assert_eq!(paused(world.drive()), OperationState::Succeeded);

    let configs = world.kafka.topic(NAME).unwrap().configs;
    let configs: Vec<_> = configs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(configs, [("flush.ms", "7"), ("segment.ms", "6")]);
}

#[test]
fn differences_are_told_field_by_field_against_what_stands() {
    let facts = TopicFacts {
        requester: orbit_core::change::Requester { platform_admin: false },
        documentation: orbit_core::documentation::Documentation::default(),
        cluster: ClusterFacts { slug: "dev-1".parse().unwrap(), description: None, trouble: None },
        current: Some(CurrentTopic {
            spec: retention(1_000),
            observed_partitions: None,
            observed_replication_factor: None,
        }),
        collides_with: None,
        unmanaged: false,
        quotas: vec![],
    };
    let told = |change: TopicChange| {
        let lines = change.differences(&facts);
        let line = |d: &Difference| format!("{} {:?} -> {:?}", d.field, d.before.as_deref(), d.after.as_deref());
        lines.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(told(update(retention(2_000))), [r#"/retention_ms Some("1000") -> Some("2000")"#]);
    assert_eq!(
        told(update(described("Orders"))),
        [r#"/retention_ms Some("1000") -> None"#, r#"/description None -> Some("Orders")"#]
    );
    assert_eq!(told(update(setting("retention.ms", "5"))), [r#"/config/retention.ms Some("1000") -> Some("5")"#]);
    assert_eq!(told(create(retention(5))), [r#"/retention_ms None -> Some("5")"#]);
    assert_eq!(told(change(TopicAction::Delete)), [r#"/retention_ms Some("1000") -> None"#]);
    assert_eq!(told(update(setting("retention.ms", "1000"))), [] as [&str; 0]);
}
