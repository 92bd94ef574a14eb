import {
  to       = orbit_workspace.payments
  identity = { slug = "payments-team" }
}
