# By environment/cluster, or by Orbit's id.
terraform import orbit_kafka_environment_mapping.prod prod/main
