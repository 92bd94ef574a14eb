//! Everyday life: what is allowed happens at once, what was applied plans empty, what drifts is shown and reverted.

use crate::world::{TOPIC, World, orders, orders_with, says};
use serde_json::{Value, json};
use tfplugin::{Action, testing::UNKNOWN};

fn full() -> Value {
    orders_with(json!({
        "replication_factor": 3, "retention_ms": -1, "cleanup_policy": "compact,delete", "compression": "zstd",
        "config": {"min.insync.replicas": "2"}, "description": "Orders", "tags": ["b", "a"], "owner_contact": "#payments",
        "deletion_protection": false,
    }))
}

#[tokio::test]
async fn checklist_03_what_was_applied_plans_empty_and_is_not_written_twice() {
    for config in [orders(), full(), orders_with(json!({"config": {}, "tags": [], "description": ""}))] {
        let mut world = World::new().await;

        let plan = world.plan(&config).await;
        assert_eq!((plan.action, plan.warnings(), plan.errors()), (Action::Create, vec![], vec![]));
        let report = world.terraform.apply(plan).await;
        assert_eq!(report.warnings(), Vec::<String>::new());
        report.ok();

        let applied = world.terraform.state(TOPIC).unwrap();
        assert_eq!(world.terraform.refresh(TOPIC).await.ok(), applied, "a refresh changes nothing");
        world.plan(&config).await.is_empty();
        world.apply(&config).await.ok();
        assert_eq!(world.orbit().writes(), ["POST /v1/topics"]);
        assert_eq!(applied["status"], "active");
        assert_eq!((&applied["id"], &applied["cluster"]), (&json!("top_1"), &json!("main")));
        assert_eq!(applied["physical_name"], "prod.payments-team.orders");
        assert_eq!((&applied["kafka_topic_id"], &applied["request_url"]), (&json!("kafka-1"), &Value::Null));
        assert_eq!(applied["workflow_id"], "op_1");

        world.destroy().await.ok();
        world.is_gone();
        assert!(world.orbit().topics.is_empty());
    }
}

#[tokio::test]
async fn checklist_14_an_update_sends_what_is_to_be_and_unsets_what_was_removed() {
    let mut world = World::new().await;
    world.apply(&full()).await.ok();

    let plan = world.plan(&orders_with(json!({"partitions": 12}))).await;
    assert_eq!(plan.action, Action::Update);
    assert_eq!(plan.unknown, ["workflow_id"], "the rest stays what it is");
    world.terraform.apply(plan).await.ok();

    let spec = world.orbit().topic().spec();
    assert_eq!((spec.partitions, spec.retention_ms, spec.config, spec.tags), (Some(12), None, None, None));
    world.plan(&orders_with(json!({"partitions": 12}))).await.is_empty();
}

#[tokio::test]
async fn drift_shows_as_exactly_that_attribute_and_apply_reverts_it() {
    let mut world = World::new().await;
    let config = orders_with(json!({"retention_ms": 1000, "compression": "none", "config": {"a": "1", "b": "2"}}));
    world.apply(&config).await.ok();
    for (field, want, have, attribute, shown) in [
        ("/partitions", Some("6"), Some("4"), "partitions", json!(4)),
        ("/retention_ms", Some("1000"), Some("5"), "retention_ms", json!(5)),
        ("/retention_ms", Some("1000"), None, "retention_ms", Value::Null),
        ("/compression", Some("uncompressed"), Some("producer"), "compression", json!("producer")),
        ("/config/a", Some("1"), Some("7"), "config", json!({"a": "7", "b": "2"})),
        ("/config/a", Some("1"), None, "config", json!({"b": "2"})),
    ] {
        world.orbit().drifts(field, want, have);

        let plan = world.plan(&config).await;

        assert_eq!(plan.action, Action::Update, "{field}");
        assert_eq!(plan.before[attribute], shown);
        let differs = |name: &&String| plan.before[*name] != plan.after[*name] && !plan.unknown.contains(name);
        assert_eq!(plan.before.as_object().unwrap().keys().filter(differs).collect::<Vec<_>>(), [attribute]);
        world.terraform.apply(plan).await.ok();
        assert!(world.orbit().topic().drift.is_empty(), "{field}");
        world.plan(&config).await.is_empty();
    }
}

#[tokio::test]
async fn drift_that_the_configuration_takes_over_is_applied_too() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().drifts("/partitions", Some("6"), Some("12"));
    says(&world.plan(&orders()).await.errors(), &["partitions: Partitions can grow, never shrink: from 12 to 6"]);

    let more = orders_with(json!({"partitions": 12}));
    let plan = world.plan(&more).await;
    assert_eq!(plan.action, Action::Update);
    says(&plan.warnings(), &["is on its cluster as configured, but Orbit wants something else"]);
    world.terraform.apply(plan).await.ok();

    assert_eq!(world.orbit().topic().partitions, Some(12));
    world.plan(&more).await.is_empty();
}

#[tokio::test]
async fn a_setting_may_be_written_in_config() {
    let mut world = World::new().await;
    let config = orders_with(json!({"config": {"retention.ms": "1000", "cleanup.policy": "delete"}}));
    world.apply(&config).await.ok();
    world.plan(&config).await.is_empty();

    world.orbit().drifts("/config/retention.ms", Some("1000"), Some("5"));
    let plan = world.plan(&config).await;
    assert_eq!(plan.before["config"], json!({"retention.ms": "5", "cleanup.policy": "delete"}));
    assert_eq!(plan.before["retention_ms"], Value::Null);
}

