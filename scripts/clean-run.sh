#!/usr/bin/env bash
# Ends what earlier runs left behind in .run/ (after a kill -9, say), and what was started there by hand; removes the
# folders. Runs that are going on stay.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mkdir -p "$RUNS"
end_dead_runs
for dir in "$RUNS"/*/; do
  dir=${dir%/}
  [[ -d $dir ]] || continue
  if is_alive "$dir/owner.pid"; then
    say "${dir#"$ROOT"/} is in use: left alone"
  else
    while read -r pid_file; do stop_process "$pid_file" 20; done < <(live_pid_files "$dir")
    rm -rf "$dir"
    say "${dir#"$ROOT"/} removed"
  fi
done
