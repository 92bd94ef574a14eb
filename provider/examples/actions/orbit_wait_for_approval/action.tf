# terraform apply -invoke=action.orbit_wait_for_approval.run
action "orbit_wait_for_approval" "run" {
  config {
    run_id  = "pipeline-4711"
    timeout = "2h"
  }
}
