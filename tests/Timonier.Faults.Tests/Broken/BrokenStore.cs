using System.Runtime.CompilerServices;
using Timonier.Store;

namespace Timonier.Faults.Tests.Broken;

/// <summary>A way in which a store could be wrong.</summary>
public enum StoreBug { None, DropsEvent, DoublesEvent, ServesOldState, PagesFromNow, IgnoresPreconditions }

/// <summary>A store with a bug, for the server to stand on: what it breaks, the history checker must find and name.</summary>
internal sealed class BrokenStore(IStore inner, StoreBug bug) : IStore
{
    private StoreSnapshot _old = inner.Current;
    private int _reads, _events;

    public long Revision => inner.Revision;

    public long CompactedRevision => inner.CompactedRevision;

    public StoreSnapshot Current
    {
        get
        {
            var call = Interlocked.Increment(ref _reads);
            if (bug != StoreBug.ServesOldState)
                return inner.Current;
            if (call % 50 == 0)
                _old = inner.Current;
            return call % 7 == 0 ? _old : inner.Current;
        }
    }

    public ValueTask<StoreSnapshot> SnapshotAsync(long revision, CancellationToken cancellationToken = default) =>
        bug == StoreBug.PagesFromNow ? new(inner.Current) : inner.SnapshotAsync(revision, cancellationToken);

    public ValueTask<Entry?> GetAsync(string key, long revision = 0, CancellationToken cancellationToken = default) => inner.GetAsync(key, revision, cancellationToken);

    public ValueTask<RangeResponse> RangeAsync(KeyRange range, long revision = 0, int limit = 0, CancellationToken cancellationToken = default) =>
        inner.RangeAsync(range, revision, limit, cancellationToken);

    public ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellationToken = default) =>
        inner.TxnAsync(bug == StoreBug.IgnoresPreconditions ? request with { Compares = [] } : request, cancellationToken);

    public ValueTask CompactAsync(long revision, CancellationToken cancellationToken = default) => inner.CompactAsync(revision, cancellationToken);

    public async IAsyncEnumerable<WatchResponse> WatchAsync(long startRevision, KeyRange range, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var change in inner.WatchAsync(startRevision, range, cancellationToken))
        {
            var hit = change.Events.Count > 0 && Interlocked.Increment(ref _events) % 20 == 0;
            if (!hit || bug != StoreBug.DropsEvent)
                yield return change;
            if (hit && bug == StoreBug.DoublesEvent)
                yield return change;
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
