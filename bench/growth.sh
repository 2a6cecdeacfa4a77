#!/usr/bin/env bash
# ./bench.sh api growth [SECONDS]: the server's CPU time for the same work at more objects and more watchers. What costs more than half as much
# again per unit of work at the largest as at the smallest is named: it grows faster than its work.
set -euo pipefail
seconds=$1
. "$(dirname "$0")/servers.sh"
maps=/api/v1/namespaces/bench/configmaps
note() { echo "$1|$2|$3" >>"$work/growth"; printf '%-42s %8s %10s µs\n' "$1" "$2" "$3"; }  # WHAT SIZE MICROSECONDS
per() { awk -v a="$1" -v n="$2" 'BEGIN { printf "%.2f", a / n }'; }
start_timonier "$work/data"
fill --count 3000 --namespace default >/dev/null
from=0
for size in 1000 10000 100000; do
  count=$((size - from)); [ $count -le 20000 ] || { fill --from $from --count $((count - 10000)) >/dev/null; from=$((size - 10000)); count=10000; }
  note "create" $size "$(value "$(fill --from $from --count $count)" cpu_us)"
  from=$size
  note "get" $size "$(value "$(load "$seconds" 32 / "$random_name$((size - 1))))) end")" cpu_us)"
  note "list all, per object" $size "$(per "$(value "$(load $((seconds > 8 ? seconds : 8)) 4 $maps)" cpu_us)" $size)"
  note "list limit=500" $size "$(value "$(load "$seconds" 4 "$maps?limit=500")" cpu_us)"
  stop; start_timonier "$work/data"; note "start, per object" $size "$(per "$(ticks)" $size)"
done
# What a write costs by itself is taken off, so that the events remain.
base=$(value "$(watches --watchers 0 --seconds "$seconds")" cpu_us_per_write)
for watchers in 1 10 100 1000; do
  note "watch, per event delivered" $watchers "$(awk -v w="$(value "$(watches --watchers $watchers --seconds "$seconds")" cpu_us_per_write)" -v b="$base" -v n=$watchers 'BEGIN { printf "%.2f", (w > b ? (w - b) / n : 0) }')"
done
awk -F'|' '!($1 in first) { first[$1] = $3; order[++n] = $1 } { last[$1] = $3 }
  END { for (i = 1; i <= n; i++) if (first[order[i]] > 0 && last[order[i]] > 1.5 * first[order[i]]) { print "grows faster than its work: " order[i] " (" first[order[i]] " to " last[order[i]] " µs)"; found = 1 }
        if (!found) print "nothing grows faster than its work" }' "$work/growth"
