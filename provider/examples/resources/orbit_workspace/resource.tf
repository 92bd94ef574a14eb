resource "orbit_workspace" "payments" {
  slug         = "payments-team"
  display_name = "Payments"
}
