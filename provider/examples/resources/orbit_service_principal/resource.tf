resource "orbit_service_principal" "ci" {
  name  = "ci-payments"
  email = "payments-ci@example.com"
}

resource "orbit_membership" "ci" {
  principal = orbit_service_principal.ci.name
  role      = "member"
  workspace = "payments-team"
}
