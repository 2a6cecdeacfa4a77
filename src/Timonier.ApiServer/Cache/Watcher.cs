using System.Runtime.CompilerServices;
using Timonier.Api.Errors;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>
/// One watch: a selection, and a cursor into the resource's ring. It holds up nobody: whoever falls out of the ring reads on
/// from the store's history, and when that is compacted gets 410.
/// </summary>
internal sealed class Watcher(ServerCore core, ResourceStore resource, Selection selection) : IDisposable
{
    /// <summary>Events handed over at once.</summary>
    private const int BatchMax = 32;

    private readonly WatchEvent[] _batch = new WatchEvent[BatchMax];

    /// <summary>What a batch holds, in order. Valid until the next call.</summary>
    private readonly List<Seen> _seen = new(BatchMax);
    private readonly WatchWait _wait = new();
    private readonly WaitingWatchers _group = resource.Events.Join(selection.Interest);
    private long _position = -1;

    /// <summary>Told already when the ring was entered: the store may be ahead of the dispatcher, whose events up to here come to the ring later.</summary>
    private long _entered;

    /// <summary>Everything up to this revision has been delivered.</summary>
    public long Revision { get; private set; }

    /// <summary>Watches changes behind a revision.</summary>
    public void Start(long revision)
    {
        Revision = revision;
        TryEnterRing();
    }

    /// <summary>The next events; empty when there are none now: then <see cref="WaitAsync"/>.</summary>
    /// <exception cref="ApiException">Expired: history is compacted.</exception>
    public async ValueTask<IReadOnlyList<Seen>> ReadAsync(CancellationToken cancel)
    {
        _seen.Clear();
        if (_position < 0)
        {
            await CatchUpAsync(cancel);
            return _seen;
        }
        // What came while it waited and did not concern it is passed over: the ring may have dropped it since.
        _position = Math.Max(_position, _wait.From);
        // Asked before reading: what the dispatcher has finished by now is in the ring.
        var complete = core.Dispatcher.Revision;
        var count = resource.Events.Read(_position, _batch);
        if (count < 0)
        {
            _position = -1;
            await CatchUpAsync(cancel);
            return _seen;
        }
        for (var i = 0; i < count; i++)
            await AddAsync(_batch[i], cancel);
        _position += count;
        Revision = Math.Max(Revision, count == BatchMax ? _batch[count - 1].Revision : Math.Max(complete, count > 0 ? _batch[count - 1].Revision : 0));
        return _seen;
    }

    /// <summary>Completes when <see cref="ReadAsync"/> has something to read, or when cancelled: <see cref="Leave"/> sees to that.</summary>
    public ValueTask WaitAsync(CancellationToken cancel)
    {
        if (_position < 0)
            return ValueTask.CompletedTask;
        var woken = resource.Events.WaitAsync(_position, _group, _wait);
        if (cancel.IsCancellationRequested)
            StopWaiting();
        return woken;
    }

    /// <summary>Ends the wait when the token is cancelled, for the life of the watch: a registration for each wait would cost as much as the wake-up.</summary>
    public CancellationTokenRegistration Leave(CancellationToken cancel) => cancel.UnsafeRegister(static w => ((Watcher)w!).StopWaiting(), this);

    public void Dispose() => resource.Events.Part(selection.Interest, _group);

    private void StopWaiting() => _group.Leave(_wait);

    /// <summary>Reads the store's history until the ring has all that is behind it.</summary>
    private async ValueTask CatchUpAsync(CancellationToken cancel)
    {
        try
        {
            if (TryEnterRing())
                return;
            await foreach (var change in core.Store.WatchAsync(Revision + 1, selection.Range, cancel))
            {
                foreach (var one in change.Events)
                    await AddAsync(new WatchEvent(one), cancel);
                Revision = change.Revision;
                if (TryEnterRing() || _seen.Count >= BatchMax)
                    return;
            }
        }
        catch (CompactedException e)
        {
            throw ApiException.Expired($"too old resource version: {Revision} ({e.CompactedRevision})");
        }
    }

    private bool TryEnterRing()
    {
        if (!resource.Events.TryFind(Revision, out var position))
            return false;
        _position = position;
        _entered = Revision;
        return true;
    }

    /// <summary>What the change is to this watch: with selectors, entering is ADDED and leaving DELETED.</summary>
    private async ValueTask AddAsync(WatchEvent change, CancellationToken cancel)
    {
        if (change.Revision <= (_position < 0 ? Revision : _entered))
            return;
        var now = selection.AsksWebhook ? await selection.MatchesAsync(change.Current, cancel) : selection.Matches(change.Current);
        var before = selection.AsksWebhook ? await selection.MatchesAsync(change.Previous, cancel) : selection.Matches(change.Previous);
        if (now || before)
            _seen.Add(new Seen(change, !now ? WatchEventType.Deleted : before ? WatchEventType.Modified : WatchEventType.Added));
    }
}

/// <summary>An event as one watch sees it.</summary>
internal readonly record struct Seen(WatchEvent Event, WatchEventType Type)
{
    /// <summary>The object to show. Of one that left the selection: as it was when it matched last, as upstream does.</summary>
    public EncodedObject Object => Type == WatchEventType.Deleted && Event.Current is not null ? new(Event.Previous!, Event.Revision) : Event.Object;

    public bool IsShared => Type == Event.Type;
}
