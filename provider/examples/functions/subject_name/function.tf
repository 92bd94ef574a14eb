output "subject" {
  value = provider::orbit::subject_name("prod.payments-team.orders", "value")
}
