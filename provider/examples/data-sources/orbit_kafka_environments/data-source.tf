data "orbit_kafka_environments" "all" {}

output "environments" {
  value = data.orbit_kafka_environments.all.environments[*].slug
}
