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

  request = {
    justification = "To try Orbit" # for those who decide; some policies ask for it
  }
}

data "orbit_kafka_environments" "available" {}

output "environments" {
  description = "Where topics can live."
  value       = data.orbit_kafka_environments.available.environments[*].slug
}

output "topics" {
  description = "The names of the topics on their clusters."
  value = {
    orders   = orbit_kafka_topic.orders.physical_name
    payments = orbit_kafka_topic.payments.physical_name
  }
}
