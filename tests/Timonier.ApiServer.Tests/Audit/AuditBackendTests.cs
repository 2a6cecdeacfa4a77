using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Tests.Authentication;

namespace Timonier.ApiServer.Tests.Audit;

public sealed class AuditBackendTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("timonier-audit-").FullName;
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 8, 0, 0, TimeSpan.Zero));

    private string Log => Path.Combine(_folder, "audit.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FullFile_IsSetAsideAndOldOnesGoByNumber()
    {
        using var file = new AuditFile(Log, bytesMax: 10, backupsMax: 2, TimeSpan.Zero, _time);
        for (var i = 0; i < 5; i++)
        {
            await file.WriteAsync([Encoding.ASCII.GetBytes($"line-{i}")], default);
            _time.Now += TimeSpan.FromSeconds(1);
        }
        Assert.Equal("line-4\n", File.ReadAllText(Log));
        Assert.Equal(["audit-2026-11-21T08-00-03.000.log", "audit-2026-11-21T08-00-04.000.log"], Directory.GetFiles(_folder, "audit-*").Select(Path.GetFileName).Order());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Log));
    }

    [Fact]
    public async Task OldBackups_GoByAge()
    {
        using var file = new AuditFile(Log, bytesMax: 10, backupsMax: 0, TimeSpan.FromDays(1), _time);
        await file.WriteAsync(["line-0"u8.ToArray(), "line-1"u8.ToArray()], default);
        _time.Now += TimeSpan.FromDays(2);
        await file.WriteAsync(["line-2"u8.ToArray()], default);
        Assert.Equal(["audit-2026-11-23T08-00-00.000.log"], Directory.GetFiles(_folder, "audit-*").Select(Path.GetFileName));
    }

    [Fact]
    public async Task SlowSink_LosesEventsAndBlocksNobody()
    {
        var release = new TaskCompletionSource();
        var written = 0;
        var queue = new AuditQueue(async (lines, _) =>
        {
            await release.Task;
            written += lines.Count;
        }, TimeProvider.System, NullLogger.Instance);
        for (var i = 0; i < 11_000; i++)
            queue.Write("x"u8.ToArray());
        Assert.InRange(queue.Lost, 600, 1000);
        release.SetResult();
        await queue.DisposeAsync();
        Assert.Equal(11_000, written + queue.Lost);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(5, 1)]
    public async Task WebhookThatIsAway_IsTriedFiveTimes(int failures, int lost)
    {
        var tries = 0;
        var queue = new AuditQueue((_, _) => ++tries <= failures ? throw new HttpRequestException("no way there") : Task.CompletedTask, TimeProvider.System, NullLogger.Instance, retryPause: TimeSpan.FromMilliseconds(1));
        queue.Write("x"u8.ToArray());
        await queue.DisposeAsync();
        Assert.Equal((5, lost), (tries, queue.Lost));
    }

    [Fact]
    public async Task BrokenSink_IsTriedAgainWithTheNextEvents()
    {
        var fail = true;
        var kept = new List<string>();
        var failed = new TaskCompletionSource();
        var queue = new AuditQueue((lines, _) =>
        {
            if (fail)
            {
                failed.TrySetResult();
                throw new IOException("No space left on device");
            }
            kept.AddRange(lines.Select(Encoding.ASCII.GetString));
            return Task.CompletedTask;
        }, TimeProvider.System, NullLogger.Instance);
        queue.Write("lost"u8.ToArray());
        await failed.Task;
        fail = false;
        queue.Write("kept"u8.ToArray());
        await queue.DisposeAsync();
        Assert.Equal(["kept"], kept);
        Assert.Equal(1, queue.Lost);
    }
}
