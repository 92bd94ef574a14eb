# shellcheck shell=bash
# Shared by the scripts of this folder; sourced, never run. What a script gets from it:
#
#   say, step, step_done, warn, die       progress on stderr that a person can follow
#   free_ports N                          N free ports of 127.0.0.1, one a line
#   new_run_dir KIND                      .run/KIND-…: RUN_DIR for logs and data; installs the clean-up (see below)
#   on_exit COMMAND…                      one more thing to do at clean-up; last registered runs first
#   run_part NAME COMMAND…                run in the foreground, but so that Ctrl-C and TERM end it at once
#   start_bg NAME COMMAND…                run in the background; its output is in RUN_DIR/NAME.log
#   stop_bg NAME                          and end it again
#   wait_for NAME SECONDS COMMAND…        until COMMAND succeeds; fails at once when NAME's process has died
#   spawn, is_alive, stop_process         the same by pid file, for kafka.sh and postgres.sh
#   find_java, find_terraform             paths, or nothing and a status of 1
#   build_go_module TARGET MODULE@VERSION FOLDER LDFLAGS
#                                         a program of a released Go module
#   expect_terraform, provide_terraform   for what cannot do without one: at once a sentence, later TERRAFORM
#   LOGS_TO_SHOW                          logs whose end is shown where the run fails
#
# Clean-up: whatever ends the script (its end, a failure, Ctrl-C, TERM, a closed terminal), everything it started is
# ended too. Every process is known by its pid and its start time, and runs in a session of its own, so that a signal to
# its group reaches its children and nobody else. All inherit ORBIT_RUN_DIR; what a test started by itself and left
# behind is found by that.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=$ROOT/.cache
RUNS=$ROOT/.run
TOOLS=$CACHE/tools
export PATH="$TOOLS/bin:$PATH"

# ---- progress ----------------------------------------------------------------------------------------------------------

