resource "orbit_kafka_topic_policy" "guardrails" {
  name         = "guardrails"
  environments = ["dev", "prod"]

  naming_pattern   = "[a-z][a-z0-9-]*(\\.[a-z0-9-]+)*"
  partition_limits = { max = 50 }
  retention_limits = { max = 2592000000 } # 30 days

  config_rules = {
    "max.message.bytes" = { max = 2000000 }
    "cleanup.policy"    = { values = ["delete", "compact"] }
  }

  require_approval_for          = ["prod"]
  require_deletion_approval_for = ["prod"]
  deletion_lead_time_hours      = 24
  required_request_fields       = ["justification"]

  approvers = [
    { environment = "prod", role = "workspace-admin" },
    { environment = "prod", principal = "kim@example.com" },
  ]

  default_profile = "standard"
  profiles = {
    standard = { partitions = 6, config = { "retention.ms" = "604800000" } }
  }
}
