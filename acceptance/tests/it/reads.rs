//! What Terraform reads of Orbit: data sources and functions, as the registry's pages show them.

use crate::world::{WORKSPACE, World, address};
use orbit_acceptance::{Terraform, repository};
use orbit_api::TopicStatus;
use serde_json::{Value, json};
use std::fs;

/// An example of the registry's pages.
fn example(path: &str) -> String {
    fs::read_to_string(repository().join("provider/examples").join(path)).unwrap()
}

async fn outputs(terraform: &Terraform) -> Value {
    terraform.show(&[]).await["values"]["outputs"].clone()
}

#[tokio::test]
async fn checklist_41_data_sources_and_functions_say_what_orbit_says() {
    let world = World::new().await;
    let terraform = world.terraform(&example("data-sources/orbit_kafka_topic_evaluation/data-source.tf")).await;
    terraform.apply().await.ok();
    assert_eq!(outputs(&terraform).await["allowed"]["value"], false);
    let judged = terraform.state("data.orbit_kafka_topic_evaluation.big").await.unwrap();
    let on_cluster = world.physical("prod", "orders");
    assert_eq!((&judged["decision"], &judged["physical_name"]), (&json!("deny"), &json!(on_cluster)));
    assert_eq!(
        (&judged["violations"][0]["field"], &judged["violations"][0]["limit"]),
        (&json!("/partitions"), &json!("50"))
    );

    let resource = example("resources/orbit_kafka_topic/resource.tf");
    terraform.write(&format!("{}{resource}", Terraform::head(WORKSPACE)));
    assert_eq!(terraform.apply().await.code, 0);
    world.approve().await;
    let topic = world.becomes("prod", "orders", TopicStatus::Active).await;
    terraform.plan().await.is_empty();

    let pages = ["orbit_kafka_topic", "orbit_kafka_topics", "orbit_kafka_clusters"];
    let mut all = vec![Terraform::head(WORKSPACE), resource];
    all.extend(pages.map(|name| example(&format!("data-sources/{name}/data-source.tf"))));
    // The example of the function has the data source of the environments.
    all.push(example("functions/physical_topic_name/function.tf"));
    all.push(example("functions/subject_name/function.tf"));
    terraform.write(&all.join("\n"));
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();

    let outputs = outputs(&terraform).await;
    let says = |name: &str| outputs[name]["value"].clone();
    assert_eq!(says("orders"), topic.physical_name.as_str());
    assert_eq!(says("names"), json!(["orders"]));
    assert_eq!(says("name_on_the_cluster"), topic.physical_name.as_str(), "the function knows the server's template");
    assert_eq!(says("subject"), "prod.payments-team.orders-value");
    let seen = terraform.state("data.orbit_kafka_topic.orders").await.unwrap();
    assert_eq!((&seen["partitions"], &seen["status"], &seen["id"]), (&json!(12), &json!("active"), &json!(topic.id)));
}

#[tokio::test]
async fn checklist_41_a_data_source_waits_for_what_is_not_known_yet() {
    let world = World::new().await;
    world.ask_for("dev", "orders", 2).await;
    world.becomes("dev", "orders", TopicStatus::Active).await;
    let later = r#"
resource "terraform_data" "name" {
  input = "orders"
}
data "orbit_kafka_topic" "orders" {
  environment = "dev"
  name        = terraform_data.name.output
}
data "orbit_kafka_topic_evaluation" "more" {
  action      = "update"
  environment = "dev"
  name        = terraform_data.name.output
  partitions  = 3
}
output "partitions" {
  value = data.orbit_kafka_topic.orders.partitions
}
output "decision" {
  value = data.orbit_kafka_topic_evaluation.more.decision
}
"#;
    let terraform = world.terraform(later).await;
    let plan = terraform.plan().await;
    assert_eq!((plan.code, plan.errors.len()), (2, 0), "{}", plan.text);
    assert!(terraform.state("data.orbit_kafka_topic.orders").await.is_none(), "nothing was read yet");
    terraform.apply().await.ok();
    let outputs = outputs(&terraform).await;
    assert_eq!((&outputs["partitions"]["value"], &outputs["decision"]["value"]), (&json!(2), &json!("allow")));
    terraform.plan().await.is_empty();

    // One that names nothing is told where it stands.
    terraform.write(&format!(
        "{}{}",
        Terraform::head(WORKSPACE),
        later.replace("input = \"orders\"", "input = \"nothing\"")
    ));
    terraform.apply().await.fails(&["topic payments-team/dev/nothing"]);
    assert!(terraform.state(&address("orders")).await.is_none());
}