STEP=            # what is being done now: named when it fails
STEP_BEGAN=0

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo "${t%???}"; }
seconds_since() { local ms=$(($(now_ms) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

say() { printf '    %s\n' "$*" >&2; }
warn() { printf '  ! %s\n' "$*" >&2; }
die() {
  printf '  ! %s\n' "$*" >&2
  exit 1
}
step() {
  STEP=$*
  STEP_BEGAN=$(now_ms)
  printf '==> %s …\n' "$STEP" >&2
}
step_done() { step_done_with "done"; }
step_done_with() { # NOTE
  printf '    %s, %s\n' "$1" "$(seconds_since "$STEP_BEGAN")" >&2
  STEP=
}

# ---- processes by pid file ---------------------------------------------------------------------------------------------

# A pid alone may by now belong to somebody else; pid and start time together never do.
start_time_of() {
  local stat
  { read -r stat </proc/"$1"/stat; } 2>/dev/null || return 1
  read -ra stat <<<"${stat##*) }"
  [[ ${stat[0]} != Z ]] && echo "${stat[19]}"
}

is_alive() { # PIDFILE
  local pid began
  { read -r pid began <"$1"; } 2>/dev/null && [[ $(start_time_of "$pid") == "$began" ]]
}

# Becomes COMMAND, in a session of its own. It writes its pid file itself, before COMMAND begins: there is no moment when
# COMMAND runs and the file is not there. `env` gives INT and QUIT back, which a shell takes from background processes.
session_of() { # PIDFILE COMMAND…
  # shellcheck disable=SC2016 # expanded by the inner shell
  exec setsid env --default-signal=INT,QUIT bash -c '
    read -r stat </proc/$$/stat; read -ra stat <<<"${stat##*) }"
    echo "$$ ${stat[19]}" >"$0.new" && mv "$0.new" "$0" && exec "$@"' "$@"
}

spawn() { # PIDFILE LOGFILE COMMAND…
  local pid_file=$1 log=$2 began
  shift 2
  rm -f "$pid_file"
  (session_of "$pid_file" "$@") </dev/null >>"$log" 2>&1 &
  # Until the file is there (milliseconds), so that a stop right after this finds it.
  for ((began = $(now_ms); $(now_ms) - began < 5000; )); do
    [[ -e $pid_file ]] && return
    sleep 0.01
  done
  die "could not start: $*"
}

stop_process() { # PIDFILE SECONDS [SIGNAL]: SIGNAL to the process, and KILL to its whole group when that does not help
  local pid_file=$1 bound=$2 signal=${3:-TERM} pid _ i
  if is_alive "$pid_file"; then
    read -r pid _ <"$pid_file"
    kill -s "$signal" -- "$pid" 2>/dev/null || true
    for ((i = 0; i < bound * 20; i++)); do
      is_alive "$pid_file" || break
      sleep 0.05
    done
    kill -s KILL -- "-$pid" 2>/dev/null || true
    while is_alive "$pid_file"; do sleep 0.02; done
  fi
  rm -f "$pid_file"
}

# Pids of all processes that were started under ORBIT_RUN_DIR=$1, this script aside.
pids_of_run() { # RUN_DIR
  local pid
  # `env -u`: this search itself must not be found.
  env -u ORBIT_RUN_DIR grep -lszxF -- "ORBIT_RUN_DIR=$1" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
    [[ $pid == "$$" || $pid == "$BASHPID" ]] || echo "$pid"
  done || true
}

end_pids_of_run() { # RUN_DIR
  local pids i
  mapfile -t pids < <(pids_of_run "$1")
  ((${#pids[@]})) || return 0
  kill -s TERM -- "${pids[@]}" 2>/dev/null || true
  for ((i = 0; i < 50; i++)); do
    mapfile -t pids < <(pids_of_run "$1")
    ((${#pids[@]})) || return 0
    sleep 0.1
  done
  kill -s KILL -- "${pids[@]}" 2>/dev/null || true
}

# ---- one run -----------------------------------------------------------------------------------------------------------

RUN_DIR=
ON_EXIT=()
LOGS_TO_SHOW=()

on_exit() { ON_EXIT+=("$(printf '%q ' "$@")"); }

new_run_dir() { # KIND
  local new
  mkdir -p "$RUNS"
  end_dead_runs
  # Never seen without its owner, by which others know that it is in use: so it gets its name last.
  new=$(mktemp -d "$RUNS/.new-XXXXXX")
  echo "$$ $(start_time_of $$)" >"$new/owner.pid"
  # PostgreSQL runs as another user when we are root.
  chmod 755 "$new"
  own_tmpdir "$new"
  RUN_DIR=$RUNS/$1-${new##*-}
  mv "$new" "$RUN_DIR"
  export ORBIT_RUN_DIR=$RUN_DIR
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap clean_up EXIT
}

# What a killed test leaves behind in a temporary folder goes with the run's. Outside the run's own folder, since a
# socket's path has room for 107 bytes; known there by a link.
own_tmpdir() { # RUN_DIR
  local base=${TMPDIR:-/tmp}
  ((${#base} <= 30)) || base=/tmp
  TMPDIR=$(mktemp -d "$base/orbit-XXXXXX")
  chmod 711 "$TMPDIR"
  ln -s "$TMPDIR" "$1/tmp"
  export TMPDIR
}

remove_tmpdir() { # RUN_DIR
  local dir
  dir=$(readlink "$1/tmp") || return 0
  rm -rf -- "$dir" "$1/tmp"
}

clean_up() {
  local code=$? i pid_file
  # From here on nothing interrupts: a second Ctrl-C must not leave half of it behind.
  trap '' HUP INT TERM PIPE
  trap - EXIT
  set +e
  ((code == 0)) || tell_failure "$code"
  [[ ! -e $RUN_DIR/part.pid ]] || stop_group "$RUN_DIR/part.pid" 20
  for ((i = ${#ON_EXIT[@]} - 1; i >= 0; i--)); do eval "${ON_EXIT[i]}"; done
  for pid_file in "$RUN_DIR"/*.bg.pid; do
    [[ ! -e $pid_file ]] || stop_process "$pid_file" 10
  done
  end_pids_of_run "$RUN_DIR"
  remove_tmpdir "$RUN_DIR"
  if ((code == 0 || code == 129 || code == 130 || code == 143)) || ! has_logs; then
    rm -rf "$RUN_DIR"
  else
    # After a failure one wants to read the logs; data is large and worth nothing.
    rm -rf "$RUN_DIR"/*-data "$RUN_DIR"/*/*-data
    rm -f "$RUN_DIR/owner.pid"
  fi
  exit "$code"
}

tell_failure() { # CODE
  local log
  case $1 in
    129 | 130 | 143)
      printf '\n  ! interrupted%s; stopping what was started\n' "${STEP:+ during: $STEP}" >&2
      return
      ;;
  esac
  for log in "${LOGS_TO_SHOW[@]}"; do
    warn "the end of ${log#"$ROOT"/}:"
    show_end "$log"
  done
  printf '\n  ! failed%s (status %s)%s\n' "${STEP:+: $STEP}" "$1" "$(has_logs && echo "; logs are in ${RUN_DIR#"$ROOT"/}")" >&2
}

has_logs() { [[ -n $(find "$RUN_DIR" -name '*.log' -print -quit) ]]; }

# Runs whose script is gone without having cleaned up (kill -9, a crash): end their processes. Their folders stay a day
# for reading, or until `make clean-run`.
end_dead_runs() {
  local dir
  for dir in "$RUNS"/*/; do
    dir=${dir%/}
    # The pattern itself, when there is none; or a run that is going on.
    if [[ ! -d $dir ]] || is_alive "$dir/owner.pid"; then continue; fi
    if [[ -e $dir/owner.pid ]]; then
      end_pids_of_run "$dir"
      remove_tmpdir "$dir"
      rm -f "$dir/owner.pid"
    fi
    if [[ -n $(find "$dir" -maxdepth 0 -mmin +1440) && -z $(live_pid_files "$dir") ]]; then rm -rf "$dir"; fi
  done
}

# Of what runs in a folder: also of a Kafka that somebody started there by hand.
live_pid_files() { # DIR
  local file
  find "$1" -maxdepth 2 -name '*.pid' | while read -r file; do
    if is_alive "$file"; then echo "$file"; fi
  done
}

stop_group() { # PIDFILE SECONDS: TERM to the whole group, then KILL
  local pid _ i
  if is_alive "$1"; then
    read -r pid _ <"$1"
    kill -s TERM -- "-$pid" 2>/dev/null || true
    for ((i = 0; i < $2 * 20; i++)); do
      is_alive "$1" || break
      sleep 0.05
    done
    kill -s KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$1"
}

# A shell runs a trap only when its foreground command has ended, so the command goes to the background and is waited
# for: then a signal is answered at once.
run_part() { # NAME COMMAND…
  local code=0
  step "$1"
  shift
  rm -f "$RUN_DIR/part.pid"
  (session_of "$RUN_DIR/part.pid" "$@") </dev/null &
  wait $! || code=$?
  rm -f "$RUN_DIR/part.pid"
  ((code == 0)) || exit "$code"
}

start_bg() { # NAME COMMAND…
  local name=$1
  shift
  spawn "$RUN_DIR/$name.bg.pid" "$RUN_DIR/$name.log" "$@"
}

stop_bg() { stop_process "$RUN_DIR/$1.bg.pid" "${2:-10}"; } # NAME [SECONDS]

wait_for() { # NAME SECONDS COMMAND…
  local name=$1 bound=$2
  shift 2
  wait_until "$RUN_DIR/$name.bg.pid" "$RUN_DIR/$name.log" "$bound" "$@" || die "$name did not start"
}

# Until COMMAND succeeds. Gives up when the process has died or the time is over, and shows the end of its log.
wait_until() { # PIDFILE LOGFILE SECONDS COMMAND…
  local pid_file=$1 log=$2 bound=$3 began
  shift 3
  began=$(now_ms)
  until "$@" >/dev/null 2>&1; do
    if ! is_alive "$pid_file"; then
      # It may have become ready and ended between the two looks; it is gone in either case.
      warn "it ended by itself; the end of $log:"
      show_end "$log"
      return 1
    fi
    if (($(now_ms) - began > bound * 1000)); then
      warn "not ready after $bound s; the end of $log:"
      show_end "$log"
      return 1
    fi
    sleep 0.05
  done
}

show_end() { tail -n 25 -- "$1" 2>/dev/null | sed 's/^/    | /' >&2 || true; }

# ---- looking things up -------------------------------------------------------------------------------------------------

# Below the range from which the kernel gives ports to outgoing connections: so a port stays free while its owner is down
# for a test. Two runs at once may still pick the same one; kafka.sh and postgres.sh then try again with others.
free_ports() { # N
  python3 - "$1" <<'PY'
import random, socket, sys

held = []
for _ in range(2000):
    if len(held) == int(sys.argv[1]):
        break
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", random.randrange(15000, 32000)))
    except OSError:
        s.close()
        continue
    held.append(s)
else:
    sys.exit("no free port found")
for s in held:
    print(s.getsockname()[1])
PY
}

java_major() { # JAVA
  local out
  out=$("$1" -version 2>&1) || return 1
  [[ $out =~ version\ \"([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

find_java() { # the first Java of 17 or newer
  local java
  for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
    [[ -x $java ]] && (($(java_major "$java" || echo 0) >= 17)) && echo "$java" && return
  done
  return 1
}

# Not `go install`: it refuses modules with a `replace`. In the module's own folder its own go.sum applies.
build_go_module() { # TARGET MODULE@VERSION FOLDER LDFLAGS
  local got
  command -v go >/dev/null || die "building ${2##*/} needs Go 1.26 or newer"
  command -v jq >/dev/null || die "building ${2##*/} needs jq: run 'make setup' first"
  mkdir -p "${1%/*}"
  got=$(go mod download -json "$2") || die "Go could not get $2: $(jq -r '.Error // "no reason given"' <<<"$got")"
  # What it says of its downloads is of use only where it fails.
  if ! (cd "$(jq -r .Dir <<<"$got")/$3" && CGO_ENABLED=0 go build -trimpath -ldflags "$4" -o "$1.new" .) 2>"$1.log"; then
    tail -n 20 "$1.log" >&2
    die "building ${2##*/} failed"
  fi
  rm -f "$1.log"
  mv "$1.new" "$1"
}

find_terraform() {
  # One that was asked for is that one, or none.
  if [[ -n ${ORBIT_TERRAFORM:-} ]]; then
    command -v "$ORBIT_TERRAFORM"
  else
    command -v terraform || command -v tofu
  fi
}

# Said before anything long begins.
expect_terraform() {
  find_terraform >/dev/null || command -v go >/dev/null ||
    die "this needs 'terraform' or 'tofu' on PATH: install one by your system's way, or install Go 1.26 or newer, and OpenTofu is built here (about 5 minutes, once)"
}

# shellcheck disable=SC2034 # for the script that asked
provide_terraform() { # sets TERRAFORM; after setup.sh, whose jq the build needs
  if ! TERRAFORM=$(find_terraform); then
    run_part "neither terraform nor tofu is on PATH: building OpenTofu (about 5 minutes, once)" "$ROOT/scripts/opentofu.sh"
    step_done
    TERRAFORM=$(find_terraform) || die "OpenTofu was built and is not found"
  fi
}

# The folder of initdb and postgres of 15 or newer (initdb knows ICU since then): the newest that Debian's packages have,
# else by PATH.
find_postgres_bin() {
  local dir
  while read -r dir; do
    (($(postgres_major "$dir") >= 15)) && echo "$dir" && return
  done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV; dirname -- "$(command -v initdb || true)")
  return 1
}

postgres_major() { # DIR: 0 where none is
  local out
  if [[ -x $1/initdb && -x $1/postgres ]] && out=$("$1/postgres" --version) && [[ $out =~ \)\ ([0-9]+) ]]; then
    echo "${BASH_REMATCH[1]}"
  else
    echo 0
  fi
}

kafka_version() { echo "${ORBIT_KAFKA_VERSION:-$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$ROOT/scripts/kafka/pom.xml")}"; }
kafka_home() { echo "${ORBIT_KAFKA_HOME:-$CACHE/kafka-$(kafka_version)}"; }

# On a terminal cargo shows how far it is; elsewhere that would be hundreds of lines.
quiet() { [[ -t 2 ]] || echo --quiet; }

# A lock file that is there must not be changed by the way.
locked() { [[ ! -e $ROOT/Cargo.lock ]] || echo --locked; }
