terraform {
  required_version = ">= 1.11"

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
