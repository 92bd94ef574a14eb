# What is not set is not managed: the cluster's default applies, and never shows as a difference.
resource "orbit_kafka_topic" "orders" {
  workspace    = "payments-team"
  environment  = "prod"
  name         = "orders"
  partitions   = 12
  retention_ms = 604800000 # 7 days
  compression  = "lz4"

  config = {
    "max.message.bytes" = "2000000"
  }

  description   = "Orders as they are placed"
  owner_contact = "#payments"
  tags          = ["orders", "pii"]

  request = {
    justification = "The shop needs it: TICKET-17"
  }
}
