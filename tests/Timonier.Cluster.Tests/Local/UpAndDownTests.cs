using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.Local;

/// <summary>The commands of a person on one machine: what they say, and what they leave.</summary>
public class UpAndDownTests
{
    private const string Nothing = "nothing is left\n";

    [Fact]
    public async Task UpAndDown_WithARunningPod_LeaveNothing_AndTheDataStays()
    {
        await using var machine = new Machine();
        var images = Path.Combine(machine.Folder, "images.tar");
        var built = await Run.ProgramAsync(Path.Combine(Repository.Root, "examples/reference-manifests/build-images.sh"), ["--out", images]);
        Assert.True(built.ExitCode == 0, built.All);
        var said = await machine.RunAsync($$"""
            up; status; up
            echo "context: $($T config current-context)"; stat -c %a "$D"
            $T image import --data-dir "$D" {{images}}
            $T run kept --image=nginx:1.7.9 && $T wait --for=condition=Ready pod/kept --timeout=60s
            $T expose pod kept --port=80
            down; left; status; down
            up; $T get pod kept -o name
            kill -9 $(cut -d' ' -f1 "$D/server.pid"); until [ "$(cut -d' ' -f3 /proc/$(cut -d' ' -f1 "$D/server.pid")/stat 2>/dev/null | tr -d Z)" = "" ]; do sleep 0.1; done
            status; up; $T wait --for=condition=Ready pod/kept --timeout=60s
            down --delete-data; left; ls -d "$D"; $T config current-context; status
            """);
        var parts = said.Split("down: ");
        Assert.Equal(4, parts.Length);
        // The first life: a second "up" is refused, the person's kubectl knows the cluster, nobody else reads the data.
        Assert.Contains("node machine is Ready", parts[0]);
        Assert.Contains("status: 0", parts[0]);
        Assert.Contains("timonier: the cluster runs already (process ", parts[0]);
        Assert.Contains("up: 1\ncontext: timonier\n700\n", parts[0]);
        Assert.Contains("pod/kept condition met", parts[0]);
        // Down: nothing is left but the data.
        Assert.StartsWith("0\n" + Nothing, parts[1]);
        Assert.Contains("not running", parts[1]);
        Assert.Contains("the cluster was not running; its data stays in", parts[1]);
        // The second life begins with that data, and goes on over the pid file of a killed server.
        Assert.Contains("pod/kept\n", parts[2]);
        Assert.Contains("server    not running", parts[2]);
        Assert.Contains("up: 0\npod/kept condition met", parts[2]);
        Assert.Contains("deleted", parts[2]);
        Assert.StartsWith("0\n" + Nothing, parts[3]);
        Assert.Contains("No such file or directory", parts[3]);
        Assert.EndsWith("status: 1\n", parts[3]);
    }

    /// <summary>A cluster that can't come up says why in a sentence, and leaves neither process nor network.</summary>
    [Theory]
    [InlineData("containerd that does not start", """
        mkdir bin; printf '#!/bin/sh\necho no containers today; exit 3\n' >bin/containerd; chmod 755 bin/containerd
        PATH=$HOME/bin:$PATH up; left
        """, "no containers today\nup: 1")]
    [InlineData("store that is none", """
        mkdir -p "$D/store"; echo rubbish rubbish rubbish >"$D/store/store.db"; up; left
        """, "store.db")]
    [InlineData("port taken", """
        up --no-node >/dev/null; status >/dev/null; mv "$D" "$D.first"; up; pkill timonier; until ! pgrep timonier >/dev/null; do sleep 0.1; done; left
        """, "timonier: port 16443 on 127.0.0.1 is taken by another program: choose another with --listen HOST:PORT\nup: 1")]
    [InlineData("full disk", """
        mkdir small; mount -t tmpfs -o size=32m none small; D=$HOME/small/data; up; ls small; umount small; left
        """, "timonier: the disk of ")]
    [InlineData("data directory that can't be made", """
        touch file; D=$HOME/file/data; up; left
        """, "timonier: the data directory ")]
    [InlineData("no root", """
        T="unshare --user $T"; up; ls "$D"; left
        """, "timonier: a node needs root: run as root, or start without a node: timonier server --no-node --data-dir DIR\nup: 1")]
    [InlineData("missing packages", """
        (timeout=$(command -v timeout); timeout() { shift; PATH=/nowhere "$@"; }; up); left
        """, "timonier: missing packages: install them with: apt-get install containerd")]
    public async Task ClusterThatCannotComeUp_SaysWhy_AndLeavesNothing(string situation, string script, string sentence)
    {
        await using var machine = new Machine();
        var said = await machine.RunAsync(script);
        Assert.True(said.Contains(sentence, StringComparison.Ordinal) && said.Contains("up: 1\n", StringComparison.Ordinal), $"{situation}:\n{said}");
        Assert.True(said.EndsWith(Nothing, StringComparison.Ordinal), $"{situation}:\n{said}");
        Assert.DoesNotContain("   at ", said);
    }
}
