//! The example that users begin with, as it stands in the repository.

use crate::world::World;
use orbit_acceptance::{Database, Terraform};
use orbit_api::TopicStatus;
use serde_json::json;

#[tokio::test]
async fn the_quickstart_runs_from_init_to_destroy() {
    runs(&World::new().await).await;
}

#[tokio::test]
async fn the_quickstart_runs_on_postgresql_too() {
    runs(&World::on(&Database::new().await).await).await;
}

async fn runs(world: &World) {
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.copy("examples/terraform/quickstart");
    terraform.init().await;
    assert_eq!(terraform.run(&["validate", "-json"]).await.code, 0);

    let apply = terraform.apply().await;
    apply.succeeds();
    assert_eq!(terraform.attribute("orbit_kafka_topic.orders", "status").await, "active");
    assert_eq!(terraform.attribute("orbit_kafka_topic.payments", "status").await, "pending-approval");
    terraform.plan().await.plans(&["update orbit_kafka_topic.payments"]).warns(&["waits for approval"]);

    world.approve().await;
    terraform.plan().await.is_empty();
    terraform.apply().await;
    let shown = terraform.show(&[]).await;
    assert_eq!(shown["values"]["outputs"]["environments"]["value"], json!(["dev", "prod"]));
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::Active);
    assert_eq!(world.on_cluster().await.len(), 2);

    // Somebody changes the cluster past Orbit: the next plan shows it, and an apply takes it back.
    world.kafka.configure_topic(&world.physical("dev", "orders"), "retention.ms=1000").await;
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    assert_eq!(terraform.apply().await.code, 0);
    terraform.plan().await.is_empty();
    assert!(world.on_cluster().await["dev/orders"].settings.contains("retention.ms=604800000"));

    let denied = terraform.plan_with(&["-var", "prod_partitions=60"]).await;
    denied.fails(&["Denied: exceeds platform limit of 50 partitions"]);

    // The one in dev goes at once, the one in prod when a person says so.
    terraform.destroy().await.fails(&["The deletion of topic payments-team/prod/payments waits for approval"]);
    assert_eq!(world.on_cluster().await.keys().collect::<Vec<_>>(), ["prod/payments"]);
    world.approve().await;
    let destroy = terraform.destroy().await;
    destroy.succeeds();
    assert!(world.on_cluster().await.is_empty());
}
