import {
  to = orbit_kafka_environment_mapping.prod
  identity = {
    environment = "prod"
    cluster     = "main"
  }
}
