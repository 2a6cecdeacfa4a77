using System.Text;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Tests.Volumes;

public sealed class AtomicWriterTests : IDisposable
{
    private readonly string _volume = Directory.CreateTempSubdirectory("timonier-volume-").FullName;

    public void Dispose() => Directory.Delete(_volume, recursive: true);

    private bool Write(params (string Path, string Text)[] files) =>
        AtomicWriter.Write(_volume, files.ToDictionary(f => f.Path, f => new VolumeFile(Encoding.UTF8.GetBytes(f.Text), 0b110_100_100)), TimeProvider.System, null);

    [Fact]
    public void NewVolume_ShowsItsFilesThroughLinks()
    {
        Assert.True(Write(("a", "1"), ("dir/b", "2")));
        Assert.Equal("1", File.ReadAllText(Path.Combine(_volume, "a")));
        Assert.Equal("2", File.ReadAllText(Path.Combine(_volume, "dir", "b")));
        Assert.Equal(Path.Combine("..data", "a"), new FileInfo(Path.Combine(_volume, "a")).LinkTarget);
    }

    [Fact]
    public void Change_ReplacesAllFilesAtOnceAndLeavesNothingOld()
    {
        Write(("a", "1"), ("b", "1"));
        var before = new FileInfo(Path.Combine(_volume, "..data")).LinkTarget;
        Assert.True(Write(("a", "2"), ("c", "2")));
        Assert.NotEqual(before, new FileInfo(Path.Combine(_volume, "..data")).LinkTarget);
        Assert.Equal("2", File.ReadAllText(Path.Combine(_volume, "a")));
        Assert.False(File.Exists(Path.Combine(_volume, "b")));
        Assert.False(Directory.Exists(Path.Combine(_volume, before!)));
    }

    [Fact]
    public void SameFiles_AreNotWrittenAgain()
    {
        Write(("a", "1"));
        Assert.False(Write(("a", "1")));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    public void PathOutOfTheVolume_IsRefused(string path) => Assert.Throws<VolumeException>(() => Write((path, "1")));
}
