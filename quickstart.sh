#!/usr/bin/env bash
# From a fresh Debian 12/13 or Ubuntu 24.04 with the .NET 10 SDK to a running cluster with a running application. As root.
# Installs only what is missing, builds, starts the cluster in the background, builds the example's images without any
# registry, deploys the example, submits a search and prints its result. Safe to run again: what is done stays done.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { echo "quickstart.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "run as root: containers, networks and packages need it"
command -v dotnet >/dev/null || die "the .NET 10 SDK is needed: https://dot.net"
case $(dotnet --version) in 10.*) ;; *) die "the .NET 10 SDK is needed, found $(dotnet --version)" ;; esac

say "packages"
tools/packages.sh node build

say "timonier"
tools/publish.sh
install -d /usr/local/bin
ln -sfn "$PWD/out/timonier/timonier" /usr/local/bin/timonier
export PATH=/usr/local/bin:$PATH

say "cluster"
if timonier status >/dev/null 2>&1; then echo "running already"; else timonier up; fi

say "images of the example"
examples/word-search/build-images.sh --import timonier

say "word-search"
timonier apply -k examples/word-search/overlays/dev
for workload in statefulset/postgresql statefulset/rabbitmq deployment/api deployment/worker; do
  timonier rollout status "$workload" -n word-search --timeout=180s
done

say "a search"
examples/word-search/search.sh

cat <<TEXT

The cluster runs. How to go on:
  timonier get pods -A          kubectl's verbs, with kubectl's flags
  kubectl get pods -A           a real kubectl works as well: context "timonier" is in your kubeconfig (timonier kubeconfig prints it)
  timonier status               what runs, and where its data is
  timonier down                 stops the cluster; its data stays (timonier down --delete-data removes it)
TEXT
