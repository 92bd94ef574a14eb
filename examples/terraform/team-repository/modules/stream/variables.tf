variable "name" {
  description = "The name of the stream, which is that of its topics."
  type        = string
}

variable "environments" {
  description = "Slugs of the environments that it is in."
  type        = set(string)
}

variable "partitions" {
  description = "Partitions of each topic. They can grow, never shrink."
  type        = number
}

variable "retention_days" {
  description = "How long records are kept. Of no meaning for what is compacted."
  type        = number
}

variable "compacted" {
  description = "Whether the newest record of each key is kept for ever, and the others are not."
  type        = bool
}

variable "description" {
  description = "What the stream is for."
  type        = string
}

variable "justification" {
  description = "Why it is needed, for those who decide."
  type        = string
  default     = null
}
