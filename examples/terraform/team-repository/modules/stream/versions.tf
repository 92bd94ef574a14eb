terraform {
  required_version = ">= 1.5"

  required_providers {
    orbit = {
      source = "orbit.internal/orbit/orbit"
    }
  }
}
