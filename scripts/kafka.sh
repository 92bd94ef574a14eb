#!/usr/bin/env bash
# A real Kafka for the demo and the tests: one KRaft node with the authorizer on, SCRAM users, everything in one folder.
#
#   kafka.sh start DIR [KEY=VALUE …]   the first time with new ports and new data (and KEY=VALUE in server.properties),
#                                      later with the same ports and data; prints the connection as NAME=VALUE lines
#   kafka.sh stop DIR                  by TERM: an orderly end
#   kafka.sh kill DIR                  by KILL: a crash
#   kafka.sh env DIR                   prints the connection again
#   kafka.sh cli CLASS ARGUMENT …      one of Kafka's own tools, such as org.apache.kafka.tools.TopicCommand; with
#                                      --bootstrap-server $KAFKA_BOOTSTRAP --command-config $KAFKA_ADMIN_CONFIG
#   kafka.sh archive                   makes the archive of loaded classes that saves a second at each start (setup.sh)
#
# Environment: KAFKA_HEAP (256m), KAFKA_LOG_LEVEL (INFO), KAFKA_ADMIN_PASSWORD (random), KAFKA_ADVERTISED_PORT
# (where clients are sent to, if that is not the port it listens on: a proxy's), ORBIT_KAFKA_VERSION (that of
# kafka/pom.xml), ORBIT_KAFKA_HOME (.cache/kafka-VERSION). A KAFKA_HOME of yours has no effect.
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

HOME_DIR=$(kafka_home)
READY_SECONDS=90

# ---- the Java machine --------------------------------------------------------------------------------------------------

