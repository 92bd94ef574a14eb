#!/usr/bin/env bash
# A throw-away PostgreSQL in one folder, on a free port of 127.0.0.1, without durability: for the demo and the tests.
#
#   postgres.sh start DIR [NAME=VALUE …]
#                                    the first time with a new cluster (and NAME=VALUE over the settings below), later with
#                                    the same port, settings and data; prints the connection as NAME=VALUE lines
#   postgres.sh stop DIR             orderly: open transactions are rolled back
#   postgres.sh kill DIR             a crash; the last commits are lost with it, unless synchronous_commit=on
#   postgres.sh env DIR              prints the connection again
#   postgres.sh psql DIR ARGUMENT …  psql on it
#
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

BIN=$(find_postgres_bin) || die "PostgreSQL is not there yet: run 'make setup'"

# initdb and postgres refuse to run as root.
AS=()
if ((EUID == 0)); then
  id -u postgres >/dev/null 2>&1 || die "PostgreSQL does not run as root, and there is no user 'postgres': install your system's package 'postgresql'"
  AS=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi

# Sorted as people read (ICU), not by bytes: so a query whose order must be by bytes has to say so to pass the tests.
init() { # DIR
  local dir=$1
  mkdir -p "$dir/postgres-data"
  if ((EUID == 0)); then
    chown postgres: "$dir/postgres-data"
    # Not from the caller's folder, where user postgres perhaps may not look.
    (cd / && "${AS[@]}" test -w "$dir/postgres-data") || die "user postgres cannot reach $dir: move the repository out of root's own folder"
  fi
  (cd / && "${AS[@]}" "$BIN/initdb" -D "$dir/postgres-data" -U orbit --auth=trust --encoding=UTF8 --locale=C \
    --locale-provider=icu --icu-locale=en-US --no-sync) >"$dir/initdb.log" 2>&1 || {
    show_end "$dir/initdb.log"
    die "initdb failed"
  }
}

write_env() { # DIR
  local port socket_dir
  port=$(free_ports 1)
  socket_dir=$1/socket
  # A socket's path has room for 107 bytes.
  ((${#socket_dir} < 85)) || socket_dir=$(mktemp -d "${TMPDIR:-/tmp}/orbit-pg-XXXXXX")
  {
    printf 'POSTGRES_URL=postgres://orbit@127.0.0.1:%s/orbit\n' "$port"
    printf 'POSTGRES_PORT=%s\n' "$port"
    printf 'POSTGRES_SOCKET_DIR=%q\n' "$socket_dir"
  } >"$1/postgres.env"
}

launch() { # DIR
  local dir=$1 setting more=()
  while read -r setting; do more+=(-c "$setting"); done <"$dir/postgres.settings"
  # shellcheck disable=SC1091
  source "$dir/postgres.env"
  mkdir -p "$POSTGRES_SOCKET_DIR"
  ((EUID != 0)) || chown postgres: "$POSTGRES_SOCKET_DIR"
  (cd / && spawn "$dir/postgres.pid" "$dir/postgres.log" "${AS[@]}" "$BIN/postgres" -D "$dir/postgres-data" \
    -c listen_addresses=127.0.0.1 -c port="$POSTGRES_PORT" -c unix_socket_directories="$POSTGRES_SOCKET_DIR" \
    -c max_connections=200 -c shared_buffers=64MB -c jit=off -c timezone=UTC \
    -c fsync=off -c full_page_writes=off -c synchronous_commit=off "${more[@]}")
  wait_until "$dir/postgres.pid" "$dir/postgres.log" 30 "$BIN/pg_isready" -q -U orbit -h 127.0.0.1 -p "$POSTGRES_PORT" || {
    stop "$dir" 5 INT
    return 1
  }
}

start() { # DIR [NAME=VALUE…]
  local dir fresh=0
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  shift
  if ! is_alive "$dir/postgres.pid"; then
    # Interrupted half way: nothing stays behind.
    trap 'stop "$dir" 5 INT; exit 130' HUP INT TERM
    if [[ ! -e $dir/postgres.ready ]]; then
      # Also what an interrupted first start has left.
      fresh=1
      rm -rf "$dir/postgres-data"
      init "$dir"
      : >"$dir/postgres.settings"
      (($# == 0)) || printf '%s\n' "$@" >"$dir/postgres.settings"
      write_env "$dir"
    fi
    if ! launch "$dir"; then
      # Somebody else may have taken the port in the meantime.
      if ((!fresh)) || ! grep -q 'could not bind' "$dir/postgres.log"; then die "PostgreSQL did not start"; fi
      say "the port was taken; trying another"
      write_env "$dir"
      launch "$dir" || die "PostgreSQL did not start"
    fi
    ((!fresh)) || query "$dir" -c 'create database orbit' -d postgres >/dev/null
    touch "$dir/postgres.ready"
  fi
  cat "$dir/postgres.env"
}

query() { # DIR ARGUMENT…
  # shellcheck disable=SC1091
  source "$1/postgres.env"
  shift
  "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$POSTGRES_PORT" -U orbit "$@"
}

# The server's children notice by themselves that it is gone, a moment later. Their folder tells who they are.
wait_for_children() { # DIR
  local data i
  data=$(cd "$1" && pwd -P)/postgres-data
  for ((i = 0; i < 100; i++)); do
    [[ -n $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$data" 2>/dev/null) ]] || return 0
    sleep 0.05
  done
}

stop() { # DIR SECONDS SIGNAL
  stop_process "$1/postgres.pid" "$2" "$3"
  if [[ -e $1/postgres-data/postmaster.pid ]]; then
    # It was killed. Left there, the file would stop the next start for as long as nobody has reaped the dead process.
    wait_for_children "$1"
    rm -f "$1/postgres-data/postmaster.pid"
  fi
  [[ -e $1/postgres.env ]] || return 0
  # shellcheck disable=SC1091
  source "$1/postgres.env"
  rm -rf "$POSTGRES_SOCKET_DIR"
}

usage() {
  sed -n '2,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

case ${1:-} in
  start) (($# >= 2)) || usage; shift; start "$@" ;;
  # INT is PostgreSQL's word for: end the sessions and shut down.
  stop) (($# == 2)) || usage; stop "$2" 10 INT ;;
  kill) (($# == 2)) || usage; stop "$2" 5 KILL ;;
  env) (($# == 2)) || usage; cat "$2/postgres.env" ;;
  psql) (($# >= 2)) || usage; dir=$2; shift 2; query "$dir" -d orbit "$@" ;;
  *) usage ;;
esac
