import {
  to       = orbit_kafka_cluster.main
  identity = { slug = "main" }
}
