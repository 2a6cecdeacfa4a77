using Timonier.Kubelet.Containerd;

namespace Timonier.Kubelet.Tests.Containerd;

public sealed class ContainerdConfigTests
{
    private static readonly ContainerdOptions Options = new() { RootDirectory = "/d/root", StateDirectory = "/d/run", CniConfigDirectory = "/d/cni" };

    private static string Write(bool mayLower, string runtime, string snapshotter = "overlayfs") => ContainerdConfig.Write(Options, new HostProbe
    {
        Cgroup = CgroupMode.V1,
        MayLowerOomScore = mayLower,
        RuntimeProgram = runtime,
        Snapshotter = snapshotter,
    });

    [Theory]
    [InlineData(true, "restrict_oom_score_adj = false")]
    [InlineData(false, "restrict_oom_score_adj = true")]
    public void OomScore_IsRestrictedOnlyWhereLoweringIsRefused(bool mayLower, string expected) =>
        Assert.Contains(expected, Write(mayLower, "/usr/bin/crun"), StringComparison.Ordinal);

    [Fact]
    public void Everything_LiesUnderTheOptionsDirectories()
    {
        var text = Write(true, "/usr/sbin/runc", "native");
        Assert.Contains("root = \"/d/root\"", text, StringComparison.Ordinal);
        Assert.Contains("state = \"/d/run/state\"", text, StringComparison.Ordinal);
        Assert.Contains("address = \"/d/run/containerd.sock\"", text, StringComparison.Ordinal);
        Assert.Contains("conf_dir = \"/d/cni\"", text, StringComparison.Ordinal);
        Assert.Contains("snapshotter = \"native\"", text, StringComparison.Ordinal);
        Assert.Contains("default_runtime_name = \"runc\"", text, StringComparison.Ordinal);
        Assert.Contains("BinaryName = \"/usr/sbin/runc\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void NoRuntimeInstalled_SaysSo()
    {
        var probe = new HostProbe { Cgroup = CgroupMode.V2, MayLowerOomScore = true, RuntimeProgram = null, Snapshotter = "overlayfs" };
        var e = Assert.Throws<ProcessFailedException>(() => ContainerdConfig.Write(Options, probe));
        Assert.Equal("neither crun nor runc is installed", e.Message);
    }
}
