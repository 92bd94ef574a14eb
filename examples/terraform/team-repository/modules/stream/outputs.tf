output "topics" {
  description = "By environment: the name of the topic on its cluster, and its status."
  value       = { for environment, topic in orbit_kafka_topic.this : environment => { name = topic.physical_name, status = topic.status } }
}
