# A topic that Mongey's provider has had, by the name that it has on the cluster. Orbit finds its own topic of that name, and Terraform goes on with it: what
# the plan shows is at most a change in place.
moved {
  from = kafka_topic.orders
  to   = orbit_kafka_topic.orders
}

resource "orbit_kafka_topic" "orders" {
  environment  = "prod"
  name         = "orders"
  partitions   = 6
  retention_ms = 604800000
}
