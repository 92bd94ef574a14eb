#!/usr/bin/env bash
# Builds OpenTofu into .cache/tools/bin, for machines that have neither terraform nor tofu. Takes about five minutes.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=1.12.6
MODULE=github.com/opentofu/opentofu

if [[ -x $TOOLS/bin/tofu ]]; then
  say "$("$TOOLS/bin/tofu" version | head -n 1) is there already"
  exit
fi
step "building OpenTofu $VERSION"
build_go_module "$TOOLS/bin/tofu" "$MODULE@v$VERSION" cmd/tofu "-s -w -X $MODULE/version.dev=no"
step_done_with "$("$TOOLS/bin/tofu" version | head -n 1)"
