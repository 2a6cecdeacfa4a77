using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>
/// The one watch on the store: hands every change to the ring of its resource. The rings of all resources are complete up to
/// <see cref="Revision"/>.
/// </summary>
internal sealed class Dispatcher(IStore store, ObjectReader reader, Func<ResourceTable> table)
{
    private readonly Lock _gate = new();
    private long _revision = store.Revision;

    /// <summary>Every change up to here has reached its ring. What a watcher at the end of its ring may be told as a bookmark.</summary>
    public long Revision => Volatile.Read(ref _revision);

    /// <summary>Swaps resources between two changes: those up to the revision are with the old ones, those behind it come to the new ones.</summary>
    public void Exclusively(Action<long> swap)
    {
        lock (_gate)
            swap(Revision);
    }

    /// <summary>Wakes all watchers, changes or not.</summary>
    public void Pulse()
    {
        foreach (var resource in table().Stores)
            resource.Events.Pulse();
    }

    /// <summary>Runs until cancelled or until the store is closed.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await foreach (var change in store.WatchAsync(Revision + 1, KeyRange.All, cancel))
                {
                    lock (_gate)
                        Dispatch(change);
                }
            }
            catch (CompactedException)
            {
                // Slower than the history is kept: go on from now. Watchers that miss something learn it from the store: 410.
                var now = store.Revision;
                foreach (var resource in table().Stores)
                    resource.Events.Reset(now);
                Volatile.Write(ref _revision, now);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (StoreClosedException)
            {
                return;
            }
        }
    }

    private void Dispatch(WatchResponse change)
    {
        var resources = table();
        ResourceStore? last = null;
        foreach (var one in change.Events)
        {
            if (last is null || !last.Owns(one.Key))
            {
                last?.Events.Signal();
                last = resources.FindStore(one.Key);
            }
            if (last is null)
                continue;
            last.Events.Append(new WatchEvent(one));
            reader.Note(last.Prefix, one.Revision);
        }
        Volatile.Write(ref _revision, change.Revision);
        last?.Events.Signal();
    }
}
