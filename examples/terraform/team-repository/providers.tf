terraform {
  required_version = ">= 1.11"

  # In CI the state has to live elsewhere, with a lock: backend "s3" { … }, or any other.

  required_providers {
    orbit = {
      source = "orbit.internal/orbit/orbit"
    }
  }
}

# Address and token come from ORBIT_ENDPOINT and ORBIT_TOKEN.
provider "orbit" {
  workspace = var.workspace
}