JAVA_BIN=
JAVA=()
java_command() { # HEAP LOG_LEVEL: sets JAVA, to be followed by a class and its arguments
  local jars
  [[ -d $HOME_DIR/libs ]] || die "Kafka is not there yet: run 'make setup'"
  JAVA_BIN=${JAVA_BIN:-$(find_java)} || die "no Java of 17 or newer: run 'make setup'"
  # Sorted (a glob is): the archive fits only the class path order that it was made with.
  jars=("$HOME_DIR"/libs/*.jar)
  JAVA=("$JAVA_BIN" -Xms32m "-Xmx$1" -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    "-Dlog4j2.configurationFile=$ROOT/scripts/kafka/log4j2.properties" "-Droot.level=$2"
    -cp "$(IFS=:; echo "${jars[*]}")")
  # An archive that does not fit (another Java, a moved folder) is passed over, and that needs no words.
  [[ ! -e $HOME_DIR/classes.jsa ]] || JAVA+=("-XX:SharedArchiveFile=$HOME_DIR/classes.jsa" -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off)
}

cli() { # CLASS ARGUMENT…
  java_command "${KAFKA_HEAP:-128m}" "${KAFKA_LOG_LEVEL:-WARN}"
  exec "${JAVA[@]}" "$@"
}

# ---- one node in one folder --------------------------------------------------------------------------------------------

write_config() { # DIR PASSWORD [KEY=VALUE…]
  local dir=$1 password=$2 ports
  shift 2
  mapfile -t ports < <(free_ports 3)
  ((${#ports[@]} == 3)) || die "no free ports for Kafka"
  sed -e "s/@CONTROLLER_PORT@/${ports[0]}/g" -e "s/@INTERNAL_PORT@/${ports[1]}/g" -e "s/@CLIENT_PORT@/${ports[2]}/g" \
    -e "s/@ADVERTISED_PORT@/${KAFKA_ADVERTISED_PORT:-${ports[2]}}/g" \
    -e "s#@DATA@#$dir/kafka-data#" "$ROOT/scripts/kafka/server.properties" >"$dir/server.properties"
  (($# == 0)) || printf '%s\n' "$@" >>"$dir/server.properties"
  cat >"$dir/admin.properties" <<-CONFIG
	security.protocol=SASL_PLAINTEXT
	sasl.mechanism=SCRAM-SHA-512
	sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$password";
	CONFIG
  {
    printf 'KAFKA_BOOTSTRAP=127.0.0.1:%s\n' "${ports[2]}"
    printf 'KAFKA_INTERNAL=127.0.0.1:%s\n' "${ports[1]}"
    printf 'KAFKA_USER=admin\n'
    printf 'KAFKA_PASSWORD=%q\n' "$password"
    printf 'KAFKA_ADMIN_CONFIG=%q\n' "$dir/admin.properties"
  } >"$dir/kafka.env"
}

random_text() { # 22 letters and digits; also a valid cluster id
  head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=\n'
}

format() { # DIR PASSWORD
  (cli kafka.tools.StorageTool format --cluster-id "$(random_text)" --config "$1/server.properties" \
    --add-scram "SCRAM-SHA-512=[name=admin,password=$2]") >"$1/format.log" 2>&1 || {
    show_end "$1/format.log"
    die "Kafka's data folder could not be formatted"
  }
}

log_since() { tail -c "+$(($2 + 1))" -- "$1"; } # LOGFILE BYTES_BEFORE

log_says() { # LOGFILE BYTES_BEFORE TEXT
  grep -qF -- "$3" < <(log_since "$1" "$2")
}

launch() { # DIR
  local log=$1/kafka.log before=0
  [[ ! -e $log ]] || before=$(stat -c %s "$log")
  java_command "${KAFKA_HEAP:-256m}" "${KAFKA_LOG_LEVEL:-INFO}"
  spawn "$1/kafka.pid" "$log" "${JAVA[@]}" kafka.Kafka "$1/server.properties"
  # Said when the metadata with the SCRAM users is loaded and all listeners are open.
  wait_until "$1/kafka.pid" "$log" "$READY_SECONDS" log_says "$log" "$before" 'Kafka Server started' || {
    stop_process "$1/kafka.pid" 5
    # What went wrong is said long before the end.
    log_since "$log" "$before" | grep -E ' (ERROR|FATAL) |Exception: ' | head -n 5 | sed 's/^/    | /' >&2 || true
    return 1
  }
}

start() { # DIR [KEY=VALUE…]
  local dir password fresh=0
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  shift
  if ! is_alive "$dir/kafka.pid"; then
    # Interrupted half way: nothing stays behind.
    trap 'stop_process "$dir/kafka.pid" 5; exit 130' HUP INT TERM
    if [[ ! -e $dir/kafka.ready ]]; then
      # Also what an interrupted first start has left.
      fresh=1
      rm -rf "$dir/kafka-data"
      password=${KAFKA_ADMIN_PASSWORD:-$(random_text)}
      write_config "$dir" "$password" "$@"
      format "$dir" "$password"
    fi
    if ! launch "$dir"; then
      # Somebody else may have taken a port in the meantime. Only new data may move: clients know the ports of old.
      if ((!fresh)) || ! grep -q 'Address already in use' "$dir/kafka.log"; then die "Kafka did not start"; fi
      say "a port was taken; trying others"
      write_config "$dir" "$password" "$@"
      launch "$dir" || die "Kafka did not start"
    fi
    touch "$dir/kafka.ready"
  fi
  cat "$dir/kafka.env"
}

archive() {
  local dir
  [[ ! -e $HOME_DIR/classes.jsa ]] || return 0
  new_run_dir archive
  dir=$RUN_DIR/kafka
  mkdir "$dir"
  write_config "$dir" archive
  format "$dir" archive
  java_command 256m INFO
  on_exit stop_process "$dir/kafka.pid" 60
  spawn "$dir/kafka.pid" "$dir/kafka.log" "${JAVA[@]}" "-XX:ArchiveClassesAtExit=$dir/classes.jsa" kafka.Kafka "$dir/server.properties"
  wait_until "$dir/kafka.pid" "$dir/kafka.log" "$READY_SECONDS" log_says "$dir/kafka.log" 0 'Kafka Server started'
  # The archive is written as the broker ends.
  stop_process "$dir/kafka.pid" 60
  mv "$dir/classes.jsa" "$HOME_DIR/classes.jsa"
}

usage() {
  sed -n '2,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

case ${1:-} in
  start) (($# >= 2)) || usage; shift; start "$@" ;;
  stop) (($# == 2)) || usage; stop_process "$2/kafka.pid" 20 ;;
  kill) (($# == 2)) || usage; stop_process "$2/kafka.pid" 5 KILL ;;
  env) (($# == 2)) || usage; cat "$2/kafka.env" ;;
  cli) (($# >= 2)) || usage; shift; cli "$@" ;;
  archive) archive ;;
  *) usage ;;
esac
