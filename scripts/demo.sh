#!/usr/bin/env bash
# `make demo`: Orbit on this machine, from nothing to a topic that a person approved. Starts a real Kafka and
# `orbit-server --dev` on its embedded defaults, sets up a workspace, environments, a cluster and a policy by REST calls
# that it prints, and runs terraform on examples/terraform/quickstart as the developer.
#
#   DEMO_EXIT=1   stop everything at the end and exit 0; so too where there is no terminal
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

WORKSPACE=payments-team
SERVER=      # address of the server
TERRAFORM=
ADMIN_TOKEN=
DEVELOPER_TOKEN=
mapfile -t LOCKED < <(locked)
mapfile -t QUIET < <(quiet)

# ---- showing what happens ----------------------------------------------------------------------------------------------

# Also what is named where the demo fails.
heading() {
  STEP=$*
  if [[ -t 2 ]]; then printf '\n\033[1m── %s\033[0m\n' "$*" >&2; else printf '\n── %s\n' "$*" >&2; fi
}

shown() { printf '  $ %s\n' "$*" >&2; }
indented() { sed 's/^/    /' >&2; }

# One REST call, printed as one would type it. The answer is in ANSWER; a refusal ends the demo.
ANSWER=
call() { # WHO METHOD PATH [JSON]
  local who=$1 method=$2 path=$3 body=${4:-} token status shown_body=
  token=$([[ $who == admin ]] && echo "$ADMIN_TOKEN" || echo "$DEVELOPER_TOKEN")
  # The password of the cluster goes over the wire, not over the screen.
  [[ -z $body ]] || shown_body=" --json '$(jq -c 'if .credentials then .credentials.sasl_password = "…" else . end' <<<"$body")'"
  shown "curl -X $method -H \"Authorization: Bearer \$${who^^}_TOKEN\" $SERVER$path$shown_body"
  ANSWER=$(curl -sS -X "$method" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -w '\n%{http_code}' ${body:+-d "$body"} "$SERVER$path") || die "$method $path was not answered"
  status=${ANSWER##*$'\n'}
  ANSWER=${ANSWER%$'\n'*}
  ((status < 300)) || die "$method $path was answered with $status: $(jq -r '.detail // .' <<<"$ANSWER")"
}

terraform_run() { # ARGUMENT…: printed, run, its output indented and in terraform.log; the status is terraform's
  local code
  shown "terraform $*"
  "$TERRAFORM" -chdir="$RUN_DIR/quickstart" "$@" -no-color 2>&1 | tee "$RUN_DIR/terraform.log" | indented
  code=${PIPESTATUS[0]}
  return "$code"
}

describe_on_kafka() { # TOPIC: by Kafka's own tool
  shown "kafka-topics --describe --topic $1"
  scripts/kafka.sh cli org.apache.kafka.tools.TopicCommand --bootstrap-server "$KAFKA_BOOTSTRAP" \
    --command-config "$KAFKA_ADMIN_CONFIG" --describe --topic "$1" | indented || die "Kafka does not show the topic $1"
}

# ---- starting ----------------------------------------------------------------------------------------------------------

build() {
  run_part "building orbit-server and terraform-provider-orbit" \
    cargo build "${QUIET[@]}" --package orbit-server --package terraform-provider-orbit "${LOCKED[@]}"
  step_done
}

start_kafka() {
  on_exit scripts/kafka.sh stop "$RUN_DIR/kafka"
  run_part "starting Kafka $(kafka_version): one node, authorizer on, SCRAM" scripts/kafka.sh start "$RUN_DIR/kafka" >/dev/null
  # shellcheck disable=SC1091
  source "$RUN_DIR/kafka/kafka.env"
  LOGS_TO_SHOW+=("$RUN_DIR/kafka/kafka.log")
  step_done_with "listening on $KAFKA_BOOTSTRAP"
}

start_server() { # the port is free now; somebody may still take it before the server does: then another
  local target=$1 port attempt
  step "starting orbit-server --dev on SQLite"
  for attempt in 1 2 3; do
    port=$(free_ports 1)
    start_bg orbit-server "$target/orbit-server" --database "sqlite:$RUN_DIR/orbit.db" serve --dev --listen "127.0.0.1:$port"
    SERVER=http://127.0.0.1:$port
    if wait_until "$RUN_DIR/orbit-server.bg.pid" "$RUN_DIR/orbit-server.log" 20 curl -fsS "$SERVER/readyz"; then break; fi
    ((attempt < 3)) || die "orbit-server did not start"
    stop_bg orbit-server
  done
  ADMIN_TOKEN=$(sed -n 's/^token of admin: //p' "$RUN_DIR/orbit-server.log" | tail -n 1)
  DEVELOPER_TOKEN=$(sed -n 's/^token of developer: //p' "$RUN_DIR/orbit-server.log" | tail -n 1)
  LOGS_TO_SHOW+=("$RUN_DIR/orbit-server.log")
  step_done_with "ready at $SERVER"
}

# The provider where terraform looks for it, and the example beside it: the repository stays as it is.
lay_out_terraform() { # TARGET_DIR
  local platform folder
  platform=$(TF_CLI_CONFIG_FILE=/dev/null "$TERRAFORM" version -json | jq -r .platform)
  folder=$RUN_DIR/mirror/orbit.internal/orbit/orbit/0.1.0/$platform
  mkdir -p "$folder"
  cp "$1/terraform-provider-orbit" "$folder/terraform-provider-orbit_v0.1.0"
  cp -r examples/terraform/quickstart "$RUN_DIR/quickstart"
  cat >"$RUN_DIR/terraform.rc" <<-RC
	provider_installation {
	  filesystem_mirror {
	    path    = "$RUN_DIR/mirror"
	    include = ["orbit.internal/*/*"]
	  }
	}
	RC
  export TF_CLI_CONFIG_FILE=$RUN_DIR/terraform.rc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
  export ORBIT_ENDPOINT=$SERVER ORBIT_TOKEN=$DEVELOPER_TOKEN ORBIT_RUN_ID=demo
}

# ---- the story ---------------------------------------------------------------------------------------------------------

set_up_platform() {
  heading "The platform team registers a workspace, two environments, the cluster and a policy"
  call admin POST /v1/workspaces '{"slug":"'$WORKSPACE'"}'
  call admin POST /v1/memberships '{"principal":"developer","role":"member","workspace":"'$WORKSPACE'"}'
  call admin POST /v1/environments '{"slug":"dev"}'
  call admin POST /v1/environments '{"slug":"prod"}'
  call admin POST /v1/clusters "$(jq -nc --arg server "$KAFKA_BOOTSTRAP" --arg user "$KAFKA_USER" --arg password "$KAFKA_PASSWORD" \
    '{slug: "local", connection: {bootstrap_servers: [$server], security_protocol: "SASL_PLAINTEXT",
      sasl_mechanism: "SCRAM-SHA-512", sasl_username: $user}, credentials: {sasl_password: $password}}')"
  say "the cluster answers: $(jq -r '"\(.brokers) broker, \(.validation_status)"' <<<"$ANSWER")"
  call admin POST /v1/environment-mappings '{"environment":"dev","cluster":"local"}'
  call admin POST /v1/environment-mappings '{"environment":"prod","cluster":"local"}'
  call admin POST /v1/topic-policies '{"name":"guardrails","scope":"platform","partition_limits":{"max":50},"require_approval_for":["prod"]}'
}

