#!/usr/bin/env bash
# Publishes the program to out/timonier as one file that needs no .NET, compiled ahead of time, when a source is newer than what is there.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
program=out/timonier/timonier
if [ -x $program ] && [ -z "$(find src Directory.Build.props Directory.Packages.props global.json -newer $program \( -name obj -o -name bin \) -prune -o -newer $program -type f -print -quit)" ]; then
  exit 0
fi
case $(uname -m) in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) echo "publish.sh: no build for $(uname -m)" >&2; exit 1 ;; esac
log=$(mktemp); trap 'rm -f "$log"' EXIT
# The program that runs must not be written over: it is put in place as a whole.
rm -rf out/timonier.new
dotnet publish src/Timonier/Timonier.csproj -c Release -r $rid -p:Shipped=1 -o out/timonier.new -v quiet --nologo >"$log" 2>&1 || { grep -E 'error' "$log" | sort -u | head -20; exit 1; }
rm -rf out/timonier.old; [ ! -d out/timonier ] || mv out/timonier out/timonier.old
mv out/timonier.new out/timonier; rm -rf out/timonier.old
touch $program
