//! Topics that Orbit has, and that Terraform is to have: from the state of another provider, and from none.

use crate::world::{World, address, key};
use orbit_acceptance::Terraform;
use orbit_api::{Topic, TopicCreate, TopicSpec, TopicStatus};
use serde_json::{Value, json};

pub(crate) const MONGEY: &str = "registry.terraform.io/mongey/kafka";
const CONFLUENT: &str = "registry.terraform.io/confluentinc/confluent";

/// A state as another provider leaves it.
fn state_of(source: &str, kind: &str, attributes: &Value) -> Value {
    json!({
        "version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "0b0a5b9e-0000-4000-8000-000000000001", "outputs": {},
        "resources": [{
            "mode": "managed", "type": kind, "name": "orders", "provider": format!("provider[\"{source}\"]"),
            "instances": [{"schema_version": 0, "sensitive_attributes": [], "private": "bnVsbA==", "attributes": attributes}],
        }],
    })
}

fn mongeys_state(name: &str) -> Value {
    let attributes = json!({"id": name, "name": name, "partitions": 6, "replication_factor": 1, "config": {"retention.ms": "604800000"}});
    state_of(MONGEY, "kafka_topic", &attributes)
}

/// By the schema in its documentation.
fn confluents_state(name: &str) -> Value {
    let attributes = json!({
        "id": format!("lkc-abc123/{name}"), "topic_name": name, "partitions_count": 6, "config": {"retention.ms": "604800000"},
        "rest_endpoint": "https://pkc-00000.us-central1.gcp.confluent.cloud:443", "kafka_cluster": [{"id": "lkc-abc123"}],
        "credentials": [{"key": "CANARYKEY", "secret": "canary-of-confluent"}],
    });
    state_of(CONFLUENT, "confluent_kafka_topic", &attributes)
}

/// The state names its provider, so `init` wants it; `OpenTofu` by the address in its own registry.
fn has(terraform: &Terraform, source: &str, version: &str) {
    for source in [source, &source.replace("registry.terraform.io", "registry.opentofu.org")] {
        terraform.has_installed(source, version);
    }
}

fn of(partitions: u32, more: TopicSpec) -> TopicSpec {
    TopicSpec { partitions: Some(partitions), ..more }
}

async fn holds(world: &World, environment: &str, name: &str, spec: TopicSpec) {
    let new = TopicCreate::new("payments-team", environment, name, spec);
    world.orbit.developer().topic_create(&new).await.unwrap();
    if environment == "prod" {
        world.approve().await;
    }
    world.becomes(environment, name, TopicStatus::Active).await;
}

#[tokio::test]
async fn checklist_25_a_moved_block_takes_a_topic_over_from_mongeys_provider_without_touching_it() {
    let (world, before, terraform) = with_orders().await;
    has(&terraform, MONGEY, "0.13.1");
    std::fs::write(terraform.path("terraform.tfstate"), mongeys_state(&before.physical_name).to_string()).unwrap();
    moves_untouched((&world, &before), &terraform, "kafka_topic").await;
}

#[tokio::test]
async fn checklist_25_a_moved_block_takes_a_topic_over_from_confluents_provider_and_leaves_its_secrets_behind() {
    let (world, before, terraform) = with_orders().await;
    has(&terraform, CONFLUENT, "2.40.0");
    let file = terraform.path("terraform.tfstate");
    std::fs::write(&file, confluents_state(&before.physical_name).to_string()).unwrap();
    moves_untouched((&world, &before), &terraform, "confluent_kafka_topic").await;
    let state = std::fs::read_to_string(&file).unwrap();
    assert!(!state.contains("canary") && !state.contains("CANARY"), "{state}");
}

/// A topic as the example has it, and a folder without a configuration.
pub(crate) async fn with_orders() -> (World, Topic, Terraform) {
    let world = World::new().await;
    let spec = of(6, TopicSpec { retention_ms: Some(604_800_000), ..TopicSpec::default() });
    holds(&world, "prod", "orders", spec).await;
    let topic = world.topic("prod", "orders").await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    (world, topic, terraform)
}

