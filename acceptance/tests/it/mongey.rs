//! A topic moves here from Mongey's provider as it is, not from what we know of its states. Part of the tests where that provider is: `make acceptance-compat` builds
//! it, and sets the feature `mongey`.

use crate::{
    migration::{MONGEY, moves_untouched, with_orders},
    world::World,
};
use orbit_acceptance::mongeys_provider;

/// The provider itself, which has the topic in its own state.
fn mongeys_configuration(world: &World, name: &str) -> String {
    let connection = world.kafka.registration("any").connection;
    format!(
        r#"
terraform {{
  required_providers {{
    kafka = {{
      source = "mongey/kafka"
    }}
  }}
}}
provider "kafka" {{
  bootstrap_servers = ["{}"]
  tls_enabled       = false
  sasl_mechanism    = "scram-sha512"
  sasl_username     = "{}"
  sasl_password     = "{}"
}}
import {{
  to = kafka_topic.orders
  id = "{name}"
}}
resource "kafka_topic" "orders" {{
  name               = "{name}"
  partitions         = 6
  replication_factor = 1
  config = {{
    "retention.ms" = "604800000"
  }}
}}
"#,
        connection.bootstrap_servers[0],
        connection.sasl_username.as_deref().unwrap_or_default(),
        world.kafka.password()
    )
}

#[tokio::test]
async fn checklist_25_a_topic_moves_here_from_the_state_that_mongeys_provider_writes_itself() {
    let (world, before, terraform) = with_orders().await;
    for source in [MONGEY, "registry.opentofu.org/mongey/kafka"] {
        terraform.has_installed_program(source, "0.13.1", &mongeys_provider());
    }
    terraform.write(&mongeys_configuration(&world, &before.physical_name));
    terraform.init().await;
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute("kafka_topic.orders", "name").await, before.physical_name.as_str());

    moves_untouched((&world, &before), &terraform, "kafka_topic").await;
}
