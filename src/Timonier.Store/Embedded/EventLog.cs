namespace Timonier.Store.Embedded;

/// <summary>
/// The newest changes in memory, one for all watchers, which are but cursors into it: a ring of revisions without a gap, bounded in bytes.
/// </summary>
internal sealed class EventLog(long lastRevision, long bytesMax)
{
    /// <summary>What an event costs: itself 48, its array 32, its slot in the ring 16 bytes.</summary>
    private const int EventBytes = 96;

    /// <summary>What a superseded entry costs beside its value's bytes: itself 56, the array's header 24. It shares its key with the newer one.</summary>
    private const int EntryBytes = 80;

    /// <summary>One read copies at most so many revisions, so that the lock is held for microseconds.</summary>
    private const int ReadMax = 256;

    private readonly Lock _gate = new();
    private WatchResponse[] _ring = new WatchResponse[64];
    private int _head;
    private int _count;
    private long _bytes;
    private long _lastRevision = lastRevision;
    private long _signalled = lastRevision;
    private TaskCompletionSource? _advanced;
    private Exception? _closed;

    /// <summary>The bytes a change adds to history: what it supersedes is kept for it.</summary>
    public static long BytesOf(WatchResponse change)
    {
        long bytes = 0;
        foreach (var one in change.Events)
        {
            bytes += EventBytes + (one.Previous is { } previous ? EntryBytes + previous.Value.Length : 0);
        }

        return bytes;
    }

    /// <summary>Adds the next revision and drops the oldest ones that no longer fit. Returns the revision before the oldest one kept.</summary>
    public long Append(WatchResponse change)
    {
        lock (_gate)
        {
            if (_count == _ring.Length)
            {
                Array.Resize(ref _ring, _count * 2);
                Array.Copy(_ring, 0, _ring, _count, _head);
            }

            _ring[(_head + _count) & (_ring.Length - 1)] = change;
            _count++;
            _lastRevision = change.Revision;
            _bytes += BytesOf(change);
            while (_bytes > bytesMax && _count > 1)
            {
                DropFirst();
            }

            return _lastRevision - _count;
        }
    }

    /// <summary>Drops what is compacted.</summary>
    public void DropThrough(long revision)
    {
        lock (_gate)
        {
            while (_count > 0 && _lastRevision - _count < revision)
            {
                DropFirst();
            }
        }
    }

    /// <summary>The first some hundred revisions behind one through another; null: the first of them is here no more.</summary>
    public WatchResponse[]? Read(long afterRevision, long throughRevision)
    {
        lock (_gate)
        {
            var skip = afterRevision - (_lastRevision - _count);
            if (skip < 0)
            {
                return null;
            }

            var result = new WatchResponse[Math.Clamp(Math.Min(throughRevision, _lastRevision) - afterRevision, 0, ReadMax)];
            for (var i = 0; i < result.Length; i++)
            {
                result[i] = _ring[(_head + skip + i) & (_ring.Length - 1)];
            }

            return result;
        }
    }

    /// <summary>Completes when a revision has been signalled.</summary>
    public Task WaitAsync(long revision, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_signalled >= revision)
            {
                return Task.CompletedTask;
            }

            if (_closed is not null)
            {
                return Task.FromException(_closed);
            }

            _advanced ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _advanced.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Wakes who waits: once per commit, when the state of this revision can be read.</summary>
    public void Signal(long revision)
    {
        TaskCompletionSource? waiters;
        lock (_gate)
        {
            _signalled = Math.Max(_signalled, revision);
            (waiters, _advanced) = (_advanced, null);
        }

        waiters?.SetResult();
    }

    /// <summary>Whoever has read everything gets <paramref name="reason"/>.</summary>
    public void Close(Exception reason)
    {
        lock (_gate)
        {
            _closed = reason;
        }

        Signal(0);
    }

    private void DropFirst()
    {
        _bytes -= BytesOf(_ring[_head]);
        _ring[_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
    }
}
