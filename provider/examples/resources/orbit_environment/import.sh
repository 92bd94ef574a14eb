# By slug, or by Orbit's id.
terraform import orbit_environment.prod prod
