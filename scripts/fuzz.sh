#!/usr/bin/env bash
# `make fuzz`: feeds the decoder of Terraform's values made-up bytes, on stable Rust, for FUZZ_SECONDS (60). What breaks it stays in .run/fuzz/. The same
# target runs under `cargo fuzz run values` where that is at hand.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CORPUS=$CACHE/fuzz/values
FOUND=$ROOT/.run/fuzz
mkdir -p "$CORPUS" "$FOUND"
export CARGO_TARGET_DIR=$ROOT/target/fuzz
# What cargo-fuzz sets, but for the address sanitizer, which wants a nightly Rust.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
mapfile -t LOCKED < <(locked)
cd "$ROOT/provider/tfplugin/fuzz"
exec cargo run --release "${LOCKED[@]}" --target "$(rustc -vV | sed -n 's/^host: //p')" --bin values -- \
  -max_total_time="${FUZZ_SECONDS:-60}" -max_len=512 -artifact_prefix="$FOUND/" "$CORPUS"
