resource "orbit_environment" "prod" {
  slug              = "prod"
  display_name      = "Production"
  naming_template   = "{environment}.{workspace}.{name}"
  default_approvers = ["kim@example.com"]
}
