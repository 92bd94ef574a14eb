#!/usr/bin/env bash
# Waits until no request of this run is pending any more: one call every quarter of a minute. Where people said no, nobody said anything in time, or another run
# asked for something else since, it says which requests those are, and fails.
#
# Wants ORBIT_ENDPOINT, ORBIT_TOKEN and the ORBIT_RUN_ID that the apply had; curl and jq. WAIT_SECONDS: for how long at most (an hour), PAUSE_SECONDS (15).
set -euo pipefail
: "${ORBIT_ENDPOINT:?is not set}" "${ORBIT_TOKEN:?is not set}" "${ORBIT_RUN_ID:?is not set: give the one that the apply had}"

requests() { # [STATE]: the requests of the run, one a line
  local cursor='' page query=(--data-urlencode "run_id=$ORBIT_RUN_ID" --data-urlencode "limit=500")
  [[ -z ${1:-} ]] || query+=(--data-urlencode "state=$1")
  # What curl tried five times is told and ends this, rather than being tried for an hour.
  while page=$(curl --fail --silent --show-error --retry 5 --get "$ORBIT_ENDPOINT/v1/requests" --header "Authorization: Bearer $ORBIT_TOKEN" \
    "${query[@]}" ${cursor:+--data-urlencode "cursor=$cursor"}); do
    jq --compact-output '.items[]' <<<"$page"
    cursor=$(jq --raw-output '.next_cursor // ""' <<<"$page")
    [[ -n $cursor ]] || return 0
  done
  return 1
}

deadline=$((SECONDS + ${WAIT_SECONDS:-3600}))
while pending=$(requests pending) && [[ -n $pending ]]; do
  if ((SECONDS >= deadline)); then
    echo "still pending:" >&2
    jq --raw-output '"  \(.url)"' <<<"$pending" >&2
    exit 1
  fi
  sleep "${PAUSE_SECONDS:-15}"
done

# What another request of this run took the place of is decided by that one, and what was asked for anew since by the newer ones: a job that is run again has
# the run's id of before.
all=$(requests)
refused=$(jq --slurp --raw-output '. as $all | [.[].id] as $ours | .[] | . as $one
  | [$all[] | select(.created_at > $one.created_at).items[] | [.noun, .object_key]] as $newer
  | select(((.state | IN("rejected", "expired", "withdrawn")) and ([.items[] | [.noun, .object_key]] - $newer) != [])
      or (.state == "superseded" and ([.superseded_by] - $ours) != []))
  | "\(.state): \(.url) \(.reason // "")"' <<<"$all")
[[ -z $refused ]] || { echo "$refused" >&2; exit 1; }
