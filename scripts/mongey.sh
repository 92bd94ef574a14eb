#!/usr/bin/env bash
# Builds Mongey's Kafka provider into .cache/tools/mongey, for what compares with it and takes over from it: `make acceptance-compat` and `make bench`. A
# minute or two, once. A tool of the tests: nothing of it is shipped.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=0.13.1
TARGET=$TOOLS/mongey/terraform-provider-kafka_v$VERSION

if [[ -x $TARGET ]]; then
  say "Mongey's provider $VERSION is there already"
  exit
fi
step "building Mongey's provider $VERSION"
build_go_module "$TARGET" "github.com/Mongey/terraform-provider-kafka@v$VERSION" . "-s -w"
step_done_with "$(du -h "$TARGET" | cut -f1)"
