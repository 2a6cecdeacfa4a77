#!/usr/bin/env bash
# Tries the repository on a machine as fresh as debootstrap makes it, beside this one: mounts, processes, network, cgroups in
# namespaces of their own. Here it needs a veth pair, one nft table and one cgroup, all gone at the end. As root.
#   tools/try-fresh.sh SUITE [COMMAND]     SUITE: bookworm, trixie, noble. COMMAND runs in a clone of HEAD; by default
#                                          './quickstart.sh && timonier down && ./test.sh unit'
# The .NET SDK and the NuGet cache are this machine's, as a person who has the SDK would have them.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:?usage: tools/try-fresh.sh SUITE [COMMAND]} command=${2:-'./quickstart.sh && timonier down && ./test.sh unit'}
[ "$(id -u)" = 0 ] || { echo "try-fresh.sh: run as root" >&2; exit 1; }
base=${XDG_CACHE_HOME:-$HOME/.cache}/timonier/fresh/$suite
# What the SDK's own packages would have brought, and git, which brought the clone.
tools=ca-certificates,git,libstdc++6,libgcc-s1,zlib1g,tzdata
case $suite in
  bookworm) options=(--include=$tools,libicu72,libssl3) mirror=http://deb.debian.org/debian ;;
  trixie) options=(--include=$tools,libicu76,libssl3t64) mirror=http://deb.debian.org/debian ;;
  # Debian's debootstrap knows neither Ubuntu's keys nor its newer suites, which are made as jammy is.
  noble) options=(--include=$tools,libicu74,libssl3t64 --components=main,universe --no-check-gpg) mirror="http://archive.ubuntu.com/ubuntu /usr/share/debootstrap/scripts/jammy" ;;
  *) echo "try-fresh.sh: no suite $suite: bookworm, trixie, noble" >&2; exit 2 ;;
esac
if [ ! -d "$base" ]; then
  mkdir -p "$(dirname "$base")"; rm -rf "$base.new"
  # shellcheck disable=SC2086 # The mirror may come with a script.
  debootstrap --variant=minbase "${options[@]}" "$suite" "$base.new" $mirror >"$base.log" 2>&1 || { tail -5 "$base.log" >&2; exit 1; }
  mv "$base.new" "$base"
fi

id=$$ address=10.253.$(($$ % 250))
work=$(mktemp -d "/var/tmp/try-fresh.XXXXXX")
finish() {
  nft delete table ip "try-fresh-$id" 2>/dev/null || true
  ip link delete "tf$id" 2>/dev/null || true
  ip netns delete "try-fresh-$id" 2>/dev/null || true
  # Processes of the namespace are dead; the kernel lets go of their cgroups a moment later.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find /sys/fs/cgroup -depth -type d -path "*/try-fresh-$id*" -exec rmdir {} + 2>/dev/null
    [ -n "$(find /sys/fs/cgroup -type d -name "try-fresh-$id" -print -quit)" ] || break
    sleep 0.5
  done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
cp -a "$base" "$work/root"
git clone -q . "$work/root/root/timonier"
ln -s /usr/share/dotnet/dotnet "$work/root/usr/bin/dotnet"
cp /etc/resolv.conf "$work/root/etc/resolv.conf"
echo "fresh-$suite" >"$work/root/etc/hostname"
printf '127.0.0.1 localhost\n' >"$work/root/etc/hosts"

ip netns add "try-fresh-$id"
ip link add "tf$id" type veth peer name eth0 netns "try-fresh-$id"
ip address add "$address.1/24" dev "tf$id"; ip link set "tf$id" up
ip -n "try-fresh-$id" address add "$address.2/24" dev eth0
ip -n "try-fresh-$id" link set eth0 up; ip -n "try-fresh-$id" link set lo up
ip -n "try-fresh-$id" route add default via "$address.1"
sysctl -qw net.ipv4.ip_forward=1
table="ip try-fresh-$id"
# shellcheck disable=SC2086 # Words for nft.
{ nft add table $table; nft "add chain $table post { type nat hook postrouting priority srcnat; }"
  nft "add rule $table post ip saddr $address.0/24 oifname != tf$id masquerade"; }

for controllers in /sys/fs/cgroup /sys/fs/cgroup/*/; do
  [ -e "$controllers/cgroup.procs" ] || continue
  mkdir -p "$controllers/try-fresh-$id"
  for file in cpuset.cpus cpuset.mems; do
    # Version 1 takes no process into a cgroup without these two.
    [ ! -e "$controllers/cpuset.cpu_exclusive" ] || cat "$controllers/$file" >"$controllers/try-fresh-$id/$file"
  done
  [ ! -e "$controllers/cgroup.subtree_control" ] || sed 's/\</+/g' "$controllers/cgroup.controllers" >"$controllers/cgroup.subtree_control" 2>/dev/null || true
done

inside() { # In the new namespaces, still with this machine's files.
  cd "$work"
  mount --bind root root
  mount -t proc proc root/proc; mount -t sysfs sysfs root/sys; mount --rbind /dev root/dev; mount -t tmpfs tmpfs root/run
  mkdir -p root/usr/share/dotnet root/root/.nuget/packages upper work
  mount --bind -o ro "$(dirname "$(readlink -f "$(command -v dotnet)")")" root/usr/share/dotnet
  mount -t overlay overlay -o "lowerdir=$HOME/.nuget/packages,upperdir=upper,workdir=work" root/root/.nuget/packages
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 root/sys/fs/cgroup
    # A cgroup that holds processes gives its children no controllers: these processes go one down.
    mkdir root/sys/fs/cgroup/init; cat root/sys/fs/cgroup/cgroup.procs | while read -r process; do echo "$process" >root/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true; done
  else
    mount -t tmpfs tmpfs root/sys/fs/cgroup
    while IFS=: read -r _ names _; do
      case $names in
        '') mkdir root/sys/fs/cgroup/unified; mount -t cgroup2 cgroup2 root/sys/fs/cgroup/unified ;;
        name=*) mkdir "root/sys/fs/cgroup/${names#name=}"; mount -t cgroup -o "none,$names" cgroup "root/sys/fs/cgroup/${names#name=}" ;;
        *) mkdir "root/sys/fs/cgroup/$names"; mount -t cgroup -o "$names" cgroup "root/sys/fs/cgroup/$names" ;;
      esac
    done </proc/self/cgroup
  fi
  cd root; mkdir old; pivot_root . old; umount -l /old; rmdir /old; cd /root/timonier
  hostname "$(cat /etc/hostname)"
  exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 bash -c "$command"
}
export -f inside
export work command
# shellcheck disable=SC2016 # For the other shell.
for_all='for group in $(find /sys/fs/cgroup -maxdepth 2 -type d -name "try-fresh-$0"); do echo $$ >"$group/cgroup.procs"; done
  exec ip netns exec "try-fresh-$0" unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --propagation private bash -euc inside'
bash -euc "$for_all" "$id"
