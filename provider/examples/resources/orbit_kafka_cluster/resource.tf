# Ephemeral, so that it is in no plan either.
variable "kafka_password" {
  type      = string
  ephemeral = true
}

resource "orbit_kafka_cluster" "main" {
  slug      = "main"
  region    = "eu-central-1"
  residency = "eu"

  bootstrap_servers = ["kafka-1.example.com:9093", "kafka-2.example.com:9093"]
  security_protocol = "SASL_SSL"
  sasl_mechanism    = "SCRAM-SHA-512"
  sasl_username     = "orbit"

  sasl_password_wo       = var.kafka_password
  credentials_wo_version = 1
}
