#!/bin/sh
# Builds the example's images from its sources and the distribution's packages; no image registry is asked.
#
#   build-images.sh [--out FILE] [--cache DIR] [--versions "1 2"] [--import TIMONIER]
#
# The result is one OCI archive with all images, for `timonier image import FILE`; --import does that too, with the given
# program, unless the cluster has just these images. Needs root, debootstrap, buildah and the
# .NET SDK. MIRROR names another package mirror than debootstrap's own. What packages make (the base, PostgreSQL, RabbitMQ) is kept in the cache folder and made once.
set -eu
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/timonier/word-search
out=
versions="1 2"
import=
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift 2 ;;
    --cache) cache=$2; shift 2 ;;
    --versions) versions=$2; shift 2 ;;
    --import) import=$2; shift 2 ;;
    *) echo "usage: $0 [--out FILE] [--cache DIR] [--versions \"1 2\"] [--import TIMONIER]" >&2; exit 2 ;;
  esac
done
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
out=${out:-$cache/word-search.tar}
for tool in debootstrap buildah dotnet tar; do
  command -v $tool > /dev/null || { echo "$0: $tool is not installed" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "$0: must run as root (debootstrap and buildah make files of other users)" >&2; exit 1; }

# Two builds at once would write the same files.
exec 9> "$cache/lock"
flock 9

say() { echo "word-search: $*"; }
# A storage of our own: it can be thrown away, and nobody else's images are in it.
storage="--root $cache/storage --runroot $cache/run"
# Short names like word-search/debian mean our own storage, never a registry.
echo 'unqualified-search-registries = []' > "$cache/registries.conf"
export CONTAINERS_REGISTRIES_CONF="$cache/registries.conf"
# buildah since 1.38 raises root's limits, which is refused where CAP_SYS_RESOURCE is missing: they stay as they are. Older ones lower that of processes to pid_max first.
limits=$(awk -v pids="$(cat /proc/sys/kernel/pid_max)" '
  /^Max processes/ && $4 != "unlimited" { if ($4 > pids) $4 = pids; printf " --ulimit nproc=%s:%s", $4, $4 }
  /^Max open files/ && $5 != "unlimited" { printf " --ulimit nofile=%s:%s", $5, $5 }' /proc/self/limits)
in_storage() { buildah $storage "$@"; }
has_image() { in_storage inspect --type image "localhost/word-search/$1" > /dev/null 2>&1; }

# build NAME [OPTION...] DIRECTORY
build() {
  set -- "localhost/word-search/$@"
  in_storage build $limits --quiet --pull=never --isolation chroot --layers="${layers:-true}" --tag "$@" > "$cache/build.log" 2>&1 || { tail -20 "$cache/build.log" >&2; exit 1; }
}

import_images() {
  [ -n "$import" ] || return 0
  if [ "$stamp" = "$(cat "$out.imported" 2> /dev/null)" ] && [ "$($import image list | grep -c word-search/)" -ge 4 ]; then return 0; fi
  say "the import"
  $import image import "$out"
  echo "$stamp" > "$out.imported"
}

# The same sources make the same images: nothing to do the second time.
stamp=$( (echo "$versions"; dotnet --version; find src images Directory.*.props build-images.sh -type f ! -path '*/bin/*' ! -path '*/obj/*' -print0 | sort -z | xargs -0 sha256sum) | sha256sum)
if [ -f "$out" ] && [ "$stamp" = "$(cat "$out.stamp" 2> /dev/null)" ]; then
  say "$out is up to date"
  import_images
  exit 0
fi

# The base: the host's own distribution, so that its package mirror and keys are at hand.
. /etc/os-release
suite=$VERSION_CODENAME
components=main
[ "$ID" != ubuntu ] || components=main,universe
if ! has_image debian; then
  say "base image of $ID $suite (once; about a minute)"
  root=$(mktemp -d "$cache/root.XXXXXX")
  trap 'rm -rf "$root"' EXIT
  debootstrap --variant=minbase --components=$components --include=ca-certificates "$suite" "$root" ${MIRROR:-} > "$cache/debootstrap.log" 2>&1 \
    || { tail -5 "$cache/debootstrap.log" >&2; exit 1; }
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
  # Packages installed later leave out the same.
  printf 'path-exclude=/usr/share/%s/*\n' doc man locale > "$root/etc/dpkg/dpkg.cfg.d/small"
  container=$(in_storage from scratch)
  in_storage add --quiet "$container" "$root" / > /dev/null
  in_storage config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  in_storage commit --quiet --rm "$container" localhost/word-search/debian > /dev/null
  rm -rf "$root"
  trap - EXIT
fi
for server in postgresql rabbitmq; do
  has_image $server || say "$server from packages (once)"
  build $server images/$server
done

say "the application"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# The runtime of the SDK itself, the newest of its major version: the image needs no package for it.
dotnet_root=$(dirname "$(readlink -f "$(command -v dotnet)")")
mkdir -p "$work/dotnet/dotnet"
runtime() { dotnet --list-runtimes | sed -n "s|^$1 \(10\.[^ ]*\) .*|\1|p" | sort -V | tail -1; }
core=$(runtime Microsoft.NETCore.App) web=$(runtime Microsoft.AspNetCore.App)
(cd "$dotnet_root" && tar -c dotnet host/fxr "shared/Microsoft.NETCore.App/$core" "shared/Microsoft.AspNetCore.App/$web") | tar -x -C "$work/dotnet/dotnet"
build dotnet --file images/dotnet/Dockerfile "$work/dotnet"
for part in api:WordSearch.Api worker:WordSearch.Worker; do
  name=${part%%:*} program=${part#*:}
  dotnet publish "src/$program" -c Release -o "$work/$name/publish" --no-self-contained -v quiet --nologo -p:DebugType=none
  # Same files, same layer: without the times of this build the images stay the same.
  find "$work/$name" -exec touch -h -d @0 {} +
  for version in $versions; do
    # Without the cache of layers, which takes one VERSION for another.
    layers=false build "$name:$version" --file images/app/Dockerfile --timestamp 0 --build-arg PROGRAM="$program" --build-arg VERSION="$version" "$work/$name"
  done
done

say "the archive"
images="postgresql rabbitmq"
for version in $versions; do images="$images api:$version worker:$version"; done
mkdir "$work/layout"
for image in $images; do
  case $image in *:*) tag=$image ;; *) tag=$image:1 ;; esac
  in_storage push --quiet --compression-format zstd "localhost/word-search/$image" "oci:$work/layout:docker.io/word-search/$tag"
done
# containerd takes an image's whole name from an annotation of its own.
sed -i 's|"org.opencontainers.image.ref.name":\("[^"]*"\)|"io.containerd.image.name":\1,&|g' "$work/layout/index.json"
tar -c -f "$out.new" -C "$work/layout" .
mv "$out.new" "$out"
echo "$stamp" > "$out.stamp"
say "$out: $(du -h "$out" | cut -f1)"
import_images
