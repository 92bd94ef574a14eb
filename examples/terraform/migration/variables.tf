variable "workspace" {
  description = "Slug of the workspace that owns the topics."
  type        = string
  default     = "payments-team"
}
