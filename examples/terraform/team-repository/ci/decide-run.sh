#!/usr/bin/env bash
# Decides everything that a run has asked for and that still waits, as one: what an approver runs. At most 200 requests at once.
#
#   decide-run.sh RUN approve|reject [WORDS]
#
# Wants ORBIT_ENDPOINT and ORBIT_TOKEN, the approver's own; curl and jq. Prints what became of each request; fails where one could not be decided.
set -euo pipefail
: "${ORBIT_ENDPOINT:?is not set}" "${ORBIT_TOKEN:?is not set: it is the approver\'s own}"
run=${1:?the run is not said: its id stands in the warnings of the apply and at every request} decision=${2:?approve or reject?} words=${3:-}

orbit() { # PATH [CURL'S WORDS…]
  curl --fail-with-body --silent --show-error --header "Authorization: Bearer $ORBIT_TOKEN" "${@:2}" "$ORBIT_ENDPOINT$1"
}

pending=$(orbit /v1/requests --get --data-urlencode "run_id=$run" --data-urlencode state=pending --data-urlencode limit=200 | jq '[.items[].id]')
[[ $pending != "[]" ]] || { echo "nothing of run $run waits" >&2; exit 1; }
decided=$(jq --null-input --arg decision "$decision" --arg words "$words" --argjson requests "$pending" \
  '{$requests, $decision} + if $words == "" then {} else {$words} end' | orbit /v1/requests:decide --json @-)
jq --raw-output '.items[] | if .request then "\(.request.state): \(.request.url)" else "not decided: \(.problem.detail)" end' <<<"$decided"
jq --exit-status 'all(.items[]; .request)' <<<"$decided" >/dev/null
