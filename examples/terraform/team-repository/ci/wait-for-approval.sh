#!/usr/bin/env bash
# Waits until no request of this run is pending any more: one call every quarter of a minute. Where people said no, or nobody said anything in time, it says
# which requests those are, and fails.
#
# Wants ORBIT_ENDPOINT, ORBIT_TOKEN and the ORBIT_RUN_ID that the apply had; curl and jq. WAIT_SECONDS: for how long at most (an hour), PAUSE_SECONDS (15).
set -euo pipefail
: "${ORBIT_ENDPOINT:?is not set}" "${ORBIT_TOKEN:?is not set}" "${ORBIT_RUN_ID:?is not set: give the one that the apply had}"

requests() { # STATE
  curl --fail --silent --show-error --retry 5 --get "$ORBIT_ENDPOINT/v1/requests" \
    --header "Authorization: Bearer $ORBIT_TOKEN" --data-urlencode "run_id=$ORBIT_RUN_ID" --data-urlencode "state=$1"
}

deadline=$((SECONDS + ${WAIT_SECONDS:-3600}))
while true; do
  # What curl tried five times is told and ends this, rather than being tried for an hour.
  pending=$(requests pending)
  [[ $(jq '.items | length' <<<"$pending") == 0 ]] && break
  if ((SECONDS >= deadline)); then
    echo "still pending:" >&2
    jq -r '.items[] | "  \(.url)"' <<<"$pending" >&2
    exit 1
  fi
  sleep "${PAUSE_SECONDS:-15}"
done

refused=0
for state in rejected expired withdrawn; do
  found=$(requests "$state")
  [[ $(jq '.items | length' <<<"$found") == 0 ]] && continue
  jq -r --arg state "$state" '.items[] | "\($state): \(.url) \(.reason // "")"' <<<"$found" >&2
  refused=1
done
exit $refused
