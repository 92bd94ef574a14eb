#!/usr/bin/env bash
# What is checked without running anything: formatting, clippy, dependencies, scripts.   lint.sh [fmt|clippy|deny|scripts]…
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
mapfile -t LOCKED < <(locked)

check_fmt() { cargo fmt --all --check; }
check_clippy() { cargo clippy --quiet --workspace --all-targets "${LOCKED[@]}" -- -D warnings; }
# Advisories need the network; the workflow in .github/ checks them.
check_deny() { cargo deny "${LOCKED[@]}" --log-level error check --hide-inclusion-graph bans licenses sources; }
check_scripts() {
  local script
  for script in scripts/*.sh .ci/run; do bash -n "$script"; done
  # Not a package that setup installs; the build machine has it.
  ! command -v shellcheck >/dev/null || shellcheck -x scripts/*.sh .ci/run
}

(($#)) || set -- fmt clippy deny scripts
for part; do
  step "lint: $part"
  "check_$part"
  step_done
done
