# By workspace/environment/name, or by Orbit's id.
terraform import orbit_kafka_topic.orders payments-team/prod/orders