ask_for_topics() {
  heading "The developer asks for two topics: one that policy allows, one that a person approves"
  terraform_run init -input=false || die "terraform init failed"
  say "the plan foretells that somebody will be asked, by which rule, and who that is"
  terraform_run plan -input=false -out=plan.tfplan || die "terraform plan failed"
  terraform_run apply -input=false plan.tfplan || die "terraform apply failed"
  heading "The topic in dev is on the cluster: Kafka itself says so"
  describe_on_kafka dev.$WORKSPACE.orders
}

REQUEST=
approve() {
  heading "The topic in prod waits for a person"
  call developer GET /v1/topics/$WORKSPACE%2Fprod%2Fpayments
  jq -r '"    status    \(.status)\n    request   \(.request.url)\n    because   \(.request.because)\n    approver  \(.request.approvers)"' \
    <<<"$ANSWER" >&2
  REQUEST=$(jq -r .request.id <<<"$ANSWER")
  heading "A platform admin approves; Orbit provisions at once"
  call admin POST "/v1/requests/$REQUEST/approve" '{"comment":"fine"}'
  call developer GET "/v1/operations/$(jq -r .operation_id <<<"$ANSWER")?wait=30s"
  jq -r '"    operation \(.state): " + ([.steps[] | "\(.name) \(.state)"] | join(", "))' <<<"$ANSWER" >&2
  [[ $(jq -r .state <<<"$ANSWER") == succeeded ]] || die "the operation did not succeed: $ANSWER"
  describe_on_kafka prod.$WORKSPACE.payments
}

