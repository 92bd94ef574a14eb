#!/usr/bin/env bash
# `make release`: what a release of the Terraform provider consists of, in dist/, by the names that Terraform's registry protocol asks for:
#
#   terraform-provider-orbit_VERSION_OS_ARCH.zip     the program, and the licence
#   terraform-provider-orbit_VERSION_manifest.json   which plugin protocol it speaks
#   terraform-provider-orbit_VERSION_SHA256SUMS      of all of these
#   terraform-provider-orbit_VERSION_SHA256SUMS.sig  a detached signature of that, where ORBIT_SIGNING_KEY names a key of gpg's
#
# The version is the workspace's. The program is linked statically against musl, so that it runs on any Linux of its architecture, in Alpine too.
#
#   ORBIT_SIGNING_KEY   fingerprint or address of the releaser's key; without it nothing is signed, and registries will not take the release
#   ORBIT_PROGRAMS      OS_ARCH=PATH …: programs that were built elsewhere, such as those of other systems in the release workflow; then nothing is built
#   ORBIT_DIST          where to (dist/)
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

NAME=terraform-provider-orbit
mkdir -p "${ORBIT_DIST:-$ROOT/dist}"
# Archives are written from another folder.
DIST=$(cd "${ORBIT_DIST:-$ROOT/dist}" && pwd)
mapfile -t LOCKED < <(locked)
mapfile -t QUIET < <(quiet)

# Of this machine, as Terraform names it, and as Rust does.
platform() {
  case $(uname -m) in
    x86_64) echo linux_amd64 x86_64-unknown-linux-musl ;;
    aarch64) echo linux_arm64 aarch64-unknown-linux-musl ;;
    *) die "no release is made on $(uname -m): use x86_64 or aarch64" ;;
  esac
}

build() { # TARGET: prints the program
  command -v musl-gcc >/dev/null || die "musl-gcc is missing: install the package musl-tools"
  rustup target add "$1" >/dev/null 2>&1 || die "rustup cannot add the target $1"
  run_part "building $NAME for $1 (minutes)" cargo build "${QUIET[@]}" --release --package "$NAME" --target "$1" "${LOCKED[@]}"
  step_done
}

# What needs a loader runs on one kind of Linux only; and what was built has to start at all.
check() { # PROGRAM
  if readelf --program-headers --wide "$1" | grep -q INTERP; then
    die "$1 is not static"
  fi
  [[ $("$1" 2>&1 || true) == *"It is not run by hand"* ]] || die "$1 does not start"
}

pack() { # OS_ARCH PROGRAM
  local folder end=
  [[ -f $2 ]] || die "there is no program at $2"
  [[ $1 == windows_* ]] && end=.exe
  folder=$(mktemp -d)
  cp "$2" "$folder/${NAME}_v$VERSION$end"
  chmod 755 "$folder/${NAME}_v$VERSION$end"
  cp LICENSE "$folder/LICENSE"
  # One time for all: the same program makes the same archive.
  touch --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" "$folder"/*
  (cd "$folder" && zip --quiet -X "$DIST/${NAME}_${VERSION}_$1.zip" ./*)
  rm -rf "$folder"
}

sign() { # FILE
  if [[ -z ${ORBIT_SIGNING_KEY:-} ]]; then
    warn "not signed: ORBIT_SIGNING_KEY names no key"
    return
  fi
  gpg --batch --yes --local-user "$ORBIT_SIGNING_KEY" --output "$1.sig" --detach-sign "$1" || die "gpg could not sign with $ORBIT_SIGNING_KEY"
  # Whoever serves the release tells by which key it was signed.
  local id
  id=$(gpg --batch --with-colons --list-keys "$ORBIT_SIGNING_KEY" | awk -F: '$1 == "pub" { print $5; exit }')
  gpg --batch --yes --armor --output "$DIST/${NAME}_${VERSION}_key_$id.asc" --export "$ORBIT_SIGNING_KEY"
}

main() {
  local rust_target terraform_platform target program
  command -v zip >/dev/null || die "zip is missing: run 'make setup'"
  VERSION=$(cargo metadata --quiet --no-deps --format-version 1 | jq -r --arg name "$NAME" '.packages[] | select(.name == $name) | .version')
  rm -f "$DIST/${NAME}_${VERSION}"_*
  if [[ -n ${ORBIT_PROGRAMS:-} ]]; then
    for program in $ORBIT_PROGRAMS; do
      pack "${program%%=*}" "${program#*=}"
    done
  else
    read -r terraform_platform rust_target < <(platform)
    new_run_dir release
    build "$rust_target"
    target=$(cargo metadata --quiet --no-deps --format-version 1 | jq -r .target_directory)
    check "$target/$rust_target/release/$NAME"
    pack "$terraform_platform" "$target/$rust_target/release/$NAME"
  fi
  printf '{"version":1,"metadata":{"protocol_versions":["6.0"]}}\n' >"$DIST/${NAME}_${VERSION}_manifest.json"
  (cd "$DIST" && sha256sum "${NAME}_${VERSION}"_*.zip "${NAME}_${VERSION}_manifest.json" >"${NAME}_${VERSION}_SHA256SUMS")
  sign "$DIST/${NAME}_${VERSION}_SHA256SUMS"
  say "in $DIST:"
  (cd "$DIST" && ls -1 "${NAME}_${VERSION}"_*) | while read -r file; do say "  $file"; done
}

# On one line: the shell then reads no further, and this file may be edited while it runs.
main; exit
