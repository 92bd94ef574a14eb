terraform {
  required_providers {
    orbit = {
      source = "orbit.internal/orbit/orbit" # the host of your own Orbit, or what your mirror has
    }
  }
}

# Address and token come from ORBIT_ENDPOINT and ORBIT_TOKEN.
provider "orbit" {
  workspace = "payments-team"
}