show_no_changes() {
  local code=0
  heading "The next plan is empty"
  terraform_run plan -input=false -detailed-exitcode || code=$?
  ((code == 0)) || die "the plan was not empty (status $code)"
}

show_denial() {
  heading "A change that policy denies is refused in the plan, in plain words"
  if terraform_run plan -input=false -var prod_partitions=60; then die "60 partitions were not denied"; fi
  # Not any failure will do: a server that is gone fails the plan too.
  grep -qF 'Denied: exceeds platform limit' "$RUN_DIR/terraform.log" || die "the plan failed, and not by policy"
}

say_what_next() {
  cat >&2 <<-NEXT

	── What to try next
	    cd ${RUN_DIR#"$ROOT"/}/quickstart      the developer's Terraform: change it, plan, apply
	    export TF_CLI_CONFIG_FILE=$RUN_DIR/terraform.rc ORBIT_ENDPOINT=$SERVER ORBIT_TOKEN=$DEVELOPER_TOKEN
	    export ADMIN_TOKEN=$ADMIN_TOKEN
	    curl -H "Authorization: Bearer \$ADMIN_TOKEN" $SERVER/v1/requests?state=pending
	    docs/api.md tells the other calls, docs/architecture.md how it works.
	    Logs: ${RUN_DIR#"$ROOT"/}/orbit-server.log and ${RUN_DIR#"$ROOT"/}/kafka/kafka.log
	NEXT
}

main() {
  local target
  expect_terraform
  scripts/setup.sh --quiet --to-run
  new_run_dir demo
  provide_terraform
  say "every part's log is in ${RUN_DIR#"$ROOT"/}"
  build
  target=$(cargo metadata --quiet --no-deps --format-version 1 | jq -r .target_directory)/debug
  start_kafka
  start_server "$target"
  lay_out_terraform "$target"
  set_up_platform
  ask_for_topics
  approve
  show_no_changes
  show_denial
  STEP=
  if [[ -n ${DEMO_EXIT:-} || ! -t 0 ]]; then
    printf '\n── What to try next\n' >&2
    say "'make demo' in a terminal keeps everything running until Ctrl-C, and says how to go on from here;"
    say "docs/api.md tells the calls, docs/architecture.md how it works. Stopping what was started."
    return
  fi
  say_what_next
  printf '\n    Everything keeps running. Ctrl-C stops it.\n' >&2
  trap 'exit 0' INT
  while is_alive "$RUN_DIR/orbit-server.bg.pid"; do sleep 1; done
  die "orbit-server has ended by itself"
}

# On one line: the shell then reads no further, and this file may be edited while it runs.
main; exit
