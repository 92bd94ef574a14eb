#!/usr/bin/env bash
# Builds a release of Terraform into .cache/tools/terraform-VERSION, for `make acceptance-compat`. About seven minutes, once. A tool of the tests: Terraform
# 1.6 and newer are under the Business Source License, and nothing of it is shipped.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=${1:-1.15.9}
MODULE=github.com/hashicorp/terraform
TARGET=$TOOLS/terraform-$VERSION

if [[ -x $TARGET ]]; then
  say "$("$TARGET" version | head -n 1) is there already"
  exit
fi
command -v go >/dev/null || die "building Terraform needs Go 1.26 or newer"
command -v jq >/dev/null || die "building Terraform needs jq: run 'make setup' first"

# Terraform's module replaces some state backends of clouds by folders that are no part of what Go downloads. Stubs stand in for them; what the tests use
# (the core, the backends `local` and `http`) is as released.
stub() { # PATH BELOW internal/
  mkdir -p "stub/$1"
  printf 'module %s\n\ngo 1.23\n' "$MODULE/internal/$1" >"stub/$1/go.mod"
  if [[ $1 == legacy ]]; then
    echo "package legacy" >"stub/$1/stub.go"
  else
    printf 'package %s\n\nimport (\n\t"%s/internal/backend"\n\t"%s/internal/backend/remote-state/inmem"\n)\n\nfunc New() backend.Backend { return inmem.New() }\n' \
      "${1##*/}" "$MODULE" "$MODULE" >"stub/$1/stub.go"
  fi
  go mod edit -require="$MODULE/internal/$1@v0.0.0-00010101000000-000000000000" -replace="$MODULE/internal/$1=./stub/$1"
}

step "building Terraform $VERSION"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
go mod init compat 2>/dev/null
got=$(go mod download -json "$MODULE@v$VERSION") || die "Go could not get Terraform: $(jq -r '.Error // "no reason given"' <<<"$got")"
while read -r path; do
  stub "$path"
done < <(sed -n "s#^replace $MODULE/internal/\(.*\) => \./.*#\1#p" "$(jq -r .GoMod <<<"$got")")
go mod edit -godebug=winsymlink=0
printf '//go:build tools\n\npackage compat\n\nimport _ "%s"\n' "$MODULE" >tools.go
go get "$MODULE@v$VERSION" 2>/dev/null || die "Go could not resolve what Terraform $VERSION needs"
mkdir -p "$TOOLS"
# `dev=no` is what makes it a release: without it experiments are on.
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $MODULE/version.dev=no" -o "$TARGET.new" "$MODULE"
mv "$TARGET.new" "$TARGET"
step_done_with "$("$TARGET" version | head -n 1)"
