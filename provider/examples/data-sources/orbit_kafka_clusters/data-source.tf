data "orbit_kafka_clusters" "all" {}

# A check is told in plan and apply, and stops nothing.
check "clusters_answer" {
  assert {
    condition     = alltrue(data.orbit_kafka_clusters.all.clusters[*].reachable)
    error_message = "A cluster does not answer: topics on it cannot be changed now."
  }
}
