//! A topic through terraform: made, changed, led back, taken over, deleted. After each apply there is nothing left to do.

use crate::world::{WORKSPACE, World, address, configuration, key, many, topic};
use orbit_acceptance::Terraform;
use orbit_api::{TopicPolicyCreate, TopicPolicyReplace};
use serde_json::{Value, json};

const ORDERS: &str = "orbit_kafka_topic.orders";

fn orders(lines: &str) -> String {
    topic("dev", "orders", lines)
}

/// Whatever way it is asked, there is nothing to do.
async fn nothing_to_do(terraform: &Terraform) {
    terraform.plan().await.is_empty();
    terraform.plan_with(&["-refresh=false"]).await.is_empty();
    terraform.plan_with(&["-refresh-only"]).await.is_empty();
}

#[tokio::test]
async fn checklist_14_a_topic_is_made_changed_and_deleted_on_the_cluster() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("partitions = 3\nconfig = { \"retention.ms\" = \"60000\" }")).await;

    terraform.plan().await.plans(&["create orbit_kafka_topic.orders"]);
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let made = world.on_cluster().await["dev/orders"].clone();
    assert_eq!(made.partitions, 3);
    assert!(made.settings.contains("retention.ms=60000"), "{made:?}");
    let state = terraform.state(ORDERS).await.unwrap();
    assert_eq!(state["status"], "active");
    assert_eq!(state["kafka_topic_id"], made.id);
    assert_eq!(state["physical_name"], world.physical("dev", "orders"));

    let changed = "partitions = 5\nretention_ms = 120000\ncompression = \"zstd\"\ncleanup_policy = \"compact,delete\"\n\
                   description = \"Orders\"\ntags = [\"b\", \"a\"]\nowner_contact = \"#orders\"";
    terraform.write(&configuration(&orders(changed)));
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let now = world.on_cluster().await["dev/orders"].clone();
    assert_eq!((now.id, now.partitions), (made.id, 5), "the same topic, grown");
    for setting in ["retention.ms=120000", "compression.type=zstd", "cleanup.policy=compact,delete"] {
        assert!(now.settings.contains(setting), "{setting}: {}", now.settings);
    }

    // What is given no longer returns to the broker's default.
    terraform.write(&configuration(&orders("partitions = 5")));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let bare = world.on_cluster().await["dev/orders"].settings.clone();
    assert!(!bare.contains("retention.ms") && !bare.contains("compression.type"), "{bare}");
    assert_eq!(terraform.attribute(ORDERS, "description").await, Value::Null);

    terraform.destroy().await.ok();
    assert!(world.on_cluster().await.is_empty());
    assert_eq!(terraform.state(ORDERS).await, None);
}

#[tokio::test]
async fn what_only_describes_a_topic_changes_without_the_cluster() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("description = \"Orders\"\ntags = [\"a\"]")).await;
    terraform.apply().await.ok();
    let operation = terraform.attribute(ORDERS, "workflow_id").await;
    terraform.write(&configuration(&orders("description = \"All orders\"\ntags = [\"a\", \"b\"]")));
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    let changed = terraform.planned(ORDERS).await;
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["description", "tags"], "{changed:?}");
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    assert_eq!(terraform.attribute(ORDERS, "workflow_id").await, operation, "nothing was to be done");
    assert_eq!(world.topic("dev", "orders").await.description.as_deref(), Some("All orders"));
}

#[tokio::test]
async fn checklist_08_drift_shows_as_exactly_that_attribute_and_an_apply_reverts_it() {
    let world = World::new().await;
    let lines = "partitions = 2\nretention_ms = 60000\nconfig = { \"segment.ms\" = \"30000\" }";
    let terraform = world.terraform(&orders(lines)).await;
    terraform.apply().await.ok();
    let name = world.physical("dev", "orders");

    // A setting that nobody manages is nobody's drift.
    world.kafka.configure_topic(&name, "retention.ms=1000,max.message.bytes=1234").await;
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    assert_eq!(planned(&terraform).await, json!({ "retention_ms": [1000, 60_000] }));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let settings = world.on_cluster().await["dev/orders"].settings.clone();
    assert!(settings.contains("retention.ms=60000") && settings.contains("max.message.bytes=1234"), "{settings}");

    world.kafka.configure_topic(&name, "segment.ms=40000").await;
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    assert_eq!(planned(&terraform).await, json!({ "config.segment.ms": ["40000", "30000"] }));
    terraform.apply_plan().await.ok();
    nothing_to_do(&terraform).await;
}

