#!/usr/bin/env bash
# Installs the Debian and Ubuntu packages that are missing, nothing else.
#   tools/packages.sh node       what a node drives: containerd, crun or runc, CNI plugins, nftables, ...
#   tools/packages.sh build      what building images needs: buildah, debootstrap, busybox
#   tools/packages.sh test       what the tests need beyond these
set -euo pipefail

missing=()
want() { # PACKAGE PROGRAM...: the package, when none of the programs is there
  local package=$1 program; shift
  for program in "$@"; do
    if command -v "$program" >/dev/null 2>&1 || [ -e "$program" ]; then return 0; fi
  done
  missing+=("$package")
}

PATH=$PATH:/usr/sbin:/sbin
for group in "$@"; do
  case $group in
    node)
      want containerd containerd; want crun crun runc; want nftables nft; want iproute2 ip; want conntrack conntrack
      want containernetworking-plugins /usr/lib/cni/bridge /opt/cni/bin/bridge
      want libsqlite3-0 "$(ldconfig -p | awk '/libsqlite3.so.0/{print $NF; exit}')" ;;
    build)
      want buildah buildah; want debootstrap debootstrap; want busybox-static busybox; want curl curl
      # From Debian 13 on, buildah looks for its network program even where it has no network to set up.
      case $(. /etc/os-release; echo "$ID-${VERSION_ID:-}") in debian-12|ubuntu-*) ;; *) want netavark /usr/lib/podman/netavark ;; esac ;;
    # Ubuntu has no such package: test.sh then says what stands in for kubectl.
    test) grep -q '^ID=debian' /etc/os-release && want kubernetes-client kubectl || true ;;
    *) echo "packages.sh: no group $group" >&2; exit 2 ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "missing packages, and only root can install them: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A daemon that a package would start (containerd) is not wanted: timonier starts its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
