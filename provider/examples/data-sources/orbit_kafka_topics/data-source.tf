data "orbit_kafka_topics" "mine" {
  workspace   = "payments-team"
  environment = "prod"
  status      = "active"
}

output "names" {
  value = data.orbit_kafka_topics.mine.topics[*].name
}
