#!/usr/bin/env bash
# Kills the server with SIGKILL at random moments under load, ROUNDS times, and checks that no promise was broken.
#   tools/crash-test.sh [ROUNDS] [SEED]      300 rounds and a new seed unless told; the same seed draws the same moments
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export TIMONIER_CRASH_ROUNDS=${1:-300} TIMONIER_CRASH_SEED=${2:-$RANDOM}
tools/publish.sh
export TIMONIER_PROGRAM=$PWD/out/timonier/timonier
echo "$TIMONIER_CRASH_ROUNDS rounds, seed $TIMONIER_CRASH_SEED"
exec dotnet test tests/Timonier.Faults.Tests -c Release --nologo -v quiet --filter FullyQualifiedName~CrashTests --logger 'console;verbosity=detailed'
