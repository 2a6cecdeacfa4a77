using System.Text;
using Timonier.Client.Node;
using Timonier.Kubelet.Logs;

namespace Timonier.Kubelet.Tests.Logs;

public sealed class LogTests : IDisposable
{
    private const string Lines = """
        2026-11-21T10:00:00.1Z stdout F one
        2026-11-21T10:00:01.1Z stderr F two
        2026-11-21T10:00:02.1Z stdout P thr
        2026-11-21T10:00:02.2Z stdout F ee
        broken

        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("timonier-log-");
    private readonly string _path;

    public LogTests()
    {
        _path = Path.Combine(_directory.FullName, "0.log");
        File.WriteAllText(_path, Lines);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static ContainerLogRequest Request() => new() { PodNamespace = "ns", PodName = "p" };

    private async Task<string> ReadAsync(ContainerLogRequest request, Func<bool>? isRunning = null)
    {
        using var output = new MemoryStream();
        await new LogReader(TimeProvider.System).CopyAsync(_path, request, isRunning ?? (() => false), output, new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Fact]
    public async Task PlainRead_JoinsPartialLines() => Assert.Equal("one\ntwo\nthree\n", await ReadAsync(Request()));

    [Fact]
    public async Task Stream_IsChosen() => Assert.Equal("two\n", await ReadAsync(Request() with { Stream = "Stderr" }));

    [Fact]
    public async Task Since_LeavesOutOlderLines() => Assert.Equal("three\n", await ReadAsync(Request() with { SinceTime = new(2026, 11, 21, 10, 0, 2, TimeSpan.Zero) }));

    [Fact]
    public async Task Tail_CountsFromTheEnd() => Assert.Equal("two\nthree\n", await ReadAsync(Request() with { TailLines = 4 }));

    [Fact]
    public async Task Timestamps_StandInFront() => Assert.StartsWith("2026-11-21T10:00:00.1Z one\n", await ReadAsync(Request() with { Timestamps = true }), StringComparison.Ordinal);

    [Fact]
    public async Task Limit_CutsBytes() => Assert.Equal("one\nt", await ReadAsync(Request() with { LimitBytes = 5 }));

    [Fact]
    public async Task Follow_ReadsWhatComesUntilTheContainerEnds()
    {
        var looks = 0;
        var text = await ReadAsync(Request() with { Follow = true, TailLines = 0 }, () =>
        {
            looks++;
            if (looks == 2)
                File.AppendAllText(_path, "2026-11-21T10:00:03Z stdout F four\n2026-11-21T10:00:03Z stdout F fi");
            if (looks == 3)
            {
                // Rotated: the rest of the line is in the old file, the next line in a new one.
                File.AppendAllText(_path, "ve\n");
                File.Move(_path, _path + ".old");
                File.WriteAllText(_path, "2026-11-21T10:00:04Z stdout F six\n");
            }
            return looks < 4;
        });
        Assert.Equal("four\nfive\nsix\n", text);
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "c\n")]
    [InlineData(2, "b\nc\n")]
    [InlineData(9, "a\nb\nc\n")]
    public void TailPosition_IsWhereTheLastLinesBegin(long lines, string expected)
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes("a\nb\nc\n"));
        Assert.Equal(expected, Encoding.UTF8.GetString(file.ToArray()[(int)ContainerLog.TailPosition(file, lines)..]));
    }

    [Fact]
    public void Tail_IsCutToItsLength() => Assert.Equal("ee\n", ContainerLog.Tail(_path, 80, 3));
}
