# By name, or by Orbit's id.
terraform import orbit_kafka_topic_policy.guardrails guardrails
