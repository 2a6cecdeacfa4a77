using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Schema;
using Timonier.ApiServer;
using Timonier.Faults.Tests.Traffic;
using Timonier.Store;
using Timonier.Testing.Histories;
using Xunit.Abstractions;

namespace Timonier.Faults.Tests.Broken;

/// <summary>Recorded traffic of broken builds: the checker names what each of them breaks. And finds nothing in the same traffic of a good one.</summary>
public sealed class BrokenBuildTests(ITestOutputHelper output)
{
    private const int OperationsMin = 1500;
    private static readonly TimeSpan ArrivalLimit = TimeSpan.FromSeconds(3);
    private static readonly ApiSchema Schema = new();

    [Theory]
    [InlineData(StoreBug.None, null)]
    [InlineData(StoreBug.DropsEvent, Violation.WatchGap)]
    [InlineData(StoreBug.DoublesEvent, Violation.WatchOrder)]
    [InlineData(StoreBug.ServesOldState, Violation.StaleList)]
    [InlineData(StoreBug.ServesOldState, Violation.StaleRead)]
    [InlineData(StoreBug.PagesFromNow, Violation.PagesDiffer)]
    [InlineData(StoreBug.IgnoresPreconditions, Violation.LostUpdate)]
    public async Task StoreIsBroken_CheckerNamesIt(StoreBug bug, Violation? expected)
    {
        await using var store = new BrokenStore(EmbeddedStore.InMemory(TimeProvider.System), bug);
        await using var server = await StartAsync(store);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{server.Endpoint}"), Timeout = TimeSpan.FromSeconds(10) };
        using var run = TrafficRun.Start(http, "default", new Random(1));
        await run.ReachAsync(OperationsMin);
        AssertFound(await run.FinishAsync(bug == StoreBug.None ? TimeSpan.FromSeconds(30) : ArrivalLimit), expected is { } one ? [one] : []);
    }

    /// <summary>
    /// The state on disk is as it was some writes ago, as after a power loss of a build that answers before it syncs: acknowledged writes are
    /// gone, and their revisions are given again.
    /// </summary>
    [Fact]
    public async Task AcknowledgedBeforeDurable_CheckerNamesIt()
    {
        using var before = new TemporaryDirectory();
        using var after = new TemporaryDirectory();
        var store = EmbeddedStore.Open(new StoreOptions { Directory = before.Path }, TimeProvider.System);
        var server = await StartAsync(store);
        await using var proxy = new CuttingProxy(server.Endpoint.Port);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{proxy.Port}"), Timeout = TimeSpan.FromSeconds(10) };
        using var run = TrafficRun.Start(http, "default", new Random(1));
        await run.ReachAsync(OperationsMin / 2);
        foreach (var name in (string[])["store.db", "store.db-wal"])
            File.Copy(Path.Combine(before.Path, name), Path.Combine(after.Path, name));
        await run.ReachAsync(OperationsMin);
        await server.DisposeAsync();
        await store.DisposeAsync();

        await using var oldStore = EmbeddedStore.Open(new StoreOptions { Directory = after.Path }, TimeProvider.System);
        await using var newServer = await StartAsync(oldStore);
        proxy.ServerPort = newServer.Endpoint.Port;
        proxy.CutAll();
        await run.ReachAsync(2 * OperationsMin);
        AssertFound(await run.FinishAsync(ArrivalLimit), Violation.RevisionRepeated, Violation.LostWrite, Violation.StaleList);
    }

    private void AssertFound(Operation[] history, params Violation[] expected)
    {
        var findings = HistoryChecker.Check(history);
        output.WriteLine($"{history.Length} operations, {findings.Count} findings: {string.Join(", ", findings.CountBy(one => one.Violation).Select(one => $"{one.Value} {one.Key}"))}");
        foreach (var one in findings.DistinctBy(one => one.Violation))
            output.WriteLine(one.ToString());
        if (expected.Length == 0)
            Assert.Equal([], findings);
        Assert.All(expected, one => Assert.Contains(findings, finding => finding.Violation == one));
    }

    private static async Task<ApiServer.ApiServer> StartAsync(IStore store)
    {
        var server = new ApiServer.ApiServer(new ApiServerOptions { Schema = Schema, Store = store, Listen = new IPEndPoint(IPAddress.Loopback, 0) }, NullLoggerFactory.Instance);
        await server.StartAsync();
        return server;
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("timonier-faults-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
