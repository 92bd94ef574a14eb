import {
  to       = orbit_service_principal.ci
  identity = { name = "ci-payments" }
}
