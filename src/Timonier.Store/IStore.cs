namespace Timonier.Store;

/// <summary>
/// A revisioned key-value store with watch: etcd's semantics and words, so that etcd itself can stand behind it. Every
/// transaction that changes something takes the next revision, a number which never repeats. All members are thread safe.
/// </summary>
public interface IStore : IAsyncDisposable
{
    /// <summary>The newest revision. 1 in a store that was never written, as in etcd.</summary>
    long Revision { get; }

    /// <summary>Nothing before this revision can be read, and no change up to and including it can be watched. 0: all is there.</summary>
    long CompactedRevision { get; }

    /// <summary>The last write was refused because the disk is full. The next one that succeeds ends it: nothing need be started anew.</summary>
    bool IsFull => false;

    /// <summary>The newest state, at once and without a copy: what is in it never changes, so it may be kept and listed at leisure.</summary>
    StoreSnapshot Current { get; }

    /// <summary>The state as it was at <paramref name="revision"/>; 0: the newest.</summary>
    /// <exception cref="CompactedException"/>
    /// <exception cref="FutureRevisionException"/>
    ValueTask<StoreSnapshot> SnapshotAsync(long revision, CancellationToken cancellationToken = default);

    /// <summary>The entry at <paramref name="key"/>, or null where there is none. Errors as in <see cref="SnapshotAsync"/>.</summary>
    ValueTask<Entry?> GetAsync(string key, long revision = 0, CancellationToken cancellationToken = default);

    /// <summary>
    /// At most <paramref name="limit"/> entries (0: all) of a range in ordinal order of their keys. The next page is
    /// <c>range.After(lastKey)</c> at the returned revision. Errors as in <see cref="SnapshotAsync"/>.
    /// </summary>
    ValueTask<RangeResponse> RangeAsync(KeyRange range, long revision = 0, int limit = 0, CancellationToken cancellationToken = default);

    /// <summary>
    /// If all compares hold, does all operations in one new revision; durable before it returns. Cancelling stops
    /// the wait, not the write: whether it happened is then unknown.
    /// </summary>
    /// <exception cref="StoreFullException"/>
    /// <exception cref="StoreClosedException"/>
    ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Every change of <paramref name="range"/> from <paramref name="startRevision"/> on (0: from now on), in order,
    /// without gap or duplicate, all changes of one revision together. A response without events means progress: all
    /// up to its revision has been delivered. A watcher may be as slow as it likes: it then reads from history, until that is compacted.
    /// </summary>
    /// <exception cref="CompactedException">The start, or where a slow watcher had come to, is compacted.</exception>
    /// <exception cref="StoreClosedException">The store was closed.</exception>
    IAsyncEnumerable<WatchResponse> WatchAsync(long startRevision, KeyRange range, CancellationToken cancellationToken = default);

    /// <summary>Forgets what was superseded at or before <paramref name="revision"/>.</summary>
    /// <exception cref="CompactedException">It is compacted already.</exception>
    /// <exception cref="FutureRevisionException"/>
    ValueTask CompactAsync(long revision, CancellationToken cancellationToken = default);
}
