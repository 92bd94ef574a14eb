data "orbit_kafka_topic_evaluation" "big" {
  workspace   = "payments-team"
  environment = "prod"
  name        = "orders"
  partitions  = 60
}

output "allowed" {
  value = data.orbit_kafka_topic_evaluation.big.decision == "allow"
}
