using Timonier.Store.Sqlite;
using Timonier.Store.Tree;

namespace Timonier.Store.Embedded;

/// <summary>
/// The state and the only code that changes it, a batch at a time: 1 apply to a copy · 2 append to disk · 3 publish · 4 reply. Until
/// published, nobody sees a change; if the disk refuses, the copy is dropped. <see cref="Commit"/> and <see cref="Maintain"/>: one thread at a time.
/// </summary>
internal sealed class Committer
{
    /// <summary>Superseded rows deleted in one go while nobody waits: some milliseconds that a write may have to wait for.</summary>
    private const int CleanRowsMax = 256;

    private readonly SqliteLog? _disk;
    private readonly CompactionSchedule _schedule;
    private readonly Action<StoreFaultPoint> _reach;
    private volatile StoreSnapshot _current;
    private long _compactedRevision;
    private StoreClosedException? _failure;
    private volatile bool _isFull;
    private bool _cleanPaused;
    private bool _sampleDue;

    public Committer(SqliteLog? disk, StoreOptions options, CompactionSchedule schedule)
    {
        _disk = disk;
        _schedule = schedule;
        _reach = options.OnFaultPoint ?? (_ => { });
        _compactedRevision = disk?.CompactedRevision ?? 0;
        var revision = Math.Max(_compactedRevision, 1); // as in etcd, the first write is revision 2
        Events = new EventLog(revision, options.HistoryMemoryBytesMax);
        _current = disk is null ? new StoreSnapshot(revision, Node.Empty) : StateLoader.Load(disk, revision, Remember);
        disk?.ShrinkIfWorth();
        Events.Signal(_current.Revision);
    }

    public StoreSnapshot Current => _current;

    /// <summary>See <see cref="IStore.IsFull"/>.</summary>
    public bool IsFull => _isFull;

    public EventLog Events { get; }

    /// <summary>Raised before anything is deleted: who reads history looks at it after reading.</summary>
    public long CompactedRevision => Volatile.Read(ref _compactedRevision);

    /// <summary>Compaction has rows left to delete, for when there is nothing else to do.</summary>
    public bool CleanPending => !_cleanPaused && _failure is null && _disk is { CleanPending: true };

    public void Commit(IReadOnlyList<Pending> batch)
    {
        try
        {
            CommitTransactions(batch);
        }
        catch (Exception e)
        {
            StoreException refusal = e is StoreFullException full ? full : Fail(e);
            _isFull = e is StoreFullException;
            foreach (var pending in batch)
            {
                pending.TrySetException(refusal);
            }

            return;
        }

        foreach (var pending in batch)
        {
            if (pending.Response is { } response)
            {
                pending.TrySetResult(response);
            }
            else
            {
                Compact(pending);
            }
        }
    }

    /// <summary>What is done after the reply: bounds the history, deletes superseded rows if <paramref name="idle"/>, shortens the WAL.</summary>
    public void Maintain(bool idle)
    {
        try
        {
            if (_sampleDue && _failure is null)
            {
                _sampleDue = false;
                CompactAt(_schedule.TakeSample(_current.Revision));
            }

            if (idle && CleanPending)
            {
                _disk!.Clean(CleanRowsMax);
            }

            _disk?.CheckpointIfDue();
        }
        catch (StoreFullException)
        {
            _cleanPaused = true; // until a write succeeds, or the next compaction
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void CommitTransactions(IReadOnlyList<Pending> batch)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        var tree = new EntryTree(_current.Root);
        var revision = _current.Revision;
        var changes = new List<WatchResponse>();
        foreach (var pending in batch)
        {
            if (pending.Request is { } request)
            {
                pending.Response = TransactionRules.Apply(request, tree, revision, out var events);
                if (events.Length > 0)
                {
                    changes.Add(new WatchResponse(++revision, events));
                }
            }
        }

        if (changes.Count == 0)
        {
            return;
        }

        _disk?.Append(changes);
        _isFull = false;
        ReachBeforeReply();
        foreach (var change in changes)
        {
            Remember(change);
        }

        _current = new StoreSnapshot(revision, tree.Freeze());
        _cleanPaused = false;
        Events.Signal(revision);
    }

    private void ReachBeforeReply()
    {
        try
        {
            _reach(StoreFaultPoint.BeforeReply);
        }
        catch (Exception e)
        {
            throw Fail(e); // whatever it was: the disk is now ahead of what we show
        }
    }

    /// <summary>Keeps a change for watchers; without a disk, what no longer fits in memory is compacted.</summary>
    private void Remember(WatchResponse change)
    {
        var beforeFirst = Events.Append(change);
        if (_disk is null)
        {
            _compactedRevision = Math.Max(_compactedRevision, beforeFirst > 1 ? beforeFirst : 0);
        }

        _sampleDue |= _schedule.Add(EventLog.BytesOf(change));
    }

    private void Compact(Pending pending)
    {
        try
        {
            if (pending.CompactRevision <= _compactedRevision)
            {
                throw new CompactedException(pending.CompactRevision, _compactedRevision);
            }

            CompactAt(pending.CompactRevision);
            pending.TrySetResult(new TxnResponse(true, _current.Revision, []));
        }
        catch (StoreException e) when (e is FutureRevisionException or CompactedException or StoreFullException)
        {
            pending.TrySetException(e);
        }
        catch (Exception e)
        {
            pending.TrySetException(Fail(e));
        }
    }

    private void CompactAt(long revision)
    {
        if (revision > _current.Revision)
        {
            throw new FutureRevisionException(revision, _current.Revision);
        }

        if (revision > _compactedRevision)
        {
            // The order matters to who reads history meanwhile: told first, then dropped.
            _disk?.Compact(revision);
            Volatile.Write(ref _compactedRevision, revision);
            Events.DropThrough(revision);
        }

        _cleanPaused = false;
    }

    private StoreClosedException Fail(Exception e)
    {
        _failure ??= e as StoreClosedException ?? new StoreClosedException($"the store takes no writes after a failure: {e.Message}", e);
        Events.Close(_failure);
        return _failure;
    }
}
