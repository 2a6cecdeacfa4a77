using System.Globalization;
using Timonier.Server;

namespace Timonier.Tests;

public sealed class RestingMemoryTests
{
    private const string Smaps = """
        7f0000000000-7f0000100000 r-xp 00002000 fe:00 1234                       /opt/timonier/timonier
        Size:               1024 kB
        Rss:                 640 kB
        Private_Dirty:         0 kB
        Anonymous:             0 kB
        VmFlags: rd ex mr mw me
        """;

    [Fact]
    public void CodeThatNothingWasWrittenTo_IsLetGoOf() =>
        Assert.Equal([(unchecked((nint)0x7f0000000000), (nuint)0x100000, 640L * 1024)], RestingMemory.UnwrittenFileRanges(Smaps.Split('\n')));

    [Theory]
    [InlineData("Anonymous:             0 kB", "Anonymous:             4 kB")] // a page of it was changed: relocated, or written before it was protected
    [InlineData("r-xp", "rw-p")]
    [InlineData("r-xp", "r--s")]
    [InlineData("fe:00 1234                       /opt/timonier/timonier", "00:00 0")]
    [InlineData("fe:00 1234                       /opt/timonier/timonier", "00:00 0                          [vdso]")]
    [InlineData("/opt/timonier/timonier", "/memfd:doublemapper (deleted)")]
    [InlineData("Rss:                 640 kB", "Rss:                   0 kB")]
    public void AnythingElse_IsLeftAlone(string good, string other) =>
        Assert.Empty(RestingMemory.UnwrittenFileRanges(Smaps.Replace(good, other, StringComparison.Ordinal).Split('\n')));

    [Fact]
    public void ThisProcess_GoesOnWithFewerPagesOfFiles()
    {
        var before = FilePages();
        Assert.InRange(RestingMemory.ReleaseFilePages(), 1 << 20, long.MaxValue);
        Assert.True(FilePages() < before, $"{FilePages()} kB of {before} kB");
        GC.Collect();
        Assert.Equal("8", 8.ToString(CultureInfo.InvariantCulture));
    }

    private static long FilePages() =>
        long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("RssFile:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
