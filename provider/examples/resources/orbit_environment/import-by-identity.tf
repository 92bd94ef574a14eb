import {
  to       = orbit_environment.prod
  identity = { slug = "prod" }
}
