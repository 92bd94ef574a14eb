# In dev, policy lets a team have this at once.
resource "orbit_kafka_topic" "orders" {
  environment  = "dev"
  name         = "orders"
  partitions   = 6
  retention_ms = 604800000 # 7 days
  description  = "Orders as they are placed"
  tags         = ["orders", "quickstart"]

  config = {
    "cleanup.policy"   = "delete"
    "compression.type" = "lz4"
  }
}

# In prod, a person approves first.
resource "orbit_kafka_topic" "payments" {
  environment   = "prod"
  name          = "payments"
  partitions    = var.prod_partitions
  retention_ms  = 1209600000 # 14 days
  compression   = "zstd"
  description   = "Payments as they are booked"
  owner_contact = "#payments"
}

data "orbit_kafka_environments" "available" {}

output "environments" {
  description = "Where topics can live."
  value       = data.orbit_kafka_environments.available.environments[*].slug
}

output "topics" {
  description = "Where the topics are on their way, and under which names they are on their clusters."
  value = {
    for name, topic in { orders = orbit_kafka_topic.orders, payments = orbit_kafka_topic.payments } :
    name => {
      status        = topic.status
      physical_name = topic.physical_name
      request_url   = topic.request_url
    }
  }
}