#[tokio::test]
async fn a_topic_that_is_gone_on_the_cluster_is_made_again_with_a_warning() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.orbit().drifts("", None, None);

    let plan = world.plan(&orders()).await;

    assert_eq!(plan.action, Action::Update);
    assert!(plan.unknown.contains(&"kafka_topic_id".to_owned()));
    says(
        &plan.warnings(),
        &["topic payments-team/prod/orders is not on its cluster any more", "somebody changed it", "empty"],
    );
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.state("kafka_topic_id"), "kafka-2");
    world.plan(&orders()).await.is_empty();

    // Whatever else is changed with it.
    world.orbit().drifts("", None, None);
    let more = orders_with(json!({"partitions": 12}));
    let plan = world.plan(&more).await;
    says(&plan.warnings(), &["is not on its cluster any more", "its records are lost"]);
    world.terraform.apply(plan).await.ok();
    world.plan(&more).await.is_empty();
}

#[tokio::test]
async fn the_workspace_may_come_from_the_provider() {
    let mut config = orders();
    config.as_object_mut().unwrap().remove("workspace");
    let mut world = World::with(json!({"workspace": "payments-team"})).await;
    world.apply(&config).await.ok();
    assert_eq!(world.state("workspace"), "payments-team");
    world.plan(&config).await.is_empty();

    let mut homeless = World::new().await;
    says(&homeless.plan(&config).await.errors(), &["workspace: The topic belongs to no workspace", "provider block"]);

    let mut later = World::with(json!({"workspace": UNKNOWN})).await;
    let plan = later.plan(&config).await;
    assert!(plan.unknown.contains(&"workspace".to_owned()));
    assert_eq!(later.orbit().calls, Vec::<String>::new(), "nothing to judge yet");
}

#[tokio::test]
async fn checklist_18_unknown_inputs_are_judged_once_they_are_known() {
    let mut world = World::new().await;
    world.orbit().most_partitions = Some(50);
    let plan = world.plan(&orders_with(json!({"partitions": UNKNOWN}))).await;
    assert_eq!((plan.errors(), plan.warnings()), (vec![], vec![]));
    let plan = world.plan(&orders_with(json!({"tags": ["a", UNKNOWN], "config": UNKNOWN}))).await;
    assert_eq!(plan.action, Action::Create);
    assert_eq!(world.orbit().calls, Vec::<String>::new());
}

#[tokio::test]
async fn words_that_are_not_known_yet_keep_no_verdict_back() {
    let mut world = World::new().await;
    world.orbit().most_partitions = Some(50);
    let words = json!({
        "partitions": 60, "description": UNKNOWN, "tags": ["a", UNKNOWN], "owner_contact": UNKNOWN, "on_pending": UNKNOWN,
        "request": {"justification": "the fair", "links": [UNKNOWN]}, "timeouts": {"create": UNKNOWN},
    });
    says(
        &world.plan(&orders_with(words)).await.errors(),
        &["partitions: Denied: exceeds platform limit of 50 partitions"],
    );

    world.apply(&orders()).await.ok();
    world.orbit().guarded = true;
    let plan = world.plan(&orders_with(json!({"partitions": 7, "description": UNKNOWN}))).await;
    says(&plan.warnings(), &["The change of topic", "will need approval"]);
}

#[tokio::test]
async fn a_change_of_words_shows_nothing_but_the_words() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    for config in [json!({"description": "Orders"}), json!({"on_pending": "fail"}), json!({})] {
        let plan = world.plan(&orders_with(config)).await;
        assert_eq!((plan.action, plan.unknown.len()), (Action::Update, 0), "{:?}", plan.unknown);
        world.terraform.apply(plan).await.ok();
        assert_eq!(world.state("workflow_id"), "op_1");
    }
}

#[tokio::test]
async fn an_import_by_key_or_id_plans_empty() {
    for id in ["payments-team/prod/orders", "top_1"] {
        let mut world = World::new().await;
        world.apply(&full()).await.ok();
        let applied = world.terraform.state(TOPIC);
        world.forgets().await;

        let imported = world.terraform.import(TOPIC, id).await.ok();

        assert_eq!(Some(imported), applied);
        world.plan(&full()).await.is_empty();
    }
}

#[tokio::test]
async fn an_import_of_what_is_not_there_is_told() {
    let mut world = World::new().await;
    let report = world.terraform.import(TOPIC, "payments-team/prod/nope").await;
    says(&report.errors(), &["payments-team/prod/nope", "topic.not-found"]);
    let report = world.terraform.import(TOPIC, "orders").await;
    says(&report.errors(), &["orders is not the id of a topic", "workspace/environment/name"]);
}

#[tokio::test]
async fn a_replacement_warns_that_data_does_not_move() {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    for (attribute, value) in [("name", "bills"), ("environment", "dev"), ("workspace", "sales")] {
        let plan = world.plan(&orders_with(json!({attribute: value}))).await;
        assert_eq!(plan.action, Action::Replace, "{attribute}");
        says(&plan.warnings(), &["topic payments-team/prod/orders is replaced, and its records do not move"]);
    }
    let plan = world.plan(&orders_with(json!({"name": "bills"}))).await;
    world.terraform.apply(plan).await.ok();
    assert_eq!(world.orbit().topic().name, "bills");
}