#[tokio::test]
async fn partitions_that_were_added_past_orbit_cannot_be_taken_away() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.apply().await.ok();
    world.kafka.grow_topic(&world.physical("dev", "orders"), 4).await;

    let plan = terraform.plan().await;

    plan.fails(&["Partitions can grow, never shrink: from 4 to 2"]).points_at("partitions = 2");
    // Whoever gives in to the cluster is told what that means.
    terraform.write(&configuration(&orders("partitions = 4")));
    terraform.apply().await.warns(&["is on its cluster as configured, but Orbit wants something else"]);
    nothing_to_do(&terraform).await;
}

#[tokio::test]
async fn checklist_16_fewer_partitions_are_an_error_of_the_plan_and_never_a_replacement() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("partitions = 4")).await;
    terraform.apply().await.ok();
    terraform.write(&configuration(&orders("partitions = 3")));

    let plan = terraform.plan().await;

    plan.fails(&["Partitions can grow, never shrink: from 4 to 3", "a new topic, under another name"])
        .points_at("partitions = 3");
    assert!(plan.changes.is_empty(), "{:?}", plan.changes);
    assert_eq!(world.on_cluster().await["dev/orders"].partitions, 4);
}

#[tokio::test]
async fn checklist_15_the_brokers_defaults_are_nobodys_difference() {
    let world = World::new().await;
    // The broker itself was given one, so that Kafka shows it on every topic.
    let terraform = world.terraform(&format!("{}{}", orders(""), topic("dev", "events", DURABLE))).await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;

    let on_cluster = world.on_cluster().await;
    assert_eq!(on_cluster["dev/orders"].partitions, 1, "the broker's default");
    assert!(on_cluster["dev/events"].settings.contains("min.insync.replicas=1"), "{on_cluster:?}");
    // Given no longer: the broker goes on to show it, and still there is nothing to do.
    terraform.write(&configuration(&format!("{}{}", orders(""), topic("dev", "events", ""))));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let on_cluster = world.on_cluster().await;
    let listed = |name: &str| on_cluster[name].settings.contains("min.insync.replicas=");
    assert!(listed("dev/orders") && listed("dev/events"), "Kafka lists it without being set: {on_cluster:?}");
}

const DURABLE: &str = "config = { \"min.insync.replicas\" = \"1\" }";

#[tokio::test]
async fn checklist_13_values_mean_the_same_however_they_are_spelled() {
    let world = World::new().await;
    let lines = "config = { \"retention.ms\" = \"060000\", \"cleanup.policy\" = \"delete,compact\", \"preallocate\" = \"TRUE\" }";
    let terraform = world.terraform(&orders(lines)).await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
}

#[tokio::test]
async fn checklist_04_a_topic_is_imported_by_its_names_and_by_its_id() {
    let world = World::new().await;
    let lines = "partitions = 2\nretention_ms = 60000\nconfig = { \"segment.ms\" = \"30000\" }\ntags = [\"a\"]";
    let terraform = world.terraform(&orders(lines)).await;
    terraform.apply().await.ok();
    let made = terraform.state(ORDERS).await.unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    for known_by in [key("dev", "orders"), id] {
        terraform.forget(ORDERS).await;
        let imported = terraform.import(ORDERS, &known_by).await;
        assert_eq!(imported.code, 0, "{}", imported.text);
        assert_eq!(terraform.state(ORDERS).await.unwrap(), made);
        nothing_to_do(&terraform).await;
    }

    // And by a block, as part of a plan that changes nothing.
    terraform.forget(ORDERS).await;
    let block = format!("import {{\n  to = {ORDERS}\n  id = \"{}\"\n}}\n", key("dev", "orders"));
    terraform.write(&configuration(&format!("{block}{}", orders(lines))));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    assert_eq!(world.requests().await.len(), 1, "an import asks for nothing");
}

#[tokio::test]
async fn an_import_of_nothing_says_so() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("")).await;
    let missing = terraform.import(ORDERS, &key("dev", "orders")).await;
    assert_eq!(missing.code, 1);
    assert!(missing.text.contains("there is no topic payments-team/dev/orders that you can see"), "{}", missing.text);
    let wrong = terraform.import(ORDERS, "orders").await;
    assert!(wrong.text.contains("Import by workspace/environment/name"), "{}", wrong.text);
}

#[tokio::test]
async fn checklist_11_a_topic_that_exists_is_not_adopted_but_told_with_the_import_command() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let other = world.terraform(&orders("partitions = 2")).await;

    let apply = other.apply().await;

    let command = format!("terraform import orbit_kafka_topic.orders {}", key("dev", "orders"));
    apply.fails(&["exists already", &command]);
    assert_eq!(other.state(ORDERS).await, None);
}

