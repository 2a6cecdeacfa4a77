#!/bin/sh
# Builds stand-in images under the names that the manifests here use, from busybox alone; no image registry is asked.
#
#   build-images.sh [--out FILE] [--cache DIR]
#
# The result is one OCI archive with all images, for `timonier image import FILE`. Needs root, buildah and busybox-static.
set -eu
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/timonier/reference-manifests
out=
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift 2 ;;
    --cache) cache=$2; shift 2 ;;
    *) echo "usage: $0 [--out FILE] [--cache DIR]" >&2; exit 2 ;;
  esac
done
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
out=${out:-$cache/reference-manifests.tar}
for tool in buildah busybox; do
  command -v $tool > /dev/null || { echo "$0: $tool is not installed" >&2; exit 1; }
done

# Two builds at once would write the same files.
exec 9> "$cache/lock"
flock 9

stamp=$(cat build-images.sh stand-in/* "$(command -v busybox)" | sha256sum)
if [ -f "$out" ] && [ "$stamp" = "$(cat "$out.stamp" 2> /dev/null)" ]; then
  echo "reference-manifests: $out is up to date"
  exit 0
fi

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# buildah since 1.38 raises root's limits, which is refused where CAP_SYS_RESOURCE is missing: they stay as they are. Older ones lower that of processes to pid_max first.
limits=$(awk -v pids="$(cat /proc/sys/kernel/pid_max)" '
  /^Max processes/ && $4 != "unlimited" { if ($4 > pids) $4 = pids; printf " --ulimit nproc=%s:%s", $4, $4 }
  /^Max open files/ && $5 != "unlimited" { printf " --ulimit nofile=%s:%s", $5, $5 }' /proc/self/limits)
in_storage() { buildah --root "$cache/storage" --runroot "$cache/run" "$@"; }
cp stand-in/* "$(command -v busybox)" "$work/"
chmod 755 "$work/stand-in.sh"
in_storage build $limits --quiet --pull=never --isolation chroot --tag localhost/stand-in "$work" > "$cache/build.log" 2>&1 \
  || { tail -20 "$cache/build.log" >&2; exit 1; }

# image NAME [COMMAND...]: the same files under another name, with a command of its own.
image() {
  name=docker.io/$1
  shift
  container=$(in_storage from --pull=never localhost/stand-in)
  [ $# = 0 ] || in_storage config --cmd "$*" "$container"
  in_storage commit --quiet --rm "$container" "$name" > /dev/null
  in_storage push --quiet --compression-format zstd "$name" "oci:$work/layout:$name"
}
image library/nginx:1.7.9 stand-in nginx 80
image library/redis:latest stand-in redis 6379
image library/cassandra:3.11.10 stand-in cassandra 9042
image monachus/rancher-demo:latest stand-in rancher-demo 8080
image library/my-image:latest

# containerd takes an image's whole name from an annotation of its own.
sed -i 's|"org.opencontainers.image.ref.name":\("[^"]*"\)|"io.containerd.image.name":\1,&|g' "$work/layout/index.json"
tar -c -f "$out.new" -C "$work/layout" .
mv "$out.new" "$out"
echo "$stamp" > "$out.stamp"
echo "reference-manifests: $out: $(du -h "$out" | cut -f1)"
