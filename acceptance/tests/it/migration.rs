//! Topics that Orbit has, and that Terraform is to have: from the state of another provider, and from none.

use crate::world::{World, address, key};
use orbit_acceptance::Terraform;
use orbit_api::{Topic, TopicCreate, TopicSpec, TopicStatus};
use serde_json::{Value, json};

pub(crate) const MONGEY: &str = "registry.terraform.io/mongey/kafka";

/// A state as Mongey's provider leaves it.
fn mongeys_state(name: &str) -> Value {
    json!({
        "version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "0b0a5b9e-0000-4000-8000-000000000001", "outputs": {},
        "resources": [{
            "mode": "managed", "type": "kafka_topic", "name": "orders", "provider": format!("provider[\"{MONGEY}\"]"),
            "instances": [{
                "schema_version": 0, "sensitive_attributes": [], "private": "bnVsbA==",
                "attributes": {"id": name, "name": name, "partitions": 6, "replication_factor": 1, "config": {"retention.ms": "604800000"}},
            }],
        }],
    })
}

/// The state names its provider, so `init` wants it; `OpenTofu` by the address in its own registry.
fn has_mongeys(terraform: &Terraform) {
    for source in [MONGEY, "registry.opentofu.org/mongey/kafka"] {
        terraform.has_installed(source, "0.13.1");
    }
}

fn of(partitions: u32, more: TopicSpec) -> TopicSpec {
    TopicSpec { partitions: Some(partitions), ..more }
}

async fn has(world: &World, environment: &str, name: &str, spec: TopicSpec) {
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
    has_mongeys(&terraform);
    std::fs::write(terraform.path("terraform.tfstate"), mongeys_state(&before.physical_name).to_string()).unwrap();
    moves_untouched(&world, &before, &terraform).await;
}

/// A topic as the example has it, and a folder without a configuration.
pub(crate) async fn with_orders() -> (World, Topic, Terraform) {
    let world = World::new().await;
    let spec = of(6, TopicSpec { retention_ms: Some(604_800_000), ..TopicSpec::default() });
    has(&world, "prod", "orders", spec).await;
    let topic = world.topic("prod", "orders").await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    (world, topic, terraform)
}

/// The example takes the topic over from the state that is there.
pub(crate) async fn moves_untouched(world: &World, before: &Topic, terraform: &Terraform) {
    terraform.copy("examples/terraform/migration");
    terraform.init().await;
    let plan = terraform.plan().await;
    assert_eq!((plan.errors.len(), plan.warnings.len()), (0, 0), "{}", plan.text);
    assert!(plan.text.contains("kafka_topic.orders"), "it says what moved: {}", plan.text);
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
    has_mongeys(&terraform);
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
    has(&world, "dev", "orders.v1", of(2, rich)).await;
    has(&world, "dev", "plain", TopicSpec::default()).await;
    has(&world, "prod", "orders.v1", of(3, TopicSpec::default())).await;

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
    has(&world, "dev", "orders", of(2, TopicSpec { retention_ms: Some(1_000), ..TopicSpec::default() })).await;
    let import = format!("import {{\n  to = orbit_kafka_topic.orders\n  id = \"{}\"\n}}\n", key("dev", "orders"));
    let terraform = world.terraform(&import).await;
    let plan = terraform.plan_with(&["-generate-config-out=generated.tf"]).await;
    assert_eq!(plan.errors.len(), 0, "{}", plan.text);
    terraform.apply().await;
    terraform.plan().await.is_empty();
    let generated = std::fs::read_to_string(terraform.path("generated.tf")).unwrap();
    assert!(generated.contains("partitions") && !generated.contains("kafka_topic_id"), "{generated}");
}
