using System.Runtime.CompilerServices;
using Timonier.Store.Embedded;
using Timonier.Store.Sqlite;
using Timonier.Store.Tree;

namespace Timonier.Store;

/// <summary>
/// The store within the process: all state in memory, every change durable on disk before the answer; or, without a directory, in
/// memory only, where a transaction is done on the caller's thread at once (virtual time needs that).
/// </summary>
public sealed class EmbeddedStore : IStore
{
    private readonly DirectoryLock? _lock;
    private readonly IValueTransformer? _transformer;
    private readonly SqliteLog? _disk;
    private readonly Committer _committer;
    private readonly Writer? _writer;
    private readonly ITimer _timer;
    private readonly PastSnapshots _past = new();
    private readonly Lock _memoryGate = new();
    private int _closed;

    private EmbeddedStore(StoreOptions options, TimeProvider timeProvider)
    {
        var schedule = new CompactionSchedule(options, timeProvider);
        try
        {
            if (options.Directory is { } directory)
            {
                _lock = new DirectoryLock(directory);
                _transformer = options.Transformer;
                _disk = new SqliteLog(Path.Combine(directory, "store.db"), options.OnFaultPoint ?? (_ => { }), options.Transformer);
            }

            _committer = new Committer(_disk, options, schedule);
            _disk?.RewriteStale();
        }
        catch
        {
            _disk?.Dispose();
            _lock?.Dispose();
            throw;
        }

        _writer = _disk is null ? null : new Writer(_committer);
        _timer = timeProvider.CreateTimer(_ => _ = CompactAsync(schedule), null, schedule.Period, schedule.Period);
    }

    /// <inheritdoc/>
    public long Revision => _committer.Current.Revision;

    /// <inheritdoc/>
    public long CompactedRevision => _committer.CompactedRevision;

    /// <inheritdoc/>
    public bool IsFull => _committer.IsFull;

    /// <inheritdoc/>
    public StoreSnapshot Current => _committer.Current;

    /// <summary>Opens a store and reads all of it: half a second for 100,000 objects.</summary>
    /// <exception cref="StoreInUseException"/>
    /// <exception cref="StoreCorruptException"/>
    /// <exception cref="StoreFullException"/>
    /// <exception cref="StoreIOException"/>
    public static EmbeddedStore Open(StoreOptions options, TimeProvider timeProvider) => new(options, timeProvider);

    /// <summary>A store of which nothing survives, for tests and simulation.</summary>
    public static EmbeddedStore InMemory(TimeProvider timeProvider) => new(new StoreOptions(), timeProvider);

