resource "orbit_kafka_topic" "this" {
  for_each = var.environments

  environment    = each.key
  name           = var.name
  partitions     = var.partitions
  retention_ms   = var.compacted ? null : var.retention_days * 24 * 60 * 60 * 1000
  cleanup_policy = var.compacted ? "compact" : "delete"
  compression    = "zstd"
  description    = var.description
  owner_contact  = "#payments"
  tags           = ["stream"]
  request        = { justification = var.justification }
}
