#!/bin/sh
# Submits one search to the application and prints its result.
#
#   search.sh [URL] [TEXT-NAME] [WORD...]
set -eu

url=${1:-http://127.0.0.1:30088}
text=${2:-hamlet}
[ $# -le 2 ] && set -- "$url" "$text" be sleep question
shift 2

words=$(printf '"%s",' "$@")
ask() { curl --silent --show-error --fail --max-time 10 "$@"; }
echo "searching \"$text\" for: $*"
id=$(ask --retry 10 --retry-connrefused --retry-delay 1 -H 'content-type: application/json' -d "{\"textName\":\"$text\",\"words\":[${words%,}]}" "$url/jobs" \
  | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
echo "job $id is accepted"
tries=0
until answer=$(ask "$url/jobs/$id") && ! echo "$answer" | grep -q '"status":"pending"'; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { echo "job $id is still pending after a minute" >&2; exit 1; }
  sleep 0.2
done
case $answer in
  *'"status":"failed"'*) echo "$answer" >&2; exit 1 ;;
esac
echo "$answer" | grep -o '"word":"[^"]*","count":[0-9]*,"lines":\[[0-9,]*\]' \
  | sed 's/"word":"\([^"]*\)","count":\([0-9]*\),"lines":\[\([0-9,]*\)\]/  \1: \2 times, lines \3/'
echo "$answer" | sed -n 's/.*"worker":"\([^"]*\)","workerVersion":"\([^"]*\)".*/found by \1, version \2/p'
