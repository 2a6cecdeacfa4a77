using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Coordination.V1;
using Timonier.Api.Errors;
using Timonier.Testing.Fakes;

namespace Timonier.Client.Tests.LeaderElection;

public class LeaderElectorTests
{
    private readonly FakeTime _time = new();
    private readonly FakeApi _api;
    private readonly ApiClient _client;

    public LeaderElectorTests()
    {
        _api = new FakeApi(_time);
        _client = new ApiClient(_api);
    }

    [Fact]
    public async Task SecondCandidate_WaitsUntilTheLeaseIsOver()
    {
        var (a, b) = (Candidate("a"), Candidate("b"));
        Assert.True(await a.TryAcquireOrRenewAsync(default));
        Assert.False(await b.TryAcquireOrRenewAsync(default));
        _time.Advance(TimeSpan.FromSeconds(14));
        Assert.True(await a.TryAcquireOrRenewAsync(default));
        Assert.False(await b.TryAcquireOrRenewAsync(default));
        _time.Advance(TimeSpan.FromSeconds(16));
        Assert.True(await b.TryAcquireOrRenewAsync(default));
        Assert.False(await a.TryAcquireOrRenewAsync(default));
        var lease = await _client.GetAsync<Lease>("kube-system", "loops");
        Assert.Equal(("b", 1), (lease.Spec.HolderIdentity, lease.Spec.LeaseTransitions));
    }

    [Fact]
    public async Task LeaderThatStops_GivesTheLeaseBack()
    {
        using var stop = new CancellationTokenSource();
        var running = Inline.Run(() => Candidate("a").RunAsync(token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token), stop.Token));
        await stop.CancelAsync();
        await running;
        Assert.True(await Candidate("b").TryAcquireOrRenewAsync(default));
    }

    [Fact]
    public async Task LeaderThatCannotRenew_StopsItsWorkBeforeTheLeaseIsOver()
    {
        var ended = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var running = Inline.Run(() => Candidate("a").RunAsync(async token =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, token);
            }
            finally
            {
                ended.TrySetResult();
            }
        }, stop.Token));
        _api.Refuse = _ => ApiException.ServiceUnavailable("down");
        for (var second = 0; second < 13; second++)
            _time.Advance(TimeSpan.FromSeconds(1));
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await running;
    }

    private LeaderElector Candidate(string identity) =>
        new(_client, new("kube-system", "loops"), identity, new(), _time, new Random(1), NullLogger.Instance);
}
