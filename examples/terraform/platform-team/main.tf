# What a platform team keeps: the cluster, the environments that lead to it, the teams, and the guardrails.

resource "orbit_kafka_cluster" "main" {
  slug         = "main"
  display_name = "Main cluster"
  region       = "eu-central-1"
  residency    = "eu"

  bootstrap_servers = var.bootstrap_servers
  security_protocol = "SASL_PLAINTEXT"
  sasl_mechanism    = "SCRAM-SHA-512"
  sasl_username     = var.sasl_username

  sasl_password_wo       = var.sasl_password
  credentials_wo_version = var.sasl_password_version
}

resource "orbit_environment" "this" {
  for_each = toset(["dev", "prod"])

  slug            = each.key
  naming_template = var.naming_template
}

resource "orbit_kafka_environment_mapping" "this" {
  for_each = orbit_environment.this

  environment = each.value.slug
  cluster     = orbit_kafka_cluster.main.slug
}

resource "orbit_workspace" "this" {
  for_each = var.teams

  slug         = each.key
  display_name = each.value.display_name
}

# Every team's pipeline. Its token is minted by POST /v1/tokens, so that no state holds one.
resource "orbit_service_principal" "ci" {
  for_each = orbit_workspace.this

  name = "ci-${each.value.slug}"
}

resource "orbit_membership" "ci" {
  for_each = orbit_workspace.this

  principal = orbit_service_principal.ci[each.key].name
  role      = "member"
  workspace = each.value.slug
}

resource "orbit_membership" "people" {
  for_each = merge([
    for team, it in var.teams : { for person, role in it.members : "${team}/${person}" => { team = team, person = person, role = role } }
  ]...)

  principal = each.value.person
  role      = each.value.role
  workspace = orbit_workspace.this[each.value.team].slug
}

resource "orbit_kafka_topic_policy" "guardrails" {
  name         = "guardrails"
  environments = [for it in orbit_environment.this : it.slug]

  naming_pattern   = "[a-z][a-z0-9-]*(\\.[a-z0-9-]+)*"
  partition_limits = { min = 1, max = 50 }
  retention_limits = { max = 2592000000 } # 30 days

  config_rules = {
    "max.message.bytes" = { max = 2000000 }
    "cleanup.policy"    = { values = ["delete", "compact"] }
  }

  default_profile = "standard"
  profiles = {
    standard = { partitions = 6, config = { "retention.ms" = "604800000" } }
    audit    = { partitions = 3, config = { "retention.ms" = "2592000000", "cleanup.policy" = "delete" } }
  }
}

resource "orbit_kafka_topic_policy" "production" {
  name         = "production"
  environments = [orbit_environment.this["prod"].slug]

  require_approval_for          = [orbit_environment.this["prod"].slug]
  require_deletion_approval_for = [orbit_environment.this["prod"].slug]
  auto_approve_patterns         = ["tmp-.*"]
  deletion_lead_time_hours      = 24
  deletion_protection_default   = true
  request_validity_hours        = 72
  required_request_fields       = ["justification"]
  # One of these is enough; `quorum` asks for more.
  approvers = [
    { environment = orbit_environment.this["prod"].slug, role = "platform-admin" },
    { environment = orbit_environment.this["prod"].slug, role = "workspace-admin" },
  ]
}

data "orbit_kafka_clusters" "all" {
  depends_on = [orbit_kafka_cluster.main]
}

output "clusters" {
  description = "The clusters, and whether they answer."
  value       = { for it in data.orbit_kafka_clusters.all.clusters : it.slug => it.reachable }
}
