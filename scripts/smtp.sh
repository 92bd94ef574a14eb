#!/usr/bin/env bash
# A throw-away SMTP server (aiosmtpd) on a free port of 127.0.0.1, for the tests: what it takes lies in a maildir.
#
#   smtp.sh start DIR    prints the connection as NAME=VALUE lines: SMTP_URL, SMTP_MAILBOX
#   smtp.sh stop DIR
#
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start() { # DIR
  local dir port
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  if ! is_alive "$dir/smtp.pid"; then
    [[ -d $TOOLS/python/aiosmtpd ]] || die "aiosmtpd is not there yet: run 'make setup'"
    port=$(free_ports 1)
    printf 'SMTP_URL=smtp://127.0.0.1:%s\nSMTP_MAILBOX=%q\n' "$port" "$dir/mailbox" >"$dir/smtp.env"
    spawn "$dir/smtp.pid" "$dir/smtp.log" env "PYTHONPATH=$TOOLS/python" python3 -W ignore -m aiosmtpd -n \
      -l "127.0.0.1:$port" -c aiosmtpd.handlers.Mailbox "$dir/mailbox"
    wait_until "$dir/smtp.pid" "$dir/smtp.log" 20 answers "$port" || {
      stop_process "$dir/smtp.pid" 5
      die "the SMTP server did not start"
    }
  fi
  cat "$dir/smtp.env"
}

usage() {
  sed -n '2,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

case ${1:-} in
  start) (($# == 2)) || usage; start "$2" ;;
  stop) (($# == 2)) || usage; stop_process "$2/smtp.pid" 5 ;;
  *) usage ;;
esac
