resource "orbit_membership" "kim" {
  principal = "kim@example.com"
  role      = "admin"
  workspace = "payments-team"
}

# A role on the platform has no workspace.
resource "orbit_membership" "platform" {
  principal = "lee@example.com"
  role      = "platform-admin"
}
