#!/usr/bin/env bash
# ./bench.sh cluster: results belong into bench/README.md, with machine and date.
set -euo pipefail
cd "$(dirname "$0")/.."
rest=$1
[ "$(id -u)" = 0 ] || { echo "bench.sh: run as root" >&2; exit 2; }
tools/packages.sh node build test
tools/publish.sh
program=$PWD/out/timonier/timonier
data=$(mktemp -d /tmp/timonier-bench-XXXXXX)
export KUBECONFIG=$data/kubeconfig TIMONIER_DATA_DIR=$data/cluster
options=(--data-dir "$data/cluster" --listen 127.0.0.1:16999 --instance bench --pod-cidr 10.239.0.0/24 --service-cidr 172.21.0.0/24)
finish() { "$program" down --delete-data >/dev/null 2>&1 || true; rm -rf "$data"; }
trap finish EXIT
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }
row() { printf '%-52s %12s   %s\n' "$1" "$2" "$3"; }
pid() { cut -d' ' -f1 "$data/cluster/server.pid"; }

echo "$(nproc) cores, $(awk '/MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo) GB, kernel $(uname -r), $(date +%F), load $(cut -d' ' -f1 /proc/loadavg)"
row what measured target
start=$(now); "$program" up "${options[@]}" >/dev/null; row "first up to node Ready, keys made" "$(since "$start") s" "4 s"
"$program" down >/dev/null
start=$(now); "$program" up "${options[@]}" >/dev/null; row "warm up to node Ready" "$(since "$start") s" "2 s"

mkdir "$data/image"; cp "$(command -v busybox)" "$data/image/busybox"
printf 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "sleep", "3600"]\n' >"$data/image/Dockerfile"
"$program" image build -t bench:1 "$data/image" >/dev/null

sleep "$rest"
server=$(pid)
row "memory at rest after $rest s (RSS of the server)" "$(awk '/VmRSS/ {printf "%.0f", $2 / 1024}' /proc/$server/status) MB" "120 MB"
ticks() { awk '{print $14 + $15}' /proc/$server/stat; }
before=$(ticks); sleep 60
row "CPU at rest, of one core" "$(awk -v t=$(($(ticks) - before)) 'BEGIN { printf "%.2f", t / 60 }') %" "1 %"

for i in 1 2 3; do
  start=$(now)
  kubectl run "one-$i" --image=bench:1 >/dev/null
  kubectl wait --for=jsonpath='{.status.phase}'=Running "pod/one-$i" --timeout=30s >/dev/null
  row "one pod created to Running, with two kubectl calls" "$(since "$start") s" "0.5 s"
done
start=$(now)
kubectl create deployment thirty --image=bench:1 --replicas=30 >/dev/null
kubectl rollout status deployment/thirty --timeout=120s >/dev/null
row "thirty pods at once, all Running" "$(since "$start") s" "8 s"
