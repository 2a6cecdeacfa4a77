#!/usr/bin/env bash
# Fuzzes every parser and the server, at low priority, longer than ./test.sh does.
#   tools/fuzz.sh [SECONDS] [SEED]      600 seconds for each of the two halves (parsers, server) and a new seed unless told
# When the process itself dies (a stack overflow), the input it died of is in /tmp/timonier-fuzz.last, behind its length.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export TIMONIER_FUZZ_SECONDS=${1:-600} TIMONIER_FUZZ_SEED=${2:-$RANDOM} TIMONIER_FUZZ_LAST=${TMPDIR:-/tmp}/timonier-fuzz.last
echo "$TIMONIER_FUZZ_SECONDS seconds, seed $TIMONIER_FUZZ_SEED"
exec nice -n 19 dotnet test tests/Timonier.Fuzz.Tests -c Release --nologo -v quiet --logger 'console;verbosity=detailed'
