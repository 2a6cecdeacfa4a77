#!/usr/bin/env bash
# ./bench.sh api [SECONDS] [ROW...]: the table of the API server, beside kube-apiserver 1.20 with etcd where both are there.
set -euo pipefail
seconds=10
case ${1:-} in [0-9]*) seconds=$1; shift ;; esac
rows=${*:-create get list page watch start pods}
. "$(dirname "$0")/servers.sh"
objects=11000 maps=/api/v1/namespaces/bench/configmaps
wanted() { case " $rows " in *" $1 "*) ;; *) return 1 ;; esac }
result() { echo "$side|$1|$2|$3" >>"$work/results"; printf '%-14s %-10s %12s  %s\n' "$side" "$1" "$2" "$3"; }  # ROW NUMBER WORDS
machine="$(nproc) cores, $(awk '/MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo) GB, kernel $(uname -r), $(date -u '+%F %R'), load $(cut -d' ' -f1 /proc/loadavg) at the start"
echo "$machine"

work_rows() {
  local r
  fill --count 2000 --namespace default >/dev/null # warm
  r=$(fill --count $objects)
  ! wanted create || result create "$(value "$r" rate)" "p99 $(value "$r" p99_ms) ms, CPU $(value "$r" cpu_us) µs each, $(value "$r" bytes) bytes"
  if wanted get; then
    load 2 32 "$maps/bench-000001" >/dev/null
    r=$(load "$seconds" 32 / "$random_name$((objects - 1))))) end")
    result get "$(value "$r" rate)" "p99 $(value "$r" p99_ms) ms, CPU $(value "$r" cpu_us) µs each"
  fi
  if wanted list; then
    r=$(load "$seconds" 4 $maps)
    result list "$(value "$r" rate)" "$(value "$r" mb_s) MB/s, CPU $(value "$r" cpu_us) µs each"
  fi
  if wanted page; then
    r=$(load "$seconds" 4 "$maps?limit=500")
    result page "$(value "$r" rate)" "$(value "$r" mb_s) MB/s, CPU $(value "$r" cpu_us) µs each"
  fi
  result memory "$(mb)" "RSS of the server$([ ${#pids[@]} = 1 ] || echo ' and etcd')"
  if wanted watch; then
    r=$(watches --seconds "$seconds")
    result watch "$(value "$r" rate)" "late p50 $(value "$r" late_p50_ms) ms, p99 $(value "$r" late_p99_ms) ms, CPU $(value "$r" cpu_us) µs each"
    result writer "$(value "$r" writes)" "p50 $(value "$r" write_p50_ms) ms, p99 $(value "$r" write_p99_ms) ms"
  fi
}

start_row() {
  start_timonier "$work/start"
  fill --count 100000 >/dev/null
  local bytes; bytes=$(du -sm "$work/start" | cut -f1)
  stop
  local best=999 t begin
  for _ in 1 2 3; do
    begin=$(now); start_timonier "$work/start"; t=$(since "$begin"); stop
    best=$(awk -v a=$t -v b=$best 'BEGIN { print a < b ? a : b }')
  done
  result start "$best" "best of 3; $bytes MB on disk"
}

pods_row() { # The API alone: loops in this process would hold the pods a second time, decoded.
  local count=150000 r empty held peak bytes
  start_timonier "$work/pods" --no-controllers
  empty=$(mb)
  r=$(fill --count $count --kind pods)
  bytes=$(awk -v n=$count -v b="$(value "$r" bytes)" 'BEGIN { printf "%.0f", n * b / 1048576 }')
  stop; start_timonier "$work/pods" --no-controllers
  sleep 25                                      # a server at rest lets go of what only its start needed
  call GET '/api/v1/pods?limit=5000' >/dev/null # the code of a LIST is loaded
  held=$(mb)
  result pods "$(awk -v h=$held -v b=$bytes 'BEGIN { printf "%.2f", h / b }')" "$held MB for $bytes MB of pods of $(value "$r" bytes) bytes; the empty server has $empty MB; creates $(value "$r" rate)/s"
  echo 5 >"/proc/${pids[0]}/clear_refs" # VmHWM counts from here
  call GET /api/v1/pods >"$work/list"
  peak=$(awk '/VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/${pids[0]}/status")
  result podlist $((peak - held)) "peak of one LIST of $(du -m "$work/list" | cut -f1) MB"
  rm "$work/list"; stop
}

measure() { # SIDE START...
  side=$1; shift
  "$@"; work_rows; stop
}
if wanted create || wanted get || wanted list || wanted page || wanted watch; then
  measure timonier start_timonier "$work/data"
  if [ -x "$HOME/.cache/kubernetes-e2e/bin/kube-apiserver" ] && command -v etcd >/dev/null; then measure kube-apiserver start_upstream; fi
fi
side=timonier
if wanted start; then start_row; fi
if wanted pods; then pods_row; fi
bench/table.sh "$work/results" "$machine" ${*:+print-only}
