variable "bootstrap_servers" {
  description = "host:port of some brokers."
  type        = list(string)
}

variable "sasl_username" {
  description = "The user that Orbit connects as."
  type        = string
  default     = "orbit"
}

# Ephemeral: it is in no plan, no state and no output. (With `sensitive` on top of it, Terraform would plan a change of
# nothing but that mark after an import.)
variable "sasl_password" {
  description = "That user's password. Raise sasl_password_version when it changes."
  type        = string
  ephemeral   = true
}

variable "sasl_password_version" {
  description = "Counts up with every new password."
  type        = number
  default     = 1
}

variable "teams" {
  description = "The teams, by slug, with the names of their people and their roles."
  type = map(object({
    display_name = optional(string)
    members      = optional(map(string), {})
  }))
  default = {
    payments-team = { display_name = "Payments" }
    search-team   = {}
  }
}

variable "naming_template" {
  description = "How topics are named on the cluster."
  type        = string
  default     = "{environment}.{workspace}.{name}"
}
