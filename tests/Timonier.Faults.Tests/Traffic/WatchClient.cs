using System.Globalization;
using Timonier.Api.Json;
using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>
/// Watches as an informer does: from a list on, after a cut from the last revision seen on, after 410 from a new list on. Or, streaming, takes the list from
/// the watch itself each time, and starts anew after some events.
/// </summary>
internal sealed class WatchClient(ConfigMaps maps, Recorder recorder, Random random, bool streaming, bool slow)
{
    private const int StreamedEventsMax = 60;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _from;

    /// <summary>How often it was told 410.</summary>
    public int Expired { get; private set; }

    public int Runs { get; private set; }

    /// <summary>Completes when it has seen all that it must.</summary>
    public Task Arrived => _arrived.Task;

    public async Task RunAsync(Task<long> reach, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (_from == 0 && !streaming)
                Reached(await maps.ListAsync() ?? 0, reach);
            if (_from == 0 && !streaming)
            {
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
                continue;
            }
            await RunOnceAsync(reach, stop);
        }
    }

    private async Task RunOnceAsync(Task<long> reach, CancellationToken stop)
    {
        var (start, from, events, initial) = (recorder.Now(), _from, new List<Watched>(), streaming ? new List<Item>() : null);
        var any = false;
        await foreach (var line in maps.WatchAsync(streaming ? "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true" : $"resourceVersion={from}", stop))
        {
            any = true;
            var (type, obj) = (line.GetString("type"), line.GetMap("object")!);
            if (type == "ERROR")
            {
                Expired += obj.GetInteger("code") == 410 ? 1 : 0;
                _from = obj.GetInteger("code") is 410 or 504 ? 0 : _from;
                break;
            }
            if (type == "BOOKMARK")
            {
                if (initial is not null)
                    recorder.Add(new ListOp(maps.Client, start, recorder.Now(), 0, [new ListPage(from = ConfigMaps.Revision(obj.GetMap("metadata")!), initial)]));
                initial = null;
                Reached(from, reach);
                continue;
            }
            if (!ConfigMaps.IsOwn(obj))
                continue;
            var item = ConfigMaps.ItemOf(obj);
            if (initial is not null)
            {
                initial.Add(item);
                continue;
            }
            events.Add(new Watched(Enum.Parse<WatchedType>(type!, ignoreCase: true), item));
            Reached(item.Revision, reach);
            if (slow && random.Next(100) == 0)
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1500)), TimeProvider.System, CancellationToken.None);
            if (streaming && events.Count >= StreamedEventsMax && !reach.IsCompleted)
                break;
        }

        Runs++;
        var through = stop.IsCancellationRequested && initial is null && reach.IsCompletedSuccessfully ? await reach : 0;
        if (initial is null || !streaming)
            recorder.Add(new WatchOp(maps.Client, start, recorder.Now(), from, through, events));
        if (!any)
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
    }

    private void Reached(long revision, Task<long> reach)
    {
        _from = revision;
        if (reach.IsCompletedSuccessfully && revision >= reach.Result)
            _arrived.TrySetResult();
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{maps.Client}: {Runs} runs, {Expired} times 410");
}
