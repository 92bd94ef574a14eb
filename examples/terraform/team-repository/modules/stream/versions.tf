terraform {
  required_version = ">= 1.11"

  required_providers {
    orbit = {
      source = "orbit.internal/orbit/orbit"
    }
  }
}