/// The example takes the topic over from the state that is there.
pub(crate) async fn moves_untouched((world, before): (&World, &Topic), terraform: &Terraform, from: &str) {
    terraform.copy("examples/terraform/migration");
    let main = std::fs::read_to_string(terraform.path("main.tf")).unwrap();
    let moved = main.replace("from = kafka_topic.orders", &format!("from = {from}.orders"));
    std::fs::write(terraform.path("main.tf"), moved).unwrap();
    terraform.init().await;
    let plan = terraform.plan().await;
    assert_eq!((plan.errors.len(), plan.warnings.len()), (0, 0), "{}", plan.text);
    assert!(plan.text.contains(&format!("{from}.orders")), "it says what moved: {}", plan.text);
    assert_eq!(terraform.planned(&address("orders")).await.len(), 0, "nothing changes");
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute(&address("orders"), "id").await, before.id.as_str());
    let after = world.topic("prod", "orders").await;
    assert_eq!((&after.kafka_topic_id, after.revision), (&before.kafka_topic_id, before.revision), "not touched");
    assert_eq!(world.requests().await.len(), 1, "only the one that made it");
}

#[tokio::test]
async fn a_topic_that_orbit_does_not_have_stays_with_its_provider() {
    let world = World::new().await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.copy("examples/terraform/migration");
    has(&terraform, MONGEY, "0.13.1");
    std::fs::write(terraform.path("terraform.tfstate"), mongeys_state("orders-of-old").to_string()).unwrap();
    terraform.init().await;
    terraform.plan().await.fails(&["Orbit knows no topic that is called orders-of-old on its cluster"]);
    let state = std::fs::read_to_string(terraform.path("terraform.tfstate")).unwrap();
    assert!(state.contains("\"type\": \"kafka_topic\"") || state.contains("\"type\":\"kafka_topic\""), "{state}");
}

#[tokio::test]
async fn checklist_05_what_orbit_exports_is_imported_without_a_change() {
    let world = World::new().await;
    let rich = TopicSpec {
        retention_ms: Some(-1),
        config: Some([("max.message.bytes".to_owned(), "100000".to_owned())].into()),
        description: Some("Costs \"${cash}\", 100 %{ really }\nand more".to_owned()),
        tags: Some(["orders".to_owned(), "pii".to_owned()].into()),
        owner_contact: Some("#payments".to_owned()),
        deletion_protection: Some(true),
        ..TopicSpec::default()
    };
    holds(&world, "dev", "orders.v1", of(2, rich)).await;
    holds(&world, "dev", "plain", TopicSpec::default()).await;
    holds(&world, "prod", "orders.v1", of(3, TopicSpec::default())).await;

    let exported = world.orbit.developer().topic_export("payments-team", None).await.unwrap();
    let terraform = world.terraform(&exported).await;
    let plan = terraform.plan().await;
    assert_eq!((plan.errors.len(), plan.warnings.len()), (0, 0), "{}", plan.text);
    assert!(plan.text.contains("\"import\":3"), "three imports and nothing else: {}", plan.text);
    let text = plan.text.clone();
    assert!(text.contains("\"add\":0") && text.contains("\"change\":0") && text.contains("\"remove\":0"), "{text}");
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute(&address("orders_v1"), "deletion_protection").await, true);
    assert_eq!(terraform.attribute("orbit_kafka_topic.orders_v1_prod", "partitions").await, 3);

    let of_prod = world.orbit.developer().topic_export("payments-team", Some("prod")).await.unwrap();
    assert_eq!(of_prod.matches("import {").count(), 1, "{of_prod}");
    assert!(of_prod.contains(&key("prod", "orders.v1")), "{of_prod}");
}

#[tokio::test]
async fn checklist_07_terraform_writes_the_configuration_of_what_is_imported() {
    let world = World::new().await;
    holds(&world, "dev", "orders", of(2, TopicSpec { retention_ms: Some(1_000), ..TopicSpec::default() })).await;
    let import = format!("import {{\n  to = orbit_kafka_topic.orders\n  id = \"{}\"\n}}\n", key("dev", "orders"));
    let terraform = world.terraform(&import).await;
    let plan = terraform.plan_with(&["-generate-config-out=generated.tf"]).await;
    assert_eq!(plan.errors.len(), 0, "{}", plan.text);
    terraform.apply().await;
    terraform.plan().await.is_empty();
    let generated = std::fs::read_to_string(terraform.path("generated.tf")).unwrap();
    assert!(generated.contains("partitions") && !generated.contains("kafka_topic_id"), "{generated}");
}
