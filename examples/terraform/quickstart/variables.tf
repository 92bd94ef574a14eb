variable "workspace" {
  description = "Slug of the workspace that owns the topics."
  type        = string
  default     = "payments-team"
}

variable "prod_partitions" {
  description = "Partitions of the topic in prod. Policy allows at most 50: with 60 the plan fails."
  type        = number
  default     = 6
}
