using System.Diagnostics;
using Timonier.Faults.Tests.Traffic;
using Timonier.Testing.Histories;
using Timonier.Testing.Processes;
using Xunit.Abstractions;

namespace Timonier.Faults.Tests.Histories;

/// <summary>Clients of the real server through HTTPS, with what a network and a short history do to them: connections cut at any byte, compaction every tenth of a second, a kill -9 now and then.</summary>
public sealed class HistoryTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(12);

    [Theory]
    [InlineData(20261121)]
    public async Task ConnectionsCutAndHistoryCompacted_EveryPromiseIsKept(int seed)
    {
        var random = new Random(seed);
        await using var server = await TimonierServer.StartAsync("--no-node", "--history", "1s");
        await using var proxy = new CuttingProxy(server.Port);
        using var http = AdminClient.Create(server, proxy.Port);
        using var run = TrafficRun.Start(http, "default", random);
        var started = Stopwatch.GetTimestamp();
        for (var cuts = 1; Stopwatch.GetElapsedTime(started) < Budget || cuts < 20; cuts++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(500)), TimeProvider.System);
            if (cuts % 20 == 0)
            {
                await server.KillAsync();
                await server.LaunchAsync();
            }
            else
            {
                proxy.CutAll();
            }
        }

        var history = await run.FinishAsync();
        output.WriteLine($"seed {seed}, {history.Length} operations; {string.Join("; ", run.Watchers)}");
        Assert.Equal([], HistoryChecker.Check(history));
        Assert.True(history.Length > 500, $"{history.Length} operations are no test");
    }
}