    /// <inheritdoc/>
    public ValueTask<StoreSnapshot> SnapshotAsync(long revision, CancellationToken cancellationToken = default) =>
        new(Snapshot(revision, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<Entry?> GetAsync(string key, long revision = 0, CancellationToken cancellationToken = default) =>
        new(Snapshot(revision, cancellationToken).TryGet(key, out var entry) ? entry : null);

    /// <inheritdoc/>
    public ValueTask<RangeResponse> RangeAsync(KeyRange range, long revision = 0, int limit = 0, CancellationToken cancellationToken = default)
    {
        var snapshot = Snapshot(revision, cancellationToken);
        var count = snapshot.CountOf(range);
        var take = limit > 0 ? Math.Min(limit, count) : count;
        var entries = new List<Entry>(take);
        entries.AddRange(snapshot.Range(range).Take(take));
        if (take < count)
        {
            _past.Keep(snapshot); // the next page asks for this revision
        }

        return new(new RangeResponse(snapshot.Revision, entries, take < count, count));
    }

    /// <inheritdoc/>
    public async ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellationToken = default)
    {
        TransactionRules.Check(request);
        if (_transformer is { } transformer)
        {
            foreach (var operation in request.Operations)
            {
                if (operation.Bytes is not null)
                    transformer.RequireWritable(operation.Key);
            }
        }
        return await SubmitAsync(new Pending(request), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask CompactAsync(long revision, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(revision);
        await SubmitAsync(new Pending(null, revision), cancellationToken);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<WatchResponse> WatchAsync(long startRevision, KeyRange range, CancellationToken cancellationToken = default) =>
        WatchFromAsync(startRevision > 0 ? startRevision : Revision + 1, range, cancellationToken); // "now" is now, not at the first read

    /// <summary>Writes what is queued, closes the files and lets go of the directory. Watches end with <see cref="StoreClosedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 1)
        {
            return;
        }

        await _timer.DisposeAsync();
        _writer?.Dispose();
        _committer.Events.Close(new StoreClosedException("the store is closed"));
        _disk?.Dispose();
        _lock?.Dispose();
    }

    private async Task<TxnResponse> SubmitAsync(Pending pending, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _closed) == 1)
        {
            throw new StoreClosedException("the store is closed");
        }

        if (_writer is not null)
        {
            await _writer.EnqueueAsync(pending, cancellationToken);
            return await pending.Task.WaitAsync(cancellationToken);
        }

        lock (_memoryGate)
        {
            _committer.Commit([pending]);
            _committer.Maintain(idle: false);
        }

        return await pending.Task;
    }

    private async Task CompactAsync(CompactionSchedule schedule)
    {
        try
        {
            if (schedule.TakeSample(Revision) is var due && due > CompactedRevision)
            {
                await SubmitAsync(new Pending(null, due), CancellationToken.None);
            }

            _past.DropBefore(CompactedRevision);
        }
        catch (StoreException)
        {
            // A full disk: the next tick tries again. A closed store needs no compaction.
        }
    }

    private StoreSnapshot Snapshot(long revision, CancellationToken cancellationToken)
    {
        var current = Current;
        if (revision == 0 || revision == current.Revision)
        {
            return current;
        }

        if (revision > current.Revision)
        {
            throw new FutureRevisionException(revision, current.Revision);
        }

        return revision < CompactedRevision
            ? throw new CompactedException(revision, CompactedRevision)
            : _past.Find(revision) ?? _past.Keep(RollBack(current, revision, cancellationToken));
    }

    /// <summary>Takes back all changes since a revision; the trees share what did not change.</summary>
    private StoreSnapshot RollBack(StoreSnapshot from, long revision, CancellationToken cancellationToken)
    {
        var tree = new EntryTree(from.Root);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var after = revision; after < from.Revision;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var change in ReadChanges(after, from.Revision))
            {
                after = change.Revision;
                foreach (var one in change.Events)
                {
                    // The first change of a key behind the revision says what it was there.
                    if (seen.Add(one.Key))
                    {
                        _ = one.Previous is null ? tree.Remove(one.Key) : tree.Set(one.Previous);
                    }
                }
            }
        }

        return new StoreSnapshot(revision, tree.Freeze());
    }

    /// <summary>The next changes behind a revision, at least one of those through the other: from memory, or else from disk.</summary>
    private IReadOnlyList<WatchResponse> ReadChanges(long afterRevision, long throughRevision)
    {
        IReadOnlyList<WatchResponse>? changes = _committer.Events.Read(afterRevision, throughRevision);
        if (changes is null && _disk is not null && CompactedRevision <= afterRevision)
        {
            changes = _disk.ReadHistory(afterRevision, throughRevision);
        }

        // Asked after reading: whatever was deleted meanwhile, the revision had been raised before.
        return changes is null || CompactedRevision > afterRevision ? throw new CompactedException(afterRevision + 1, CompactedRevision) : changes;
    }

    private static WatchResponse InRange(WatchResponse change, KeyRange range)
    {
        foreach (var one in change.Events)
        {
            if (!range.Contains(one.Key))
            {
                return change with { Events = [.. change.Events.Where(other => range.Contains(other.Key))] };
            }
        }

        return change;
    }

    private async IAsyncEnumerable<WatchResponse> WatchFromAsync(
        long startRevision, KeyRange range, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var next = startRevision;
        if (next <= CompactedRevision)
        {
            throw new CompactedException(next, CompactedRevision);
        }

        while (true)
        {
            await _committer.Events.WaitAsync(next, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            var told = true;
            foreach (var change in ReadChanges(next - 1, Revision))
            {
                next = change.Revision + 1;
                var inRange = InRange(change, range);
                told = inRange.Events.Count > 0;
                if (told)
                {
                    yield return inRange;
                }
            }

            if (!told)
            {
                yield return new WatchResponse(next - 1, []);
            }
        }
    }
}