#[tokio::test]
async fn another_name_is_another_topic_and_the_plan_says_what_that_means() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("")).await;
    terraform.apply().await.ok();
    let renamed = orders("").replace("name = \"orders\"", "name = \"sales\"");
    terraform.write(&configuration(&renamed));

    let plan = terraform.plan().await;
    plan.plans(&["replace orbit_kafka_topic.orders"]).warns(&["is replaced, and its records do not move"]);
    assert_eq!(terraform.apply().await.code, 0);
    nothing_to_do(&terraform).await;
    assert_eq!(world.on_cluster().await.keys().collect::<Vec<_>>(), ["dev/sales"]);

    terraform.write(&configuration(&renamed.replace(&address("orders"), "")));
    let protected = renamed.replace("}\n", "  deletion_protection = true\n}\n");
    terraform.write(&configuration(&protected));
    terraform.apply().await.ok();
    terraform.destroy().await.fails(&["deletion protection of topic sales is on", "set deletion_protection to false"]);
    assert_eq!(world.on_cluster().await.len(), 1, "{WORKSPACE} keeps it");
}

#[tokio::test]
async fn two_blocks_do_not_share_a_topic() {
    let world = World::new().await;
    let twice = format!(
        "{}{}",
        orders(""),
        orders("").replace("\"orbit_kafka_topic\" \"orders\"", "\"orbit_kafka_topic\" \"again\"")
    );
    let terraform = world.terraform(&twice).await;
    terraform.apply().await.fails(&["Another resource block of this run has topic payments-team/dev/orders already"]);
    assert_eq!((world.requests().await.len(), world.on_cluster().await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_here_already_says_how_to_keep_it() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("")).await;
    terraform.apply().await.ok();
    let said = ["is managed here already", "moved {", "terraform untaint", "two applies"];
    terraform.plan_with(&["-replace=orbit_kafka_topic.orders"]).await.fails(&said);
    assert_eq!(terraform.run(&["taint", ORDERS]).await.code, 0);
    terraform.plan().await.fails(&said);
    assert_eq!(terraform.run(&["untaint", ORDERS]).await.code, 0);
    nothing_to_do(&terraform).await;

    let moved = format!("moved {{\n  from = {ORDERS}\n  to = orbit_kafka_topic.sales\n}}\n");
    let renamed = orders("").replace("\"orbit_kafka_topic\" \"orders\"", "\"orbit_kafka_topic\" \"sales\"");
    terraform.write(&configuration(&format!("{moved}{renamed}")));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    assert_eq!(world.requests().await.len(), 1);
}

#[tokio::test]
async fn checklist_12_many_topics_are_made_at_once_and_seen_at_once() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 30)).await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    assert_eq!(world.on_cluster().await.len(), 30);
    terraform.destroy().await.ok();
    assert!(world.on_cluster().await.is_empty());
}

/// What the last plan changes of the topic, as an object of pairs.
async fn planned(terraform: &Terraform) -> Value {
    let changed = terraform.planned(ORDERS).await;
    // What an operation brings with it is its id.
    changed
        .into_iter()
        .filter(|(name, _)| name != "workflow_id")
        .map(|(name, (before, after))| (name, json!([before, after])))
        .collect()
}

#[tokio::test]
async fn a_destroy_with_a_lead_time_is_done_and_says_how_to_keep_the_topic() {
    let world = World::new().await;
    let week = TopicPolicyReplace { deletion_lead_time_hours: Some(168), ..TopicPolicyReplace::default() };
    world.orbit.admin().topic_policy_create(&TopicPolicyCreate::new("a-week", None, week)).await.unwrap();
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 2")).await;
    terraform.apply().await.ok();

    let destroy = terraform.destroy().await;

    let scheduled = world.topic("dev", "orders").await;
    let restore = format!("/v1/topics/{}/restore", scheduled.id);
    let at = scheduled.deletes_at.unwrap().to_string();
    destroy.succeeds();
    let told = destroy.warnings.iter().find(|told| told.summary.contains("is deleted at")).unwrap();
    told.says(&[&at, &restore, "terraform import"]);
    assert_eq!(terraform.state("orbit_kafka_topic.orders").await, None);
    assert_eq!(world.on_cluster().await.len(), 1, "it is there until then");
    // The same name is not free before.
    terraform.apply().await.fails(&["is going to be deleted at"]);

    world.orbit.developer().topic_restore(&scheduled.id).await.unwrap();
    terraform.import("orbit_kafka_topic.orders", &key("dev", "orders")).await.ok();
    terraform.plan().await.is_empty();
}
