using Timonier.ApiServer.Admission;

namespace Timonier.ApiServer.Tests.FlowControl;

public sealed class FlowDumpTests
{
    private const string Debug = "/debug/api_priority_and_fairness/";

    [Fact]
    public async Task WhatIsServedAndWhatWaits_IsShown()
    {
        var held = new Held();
        await using var server = await TestServer.StartAsync(o => o with { Admission = new AdmissionChain([], [held]), InFlightMax = 100 });
        var write = server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"m"}}""");
        await held.Entered;
        var levels = await RowsAsync(server, "dump_priority_levels");
        Assert.Equal("PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests", levels[0]);
        // The request that looks is served too; without authentication all are the administrator's.
        Assert.Equal("exempt, 0, false, false, 0, 2, 2, 0, 0, 0", levels.Single(l => l.StartsWith("exempt", StringComparison.Ordinal)));
        Assert.Equal("catch-all, 0, true, false, 0, 0, 0, 0, 0, 0", levels.Single(l => l.StartsWith("catch-all", StringComparison.Ordinal)));
        Assert.Equal("PriorityLevelName, Index, PendingRequests, ExecutingRequests, SeatsInUse, NextDispatchR, InitialSeatsSum, MaxSeatsSum, TotalWorkSum", (await RowsAsync(server, "dump_queues"))[0]);
        var requests = await RowsAsync(server, "dump_requests?includeRequestDetails=1");
        Assert.EndsWith("StartTime, UserName, Verb, APIPath, Namespace, Name, APIVersion, Resource, SubResource", requests[0], StringComparison.Ordinal);
        Assert.Matches("^exempt, exempt, -1, -1, , [-0-9T:.]+Z, 1, 0, 0s, [-0-9T:.]+Z, system:apiserver, create, /api/v1/namespaces/default/configmaps, default, , v1, configmaps, $", requests.Single(r => r.Contains("create", StringComparison.Ordinal)));
        held.Release();
        await write;
        Assert.DoesNotContain("create", string.Join('\n', await RowsAsync(server, "dump_requests?includeRequestDetails=1")), StringComparison.Ordinal);
    }

    /// <summary>The rows with single spaces, as the columns' widths change with what is in them.</summary>
    private static async Task<List<string>> RowsAsync(TestServer server, string path)
    {
        var text = await server.Http.GetStringAsync(Debug + path);
        return [.. text.TrimEnd('\n').Split('\n').Select(row => string.Join(", ", row.Split(',').Select(cell => cell.Trim())))];
    }

    private sealed class Held : IValidatingAdmission
    {
        private readonly TaskCompletionSource _entered = new(), _release = new();

        public Task Entered => _entered.Task;

        public void Release() => _release.SetResult();

        public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
        {
            _entered.SetResult();
            await _release.Task.WaitAsync(cancel);
        }
    }
}
