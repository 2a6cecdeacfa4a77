using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Testing.Fakes;

namespace Timonier.Controllers.Tests;

/// <summary>Controllers over a fake API on a fake clock, in one thread: nothing happens but by <see cref="SettleAsync"/> and <see cref="AdvanceAsync"/>.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly List<IControllerLoop> _loops = [];
    private readonly EventBroadcaster _broadcaster;

    /// <param name="create">The controllers to run.</param>
    public TestCluster(params Func<ControllerContext, IControllerLoop>[] create)
    {
        Api = new FakeApi(Time);
        Client = new ApiClient(Api);
        Informers = new InformerFactory(Client, Time, new Random(1), NullLoggerFactory.Instance);
        _broadcaster = new EventBroadcaster(Client, Time, NullLoggerFactory.Instance);
        var context = new ControllerContext(Client, Informers, _broadcaster, Time, new Random(1), NullLoggerFactory.Instance);
        _loops.AddRange(create.Select(make => make(context)));
        Inline.Run(Informers.Start);
    }

    public FakeTime Time { get; } = new();
    public FakeApi Api { get; }
    public ApiClient Client { get; }
    public InformerFactory Informers { get; }

    /// <summary>What the node does each time that the loops have come to rest; true when it changed anything.</summary>
    public Func<Task<bool>> Node { get; set; } = () => Task.FromResult(false);

    /// <summary>Works all loops until nothing is left to do now.</summary>
    public async Task SettleAsync()
    {
        for (var round = 0; ; round++)
        {
            Assert.True(round < 2000, "the loops do not come to rest");
            var worked = false;
            foreach (var loop in _loops)
                worked |= await loop.TryWorkAsync();
            if (!worked && !await Node())
                return;
        }
    }

    public async Task AdvanceAsync(TimeSpan by)
    {
        Time.Advance(by);
        await SettleAsync();
    }

    /// <summary>All pods that are not ended become running and ready, as a node would have it; those to be deleted go.</summary>
    public async Task<bool> RunPodsAsync()
    {
        var changed = false;
        foreach (var pod in (await Client.ListAsync<Pod>()).Items)
        {
            if (pod.Metadata.DeletionTimestamp is not null)
                await RemoveAsync(pod);
            else if (pod.Status.Phase is "" or "Pending")
                await SetPodAsync(pod, "Running", ready: true);
            else
                continue;
            changed = true;
        }
        return changed;
    }

    public Task RemoveAsync(Pod pod) => Client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, new() { GracePeriodSeconds = 0 });

    public Task<Pod> SetPodAsync(Pod pod, string phase, bool ready) => Client.UpdateStatusAsync(pod with
    {
        Status = pod.Status with { Phase = phase, Conditions = [.. pod.Status.Conditions.Where(c => c.Type != "Ready"), new() { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = Time.GetUtcNow() }] },
    });

    public async Task<List<Pod>> PodsAsync() => [.. (await Client.ListAsync<Pod>()).Items.OrderBy(p => p.Metadata.Name, StringComparer.Ordinal)];

    /// <summary>"reason: message" of all events.</summary>
    public async Task<List<string>> EventsAsync()
    {
        await _broadcaster.DrainAsync();
        return [.. (await Client.ListAsync<Event>()).Items.OrderBy(e => e.FirstTimestamp).Select(e => $"{e.Reason}: {e.Message}")];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var loop in _loops)
            (loop as IDisposable)?.Dispose();
        await Informers.DisposeAsync();
    }
}
