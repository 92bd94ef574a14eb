#!/usr/bin/env bash
# `make bench`: the figures of docs/performance.md, in one run, on release builds, with a Kafka and a PostgreSQL of its own. Prints them as
# lines of a Markdown table. Bounded, and on this machine only.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
mapfile -t LOCKED < <(locked)
mapfile -t QUIET < <(quiet)

main() {
  local target
  expect_terraform
  scripts/setup.sh --quiet --to-run
  new_run_dir bench
  provide_terraform
  run_part "building the release (minutes, the first time)" cargo build "${QUIET[@]}" --release --package orbit-server \
    --package terraform-provider-orbit --package orbit-acceptance --package tfplugin-rs --bins --example ledger "${LOCKED[@]}"
  step_done
  on_exit scripts/postgres.sh stop "$RUN_DIR/postgres"
  run_part "starting PostgreSQL" scripts/postgres.sh start "$RUN_DIR/postgres" fsync=on synchronous_commit=on full_page_writes=on >/dev/null
  step_done
  # shellcheck disable=SC1091
  source "$RUN_DIR/postgres/postgres.env"
  export ORBIT_TEST_POSTGRES_URL=$POSTGRES_URL
  target=$(cargo metadata --quiet --no-deps --format-version 1 | jq -r .target_directory)/release
  ORBIT_TEST_KAFKA_HOME=$(kafka_home)
  # Where there is no Go to build it, the peer's lines are left out.
  if command -v go >/dev/null; then
    scripts/mongey.sh
    export ORBIT_BENCH_MONGEY=$TOOLS/mongey
  fi
  export ORBIT_TEST_BIN_DIR=$target ORBIT_TEST_TERRAFORM=$TERRAFORM ORBIT_TEST_KAFKA_HOME
  echo "| what | p50 | p95 | floor or peer of the same run | runs |"
  echo "|---|---|---|---|---|"
  for part in "${@:-start create burst recovery isolation rest replicas plan plan5000 interrupt estate}"; do
    for one in $part; do
      measure "$one"
    done
  done
}

# One part, on a Kafka of its own: the topics of one part slow the next one down, and ten thousands of them are more than the node can map.
measure() {
  on_exit scripts/kafka.sh stop "$RUN_DIR/kafka-$1"
  KAFKA_HEAP=${KAFKA_HEAP:-512m} scripts/kafka.sh start "$RUN_DIR/kafka-$1" >/dev/null
  # shellcheck disable=SC1090
  source "$RUN_DIR/kafka-$1/kafka.env"
  export ORBIT_TEST_KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP ORBIT_TEST_KAFKA_USER=$KAFKA_USER ORBIT_TEST_KAFKA_PASSWORD=$KAFKA_PASSWORD
  run_part "measuring $1" "$target/bench" "$1"
  step_done
  scripts/kafka.sh stop "$RUN_DIR/kafka-$1"
}

# On one line: the shell then reads no further, and this file may be edited while it runs.
main "$@"; exit
