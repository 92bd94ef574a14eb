# By slug, or by Orbit's id. The password is not imported: Orbit tells it to nobody.
terraform import orbit_kafka_cluster.main main
