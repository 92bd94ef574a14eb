variable "workspace" {
  description = "Slug of the workspace that owns the topics."
  type        = string
  default     = "payments-team"
}

variable "streams" {
  description = "What the team publishes, by name."
  type = map(object({
    environments   = optional(set(string), ["dev", "prod"])
    partitions     = optional(number, 6)
    retention_days = optional(number, 7)
    compacted      = optional(bool, false)
    description    = string
    justification  = optional(string)
  }))
  default = {
    invoices = {
      description   = "Invoices as they are sent"
      justification = "The archive reads invoices from here"
    }
    accounts = {
      environments = ["dev"]
      compacted    = true
      description  = "The newest state of every account"
    }
  }
}
