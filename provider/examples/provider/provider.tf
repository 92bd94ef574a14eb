terraform {
  required_providers {
    orbit = {
      source = "registry.terraform.io/orbit/orbit"
    }
  }
}

# Address and token come from ORBIT_ENDPOINT and ORBIT_TOKEN.
provider "orbit" {
  workspace = "payments-team"
}
