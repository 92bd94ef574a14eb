//! Topics that another provider has had: a `moved` block makes them Orbit's.

use crate::world::{TOPIC, World, orders, orders_with, says};
use serde_json::{Value, json};
use tfplugin::{Action, testing::Options};

/// What Mongey's provider keeps of a topic.
fn mongeys(name: &str) -> Value {
    json!({"id": name, "name": name, "partitions": 6, "replication_factor": 1, "config": {"retention.ms": "1000"}})
}

const MONGEY: (&str, &str) = ("registry.terraform.io/mongey/kafka", "kafka_topic");

/// The topic is Orbit's, and this Terraform has it as another type.
async fn elsewhere() -> World {
    let mut world = World::new().await;
    world.apply(&orders()).await.ok();
    world.forgets().await;
    world
}

#[tokio::test]
async fn checklist_25_a_topic_of_mongeys_confluents_or_aivens_provider_is_found_by_its_name_on_the_cluster() {
    let confluents = json!({
        "id": "lkc-abc12/prod.payments-team.orders", "topic_name": "prod.payments-team.orders", "partitions_count": 6,
        "kafka_cluster": [{"id": "lkc-abc12"}], "config": {}, "rest_endpoint": "https://pkc.example:443",
    });
    let aivens = json!({
        "id": "p/kafka/prod.payments-team.orders", "project": "p", "service_name": "kafka",
        "topic_name": "prod.payments-team.orders", "partitions": 6, "replication": 3, "config": [],
    });
    for (provider, type_name, state) in [
        (MONGEY.0, MONGEY.1, mongeys("prod.payments-team.orders")),
        ("registry.terraform.io/confluentinc/confluent", "confluent_kafka_topic", confluents),
        ("registry.terraform.io/aiven/aiven", "aiven_kafka_topic", aivens),
    ] {
        let mut world = elsewhere().await;
        let report = world.terraform.move_here(TOPIC, provider, type_name, &state).await;
        assert_eq!(report.errors(), Vec::<String>::new());
        assert_eq!((world.state("id"), world.state("name")), (json!("top_1"), json!("orders")), "{type_name}");
        assert_eq!(world.terraform.identity_of(TOPIC)["environment"], "prod");

        let writes = world.orbit().writes().len();
        world.plan(&orders()).await.is_empty();
        assert_eq!(world.orbit().writes().len(), writes);
        let plan = world.plan(&orders_with(json!({"partitions": 12}))).await;
        assert_eq!(plan.action, Action::Update, "in place");
    }
}

#[tokio::test]
async fn what_orbit_does_not_have_stays_where_it_is() {
    let mut world = World::new().await;
    let report = world.terraform.move_here(TOPIC, MONGEY.0, MONGEY.1, &mongeys("orders-of-old")).await;
    says(
        &report.errors(),
        &["Orbit knows no topic that is called orders-of-old on its cluster", "take the `moved` block out"],
    );
}

#[tokio::test]
async fn a_name_on_two_clusters_is_for_the_user_to_tell_apart() {
    let mut world = elsewhere().await;
    let mut second = world.orbit().topic().clone();
    (second.id, second.cluster, second.environment) = ("top_2".to_owned(), "other".to_owned(), "dev".to_owned());
    world.orbit().topics.insert("top_2".to_owned(), second);
    let report = world.terraform.move_here(TOPIC, MONGEY.0, MONGEY.1, &mongeys("prod.payments-team.orders")).await;
    says(
        &report.errors(),
        &["payments-team/prod/orders on main", "payments-team/dev/orders on other", "`import` block"],
    );
}

#[tokio::test]
async fn without_a_refresh_nothing_is_planned_over_what_was_not_looked_for() {
    let mut world = World::new().await;
    let _not_found = world.terraform.move_here(TOPIC, MONGEY.0, MONGEY.1, &mongeys("orders")).await;
    let blind = Options { refresh: false, ..Options::default() };
    let plan = world.terraform.plan_with(TOPIC, &orders(), blind).await;
    says(&plan.errors(), &["name:", "Orbit was not asked for it yet", "without `-refresh=false`"]);
}

#[tokio::test]
async fn other_types_and_states_without_a_name_are_refused() {
    let mut world = World::new().await;
    let report =
        world.terraform.move_here(TOPIC, "registry.terraform.io/hashicorp/aws", "aws_msk_topic", &json!({})).await;
    says(&report.errors(), &["A aws_msk_topic cannot become a orbit_kafka_topic", "`import` block"]);
    let report = world.terraform.move_here(TOPIC, MONGEY.0, MONGEY.1, &json!({"id": "orders"})).await;
    says(&report.errors(), &["The state of this kafka_topic says no name"]);
}
