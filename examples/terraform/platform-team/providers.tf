terraform {
  # Write-only attributes came with 1.11: the cluster's password is in no state.
  required_version = ">= 1.11"

  required_providers {
    orbit = {
      source = "orbit.internal/orbit/orbit"
    }
  }
}

# Address and token come from ORBIT_ENDPOINT and ORBIT_TOKEN: the token of a platform admin.
provider "orbit" {}
