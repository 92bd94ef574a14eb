# By slug, or by Orbit's id.
terraform import orbit_workspace.payments payments-team
