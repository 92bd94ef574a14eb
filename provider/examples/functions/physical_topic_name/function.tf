data "orbit_kafka_environments" "all" {}

locals {
  templates = { for it in data.orbit_kafka_environments.all.environments : it.slug => it.naming_template }
}

output "name_on_the_cluster" {
  value = provider::orbit::physical_topic_name(local.templates["prod"], "payments-team", "prod", "orders")
}
