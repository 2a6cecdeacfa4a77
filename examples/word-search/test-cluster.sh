#!/bin/bash
# Shows on a running cluster what the application and the cluster promise each other. The images must be imported.
#
#   test-cluster.sh [--kubectl COMMAND] [--url URL] [--kill]
#
# Applies overlays/dev (namespace word-search), leaves it running at version 2. With --kill it also kills RabbitMQ and
# PostgreSQL in the middle. Prints one line per promise; the exit status says whether all were kept.
set -u
cd "$(dirname "$0")"

kubectl=kubectl url=http://127.0.0.1:30088 kill_servers=
while [ $# -gt 0 ]; do
  case $1 in
    --kubectl) kubectl=$2; shift 2 ;;
    --url) url=$2; shift 2 ;;
    --kill) kill_servers=1; shift ;;
    *) echo "usage: $0 [--kubectl COMMAND] [--url URL] [--kill]" >&2; exit 2 ;;
  esac
done
work=$(mktemp -d)
trap 'touch "$work/stop"; wait; rm -rf "$work"' EXIT
failed=0

in_namespace() { $kubectl --namespace word-search "$@"; }
kept() { echo "ok    $*"; }
broken() { echo "FAIL  $*"; failed=$((failed + 1)); }
seconds() { awk "BEGIN { print $(date +%s.%N) - $1 }"; }
ask() { curl --silent --show-error --fail --max-time 10 "$@"; }

# field NAME: the value of a text field of the JSON on standard input.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
submit() { (ask -H 'content-type: application/json' -d "$1" "$url/jobs" && echo) | sed 's/,"request".*//' | field id; }

# submit_many COUNT: prints the ids.
submit_many() { for _ in $(seq "$1"); do submit '{"text":"to be or not to be","words":["be"]}'; done; }

# await_done SECONDS ID...: until all jobs are done; false when the time is over.
await_done() {
  local limit=$1 started left id
  shift
  started=$(date +%s)
  left=$*
  while [ -n "$left" ]; do
    set -- $left
    left=
    for id; do
      ask "$url/jobs/$id" 2> /dev/null | grep -q '"status":"done"' || left="$left $id"
    done
    [ $(($(date +%s) - started)) -le "$limit" ] || return 1
    [ -z "$left" ] || sleep 0.1
  done
}

workers() { in_namespace scale deployment/worker --replicas="$1" > /dev/null && in_namespace rollout status deployment/worker --timeout=120s > /dev/null; }

$kubectl apply -k overlays/dev > "$work/apply.log" 2>&1 || { cat "$work/apply.log"; broken "apply -k"; exit 1; }
for set in statefulset/postgresql statefulset/rabbitmq deployment/api deployment/worker; do
  in_namespace rollout status $set --timeout=180s > /dev/null || broken "$set is not available"
done

# Of twenty searches of a second each, one worker takes twenty seconds and ten take two.
job=$(submit '{"textName":"hamlet","words":["sleep"]}')
if await_done 60 "$job" && ask "$url/jobs/$job" | grep -q '"word":"sleep","count":4'; then kept "a search in a stored text"; else broken "a search in a stored text"; fi
for case in "1 18 30" "10 2 8"; do
  set -- $case
  workers "$1"
  sleep 3 # until all have connected
  started=$(date +%s.%N)
  if await_done 90 $(submit_many 20); then took=$(seconds "$started"); else took=999; fi
  if awk "BEGIN { exit !($took >= $2 && $took <= $3) }"; then kept "20 jobs, $1 worker(s): $took s"; else broken "20 jobs, $1 worker(s): $took s, not $2 to $3 s"; fi
done

# The job of a worker that is killed is done by another.
jobs=$(submit_many 20)
sleep 0.5
in_namespace get pods -l app=worker -o name | head -n 3 | xargs $kubectl --namespace word-search delete --force --grace-period=0 > /dev/null 2>&1
if await_done 60 $jobs; then kept "three of ten workers killed: 20 of 20 jobs done"; else broken "three of ten workers killed: jobs were lost"; fi

# From version 1 to version 2 no request is lost.
(
  while [ ! -e "$work/stop" ]; do
    if id=$(submit '{"text":"a","words":["a"]}' 2> /dev/null) && [ -n "$id" ]; then echo "$id" >> "$work/accepted"; else echo x >> "$work/refused"; fi
    if answer=$(ask "$url/version" 2> /dev/null); then echo "$answer" | field version >> "$work/versions"; else echo x >> "$work/refused"; fi
    sleep 0.2
  done
) &
sleep 1
$kubectl apply -k overlays/dev-v2 > /dev/null || broken "apply -k of version 2"
in_namespace rollout status deployment/api --timeout=120s > /dev/null || broken "rolling update of the API"
in_namespace rollout status deployment/worker --timeout=120s > /dev/null || broken "rolling update of the workers"
sleep 4
touch "$work/stop"
wait
accepted=$(wc -l < "$work/accepted")
refused=$(cat "$work/refused" 2> /dev/null | wc -l)
if [ "$refused" = 0 ] && [ "$(sort -u "$work/versions" | tr '\n' ' ')" = "1 2 " ] && [ "$(tail -n 1 "$work/versions")" = 2 ]; then
  kept "rolling update from 1 to 2: $accepted jobs accepted, none refused"
else
  broken "rolling update: $refused refused of $((accepted + refused)), versions $(sort "$work/versions" | uniq -c | tr -s ' \n' ' ')"
fi
if await_done 120 $(cat "$work/accepted"); then kept "all $accepted jobs done"; else broken "jobs accepted during the update were lost"; fi

if [ -n "$kill_servers" ]; then
  for server in rabbitmq postgresql; do
    jobs=$(submit_many 20)
    in_namespace delete pod $server-0 --force --grace-period=0 > /dev/null 2>&1
    [ $server = postgresql ] || jobs="$jobs $(submit_many 5)"
    if await_done 120 $jobs; then kept "$server killed: all jobs done"; else broken "$server killed: jobs were lost"; fi
  done
fi
[ $failed = 0 ]
