# terraform query -generate-config-out=topics.tf
list "orbit_kafka_topic" "payments" {
  provider = orbit

  config {
    workspace   = "payments-team"
    environment = "prod"
  }
}
