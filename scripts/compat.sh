#!/usr/bin/env bash
# `make acceptance-compat`: the tests that drive a real Terraform, on newer ones than a machine has at hand: Terraform 1.15 and OpenTofu. Both are built here
# once (about twelve minutes) and kept in .cache/; so is Mongey's provider, from which a test moves a topic here that only runs where it is.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

TERRAFORM_VERSION=1.15.9
# Everything whose name says so drives the binary; the acceptance tests all do, some beside other things.
DRIVES='package(tfplugin-rs) & binary(it) | package(terraform-provider-orbit) & test(/^(terraform|docs)::/) | package(orbit-acceptance) & binary(it) - test(program::) - test(clients::) - test(chaos::)'

on() { # BINARY
  say "on $("$1" version | head -n 1)"
  ORBIT_TERRAFORM=$1 ORBIT_TEST_FILTER=$DRIVES ORBIT_TEST_MONGEY=$TOOLS/mongey/terraform-provider-kafka_v0.13.1 scripts/test.sh
}

scripts/setup.sh --quiet
scripts/terraform.sh "$TERRAFORM_VERSION"
scripts/opentofu.sh
scripts/mongey.sh
case ${1:-all} in
  terraform) on "$TOOLS/terraform-$TERRAFORM_VERSION" ;;
  tofu) on "$TOOLS/bin/tofu" ;;
  all)
    on "$TOOLS/terraform-$TERRAFORM_VERSION"
    on "$TOOLS/bin/tofu"
    ;;
  *) die "usage: compat.sh [terraform|tofu]" ;;
esac
