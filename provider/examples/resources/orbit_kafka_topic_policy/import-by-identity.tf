import {
  to       = orbit_kafka_topic_policy.guardrails
  identity = { name = "guardrails" }
}
