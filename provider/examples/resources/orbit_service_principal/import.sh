# By name, or by Orbit's id.
terraform import orbit_service_principal.ci ci-payments
