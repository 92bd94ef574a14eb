resource "orbit_kafka_environment_mapping" "prod" {
  environment = "prod"
  cluster     = "main"
  priority    = 10
}
