import {
  to = orbit_kafka_topic.orders
  identity = {
    workspace   = "payments-team"
    environment = "prod"
    name        = "orders"
  }
}
