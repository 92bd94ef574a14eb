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
command -v go >/dev/null || die "building OpenTofu needs Go 1.26 or newer"
command -v jq >/dev/null || die "building OpenTofu needs jq: run 'make setup' first"
step "building OpenTofu $VERSION"
mkdir -p "$TOOLS/bin"
# Not `go install`: it refuses modules with a `replace`. In the module's own folder its own go.sum applies.
got=$(go mod download -json "$MODULE@v$VERSION") || die "Go could not get OpenTofu: $(jq -r '.Error // "no reason given"' <<<"$got")"
cd "$(jq -r .Dir <<<"$got")/cmd/tofu"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $MODULE/version.dev=no" -o "$TOOLS/bin/tofu.new" .
mv "$TOOLS/bin/tofu.new" "$TOOLS/bin/tofu"
step_done_with "$("$TOOLS/bin/tofu" version | head -n 1)"
