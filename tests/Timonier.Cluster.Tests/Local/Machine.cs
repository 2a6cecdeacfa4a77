using System.Globalization;
using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.Local;

/// <summary>
/// A machine of its own for one test of "up" and "down": namespaces of network, mounts and processes, an empty /run, and a
/// cable. What is in it at the end is all from the test, whatever else this host does.
/// </summary>
internal sealed class Machine : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private const string Boot = """
        set -u
        T=$1 D=$2/data I=$3 HOME=$2 KUBECONFIG=$2/kubeconfig; export HOME KUBECONFIG; cd "$2"
        mount -t tmpfs none /run; mkdir -p /run/netns /run/lock /run/mount /run/containerd/s # What programs share, and leave empty.
        echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
        ip link set lo up; ip link add up0 type veth peer name up1; ip link set up1 up
        ip address add 192.0.2.2/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.1
        up() { timeout 150 $T up --data-dir "$D" --listen 127.0.0.1:16443 --instance $I --node-name machine "$@"; echo "up: $?"; }
        down() { timeout 60 $T down --data-dir "$D" "$@"; echo "down: $?"; }
        status() { $T status --data-dir "$D"; echo "status: $?"; }
        # Processes, mounts, links, addresses, routes, tables, cgroups, and what lies in /run.
        state() {
          for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || [ "$(cut -d' ' -f4 $p/stat 2>/dev/null)" = $$ ] || tr '\0' ' ' 2>/dev/null <$p/cmdline; done
          cut -d' ' -f1-3 /proc/self/mounts; ip -brief link | cut -d' ' -f1; ip -o address | awk '{ print $2, $4 }'; ip route show table all; nft list tables
          find /sys/fs/cgroup -depth -type d -path "*kubepods$I*"; find /run
        }
        # Mounts of others in the copy of this namespace may go meanwhile: what is new counts.
        left() { state | sort >"$HOME/after"; comm -13 "$HOME/before" "$HOME/after" | grep . || echo "nothing is left"; }
        state | sort >"$HOME/before"

        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("timonier-machine-").FullName;
    private readonly FileStream _claim;
    private readonly int _number;

    public Machine() => (_claim, _number) = ClusterFixture.ClaimNumber();


    /// <summary>The script's home; the host sees it too.</summary>
    public string Folder => _directory;

    /// <summary>Runs a script of the functions above: what it said, on both outputs.</summary>
    public async Task<string> RunAsync(string script)
    {
        var result = await Run.ProgramAsync("unshare",
            ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", $"exec 2>&1\n{Boot}{script}", "bash", TimonierServer.ProgramPath, _directory, $"m{_number.ToString(CultureInfo.InvariantCulture)}"], limit: Limit);
        return result.All;
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        await _claim.DisposeAsync();
    }
}
