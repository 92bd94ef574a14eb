import {
  to = orbit_membership.kim
  identity = {
    principal = "kim@example.com"
    workspace = "payments-team"
  }
}
