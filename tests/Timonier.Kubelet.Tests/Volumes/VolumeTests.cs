using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Tests.Pods;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Tests.Volumes;

public sealed class VolumeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("timonier-volume-");

    private string Root => _directory.FullName;

    public void Dispose() => _directory.Delete(recursive: true);

    private static Dictionary<string, VolumeFile> Files(params (string Path, string Text)[] files) =>
        files.ToDictionary(f => f.Path, f => new VolumeFile(Encoding.UTF8.GetBytes(f.Text), 0b110_100_100));

    private bool Write(params (string Path, string Text)[] files) => AtomicWriter.Write(Root, Files(files), TimeProvider.System, null);

    private string[] Visible() => [.. Directory.GetFileSystemEntries(Root).Select(Path.GetFileName).Where(n => !n!.StartsWith("..", StringComparison.Ordinal)).Order(StringComparer.Ordinal)!];

    [Fact]
    public void Write_ShowsFilesThroughOneLink()
    {
        Assert.True(Write(("a", "1"), ("sub/b", "2")));
        Assert.Equal(["a", "sub"], Visible());
        Assert.Equal("..data/a", new FileInfo(Path.Combine(Root, "a")).LinkTarget);
        Assert.Equal("2", File.ReadAllText(Path.Combine(Root, "sub/b")));
    }

    [Fact]
    public void SameFiles_AreNotWrittenAgain()
    {
        Write(("a", "1"));
        var before = new FileInfo(Path.Combine(Root, "..data")).LinkTarget;
        Assert.False(Write(("a", "1")));
        Assert.Equal(before, new FileInfo(Path.Combine(Root, "..data")).LinkTarget);
    }

    [Fact]
    public void Change_ReplacesAllAndRemovesWhatIsGone()
    {
        Write(("a", "1"), ("b", "2"));
        Assert.True(Write(("a", "3"), ("c", "4")));
        Assert.Equal(["a", "c"], Visible());
        Assert.Equal("3", File.ReadAllText(Path.Combine(Root, "a")));
        // The old directory is gone: only the current one and the link remain beside the files.
        Assert.Equal(2, Directory.GetFileSystemEntries(Root).Count(e => Path.GetFileName(e).StartsWith("..", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("..x")]
    public void PathThatLeads_Out_IsRefused(string path) => Assert.Throws<VolumeException>(() => Write((path, "x")));

    [Fact]
    public void SubPath_IsMadeAndFound()
    {
        Assert.Equal(Path.Combine(Root, "x/y"), SubPaths.Resolve(Root, "x/y"));
        Assert.True(Directory.Exists(Path.Combine(Root, "x/y")));
        Directory.CreateSymbolicLink(Path.Combine(Root, "link"), "x");
        Assert.Equal(Path.Combine(Root, "x/y"), SubPaths.Resolve(Root, "link/y"));
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("../../etc")]
    [InlineData("evil")]
    public void SubPathThroughALinkThatLeadsOut_IsRefused(string target)
    {
        Directory.CreateSymbolicLink(Path.Combine(Root, "evil"), target);
        Assert.Throws<VolumeException>(() => SubPaths.Resolve(Root, "evil/passwd"));
    }

    [Theory]
    [InlineData("Directory", "is not a directory")]
    [InlineData("File", "is not a file")]
    [InlineData("Socket", "is not a socket file")]
    [InlineData("CharDevice", "is not a character device")]
    [InlineData("BlockDevice", "is not a block device")]
    public void HostPathOfAnotherType_SaysSo(string type, string message)
    {
        var path = Path.Combine(Root, "nothing");
        Assert.Equal($"hostPath type check failed: {path} {message}", Assert.Throws<VolumeException>(() => HostPaths.Prepare(path, type)).Message);
    }

    [Fact]
    public void HostPathOrCreate_Creates()
    {
        HostPaths.Prepare(Path.Combine(Root, "d"), "DirectoryOrCreate");
        HostPaths.Prepare(Path.Combine(Root, "f"), "FileOrCreate");
        Assert.True(Directory.Exists(Path.Combine(Root, "d")));
        Assert.True(File.Exists(Path.Combine(Root, "f")));
        HostPaths.Prepare("/dev/null", "CharDevice");
    }

    private static readonly ContainerSources Sources = new()
    {
        ConfigMaps = new Dictionary<string, ConfigMap> { ["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "v", ["l"] = "w" }, BinaryData = new Dictionary<string, byte[]> { ["bin"] = [1, 2] } } },
        Secrets = new Dictionary<string, Secret> { ["s"] = new() { Data = new Dictionary<string, byte[]> { ["p"] = [9] } } },
        Services = [],
        HostIps = [],
        NodeAllocatable = new Dictionary<string, Timonier.Api.Quantity>(),
    };

    private static string Made(Volume volume, string? userAndGroup = null)
    {
        var pod = TestPods.Pod();
        if (userAndGroup is not null)
            pod = pod with { Spec = pod.Spec with { SecurityContext = new() { RunAsUser = 5, FsGroup = 6 } } };
        var tokens = VolumeContents.Tokens(volume).ToDictionary(t => t, t => $"token-{t.Audience}-{t.ExpirationSeconds}");
        var files = VolumeContents.Make(pod, volume, Sources, tokens);
        return string.Join(' ', files.Select(f => $"{f.Key}={Encoding.UTF8.GetString(f.Value.Content.Where(b => b >= 32).ToArray())}:{Convert.ToString(f.Value.Mode, 8)}"));
    }

    [Fact]
    public void ConfigMap_GivesAllKeysOrThoseNamed()
    {
        Assert.Equal("bin=:644 k=v:644 l=w:644", Made(new() { ConfigMap = new() { Name = "cm" } }));
        Assert.Equal("d/x=v:400", Made(new() { ConfigMap = new() { Name = "cm", Items = [new() { Key = "k", Path = "d/x", Mode = 0b100_000_000 }] } }));
    }

    [Fact]
    public void MissingSource_IsAnErrorUnlessOptional()
    {
        Assert.Equal("configmap \"none\" not found", Assert.Throws<VolumeException>(() => Made(new() { ConfigMap = new() { Name = "none" } })).Message);
        Assert.Equal("secret \"none\" not found", Assert.Throws<VolumeException>(() => Made(new() { Secret = new() { SecretName = "none" } })).Message);
        Assert.Equal("references non-existent config key: z", Assert.Throws<VolumeException>(() => Made(new() { ConfigMap = new() { Name = "cm", Items = [new() { Key = "z", Path = "z" }] } })).Message);
        Assert.Equal("references non-existent secret key: z", Assert.Throws<VolumeException>(() => Made(new() { Secret = new() { SecretName = "s", Items = [new() { Key = "z", Path = "z" }] } })).Message);
        Assert.Equal("", Made(new() { Secret = new() { SecretName = "none", Optional = true } }));
    }

    [Fact]
    public void Projected_CombinesItsSources()
    {
        var volume = new Volume
        {
            Projected = new()
            {
                DefaultMode = 0b100_100_000,
                Sources =
                [
                    new() { ConfigMap = new() { Name = "cm", Items = [new() { Key = "k", Path = "k" }] } },
                    new() { DownwardAPI = new() { Items = [new() { Path = "name", FieldRef = new() { FieldPath = "metadata.name" } }] } },
                    new() { ServiceAccountToken = new() { Path = "token", Audience = "me", ExpirationSeconds = 600 } },
                ],
            },
        };
        Assert.Equal("k=v:440 name=p:440 token=token-me-600:440", Made(volume));
        Assert.Equal("k=v:440 name=p:440 token=token-me-600:600", Made(volume, "both"));
    }
}
