data "orbit_kafka_topic" "orders" {
  workspace   = "payments-team"
  environment = "prod"
  name        = "orders"
}

output "orders" {
  value = data.orbit_kafka_topic.orders.physical_name
}
