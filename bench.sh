#!/usr/bin/env bash
# Whole-program figures on this machine, each beside its target. Figures of a loaded machine are no figures.
#   ./bench.sh cluster [REST_SECONDS]     start, memory and CPU at rest, one pod, thirty pods (root; a cluster of its own; 8 minutes)
#   ./bench.sh api [SECONDS] [ROW...]     the API server beside kube-apiserver, into bench/README.md (12 minutes at 10 seconds a row)
#   ./bench.sh api growth [SECONDS]       the same work at 1k, 10k, 100k objects and 1, 10, 100, 1,000 watchers: what grows faster
# ROW: create get list page watch start pods; without rows all of them, and the table is written.
set -euo pipefail
cd "$(dirname "$0")"
part=${1:-cluster}
case $part in
  cluster) exec bench/cluster.sh "${2:-300}" ;;
  api) if [ "${2:-}" = growth ]; then exec bench/growth.sh "${3:-5}"; else exec bench/api.sh "${@:2}"; fi ;;
  *) echo "bench.sh: no part $part: cluster, api" >&2; exit 2 ;;
esac
