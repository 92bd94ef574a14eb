# One module for what this team calls a stream: the same settings everywhere, a topic for each environment.
module "stream" {
  source   = "./modules/stream"
  for_each = var.streams

  name           = each.key
  environments   = each.value.environments
  partitions     = each.value.partitions
  retention_days = each.value.retention_days
  compacted      = each.value.compacted
  description    = each.value.description
  justification  = each.value.justification
}

output "topics" {
  description = "The names of the topics on their clusters, and what became of each."
  value       = { for name, stream in module.stream : name => stream.topics }
}
