#!/usr/bin/env bash
# All tests, with everything that a fresh machine needs for them.
#   ./test.sh                 all parts
#   ./test.sh unit api        the parts named: unit, api (real kubectl, server without node), faults (kill -9, histories, fuzzers), cluster (real containers; needs root)
# The last line is "N passed, N failed"; the exit status says the same.
set -uo pipefail
cd "$(dirname "$0")"
parts=${*:-unit api faults cluster}
for part in $parts; do
  case $part in unit|api|faults|cluster) ;; *) echo "test.sh: no part $part: unit, api, faults, cluster" >&2; exit 2 ;; esac
done
command -v dotnet >/dev/null || { echo "test.sh: the .NET 10 SDK is needed: https://dot.net" >&2; exit 2; }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

left_out=()
if [ "$(id -u)" = 0 ]; then
  tools/packages.sh node build test || exit 1
else
  case " $parts " in *" cluster "*) parts=${parts/cluster/}; left_out+=("cluster: needs root") ;; esac
fi
# KUBECTL names another kubectl than that on the PATH.
command -v "${KUBECTL:-kubectl}" >/dev/null || left_out+=("the stock kubectl: none is here, and timonier's own verbs stand in for it")

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
echo "building"
for solution in Timonier.slnx examples/word-search/WordSearch.slnx; do
  dotnet build $solution -c Release -v quiet --nologo >"$results/build.log" 2>&1 || { grep -E 'error' "$results/build.log" | sort -u | head -40; echo "0 passed, 1 failed"; exit 1; }
done

case $parts in *api*|*faults*|*cluster*)
  # The tests of whole processes run the program that is shipped.
  tools/publish.sh || { echo "0 passed, 1 failed"; exit 1; }
  export TIMONIER_PROGRAM=$PWD/out/timonier/timonier ;;
esac

failed_projects=0
run() { # PROJECT: its tests, counted from the runner's summary line
  local name; name=$(basename "$1"); local log=$results/$name.log
  timeout --signal=INT --kill-after=30 "${2:-600}" dotnet test "$1" -c Release --no-build --nologo --logger 'console;verbosity=minimal' >"$log" 2>&1
  local status=$?
  grep -E '(Passed|Failed)!' "$log" | sed "s/^/  /"
  if [ $status != 0 ]; then
    grep -vE '^(Test run for|A total of|VSTest|Starting test)' "$log" | head -150
    grep -qE 'Failed!' "$log" || { echo "  $name did not finish (status $status)"; failed_projects=$((failed_projects + 1)); }
  fi
}
for part in $parts; do
  echo "$part"
  case $part in
    unit) for project in tests/*.Tests examples/*/tests/*.Tests; do
        case $project in *Server.Api.Tests|*Cluster.Tests|*Faults.Tests|*Fuzz.Tests) ;; *) [ -d "$project" ] && run "$project" ;; esac
      done ;;
    api) run tests/Timonier.Server.Api.Tests ;;
    faults) run tests/Timonier.Faults.Tests; run tests/Timonier.Fuzz.Tests ;;
    cluster) run tests/Timonier.Cluster.Tests 1200 ;;
  esac
done
for what in "${left_out[@]:-}"; do [ -z "$what" ] || echo "left out: $what"; done
cat "$results"/*.Tests.log 2>/dev/null | awk -v broken=$failed_projects '
  /(Passed|Failed)!/ { for (i = 1; i < NF; i++) { if ($i == "Failed:") failed += $(i + 1); if ($i == "Passed:") passed += $(i + 1) } }
  END { failed += broken; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }'
