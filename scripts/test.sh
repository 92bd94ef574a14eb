#!/usr/bin/env bash
# `make test`: all checks and all tests, against a real PostgreSQL and a real Kafka that are started once for the run.
# `make test T=…` only the tests that the filter takes: a part of a name, or a nextest filter expression.
#
# The tests find the real parts by:
#   ORBIT_TEST_POSTGRES_URL      a superuser's; make databases in it
#   ORBIT_TEST_KAFKA_BOOTSTRAP   SASL_PLAINTEXT, SCRAM-SHA-512; with ORBIT_TEST_KAFKA_USER and ORBIT_TEST_KAFKA_PASSWORD
#   ORBIT_TEST_KAFKA_INTERNAL    PLAINTEXT, may do everything: for a test's own set-up
#   ORBIT_TEST_KAFKA_HOME        kafka.sh there starts a broker of one's own (start DIR, stop DIR, kill DIR), runs Kafka's
#                                tools (cli CLASS …)
#   ORBIT_TEST_BIN_DIR           orbit-server and terraform-provider-orbit, just built
#   ORBIT_TEST_TERRAFORM         terraform or tofu; TFPLUGIN_TEST_TERRAFORM says the same to the library
#   ORBIT_TEST_CLIENT_TOOLS      what generates clients of the API and tests it: Node, node_modules, Python packages
#   ORBIT_TEST_MONGEY            Mongey's provider, for the tests that `make acceptance-compat` runs beside the others
#   ORBIT_TEST_SMTP_URL          an SMTP server; what it takes lies in the maildir ORBIT_TEST_SMTP_MAILBOX
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

FILTER=${ORBIT_TEST_FILTER:-}
mapfile -t LOCKED < <(locked)
mapfile -t QUIET < <(quiet)
# What needs more than `make setup` installs is a feature of the tests.
FEATURES=()
[[ -z ${ORBIT_TEST_MONGEY:-} ]] || FEATURES=(--features orbit-acceptance/mongey)
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
# Tests run in a session without a terminal.
export NEXTEST_NO_INPUT_HANDLER=1

lint() {
  run_part "lint" scripts/lint.sh
  STEP=
}

build() {
  run_part "building everything" cargo build "${QUIET[@]}" --workspace --all-targets "${FEATURES[@]}" "${LOCKED[@]}"
  step_done
}

start_parts() {
  on_exit scripts/postgres.sh stop "$RUN_DIR/postgres"
  run_part "starting PostgreSQL" scripts/postgres.sh start "$RUN_DIR/postgres" >/dev/null
  step_done
  on_exit scripts/smtp.sh stop "$RUN_DIR/smtp"
  run_part "starting an SMTP server" scripts/smtp.sh start "$RUN_DIR/smtp" >/dev/null
  step_done
  on_exit scripts/kafka.sh stop "$RUN_DIR/kafka"
  run_part "starting Kafka $(kafka_version)" scripts/kafka.sh start "$RUN_DIR/kafka" >/dev/null
  step_done
}

export_addresses() {
  # shellcheck disable=SC1091
  source "$RUN_DIR/postgres/postgres.env"
  # shellcheck disable=SC1091
  source "$RUN_DIR/kafka/kafka.env"
  # shellcheck disable=SC1091
  source "$RUN_DIR/smtp/smtp.env"
  export ORBIT_TEST_POSTGRES_URL=$POSTGRES_URL
  export ORBIT_TEST_KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP
  export ORBIT_TEST_KAFKA_USER=$KAFKA_USER
  export ORBIT_TEST_KAFKA_PASSWORD=$KAFKA_PASSWORD
  export ORBIT_TEST_KAFKA_INTERNAL=$KAFKA_INTERNAL
  export ORBIT_TEST_SMTP_URL=$SMTP_URL
  export ORBIT_TEST_SMTP_MAILBOX=$SMTP_MAILBOX
  ORBIT_TEST_KAFKA_HOME=$(kafka_home)
  ORBIT_TEST_BIN_DIR=$(cargo metadata --quiet --no-deps --format-version 1 | jq -r .target_directory)/debug
  ORBIT_TEST_TERRAFORM=$TERRAFORM
  TFPLUGIN_TEST_TERRAFORM=$TERRAFORM
  ORBIT_TEST_CLIENT_TOOLS=$CACHE/clients
  export ORBIT_TEST_KAFKA_HOME ORBIT_TEST_BIN_DIR ORBIT_TEST_TERRAFORM TFPLUGIN_TEST_TERRAFORM ORBIT_TEST_CLIENT_TOOLS
}

check_docs() {
  run_part "docs: links and names" scripts/check-docs.py
  step_done
}

doc_tests() {
  run_part "doc tests" cargo test --quiet --doc --workspace "${LOCKED[@]}"
  step_done
}

# Last, and nothing is said after it: the count of tests is the end of the output.
all_tests() {
  run_part "tests" cargo nextest run --workspace "${LOCKED[@]}"
}

some_tests() {
  local filter=("$FILTER")
  [[ $FILTER =~ ^[A-Za-z0-9_:-]+$ ]] || filter=(-E "$FILTER")
  run_part "tests: $FILTER" cargo nextest run --workspace "${FEATURES[@]}" "${LOCKED[@]}" "${filter[@]}"
}

main() {
  expect_terraform
  scripts/setup.sh --quiet
  new_run_dir test
  provide_terraform
  if [[ -z $FILTER ]]; then
    lint
    check_docs
  fi
  build
  start_parts
  export_addresses
  if [[ -z $FILTER ]]; then
    doc_tests
    all_tests
  else
    some_tests
  fi
}

# On one line: the shell then reads no further, and this file may be edited while it runs.
main; exit
