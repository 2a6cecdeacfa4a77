namespace Timonier.ApiServer.Cache;

/// <summary>
/// The newest events of one resource in order, bounded. Watchers are cursors into it: positions count up for ever, and whoever
/// falls behind the oldest one kept reads on from the store's history. One writer (the dispatcher), any number of readers.
/// </summary>
internal sealed class EventRing(long startRevision, TimeProvider time)
{
    /// <summary>Events kept: at 1,000 changes a second some seconds; superseded objects stay in memory for so long.</summary>
    private const int EventsMax = 1024;

    /// <summary>And no more than this many bytes of superseded objects.</summary>
    private const long BytesMax = 4 << 20;

    private readonly Lock _gate = new();
    private WatchEvent[] _ring = new WatchEvent[16];
    private long _first;
    private long _next;
    private long _bytes;
    private long _baseRevision = startRevision;
    private readonly InterestIndex _watchers = new(time);

    /// <summary>The position of the next event to come.</summary>
    public long End
    {
        get
        {
            lock (_gate)
                return _next;
        }
    }

    public void Append(WatchEvent change)
    {
        lock (_gate)
        {
            if (_next - _first == _ring.Length)
            {
                if (_ring.Length < EventsMax)
                    Grow();
                else
                    DropFirst();
            }
            _ring[_next & (_ring.Length - 1)] = change;
            _watchers.Touch(change, _next);
            _next++;
            _bytes += Bytes(change);
            while (_bytes > BytesMax && _next - _first > 1)
                DropFirst();
        }
    }

    /// <summary>Wakes the watchers that wait and that the events since the last call concern: once per commit.</summary>
    public void Signal()
    {
        List<WaitingWatchers> touched = [];
        lock (_gate)
            _watchers.TakeTouched(touched);
        foreach (var group in touched)
            group.Wake();
    }

    /// <summary>Wakes all watchers that wait.</summary>
    public void Pulse()
    {
        lock (_gate)
            WakeAll(_next);
    }

    private void WakeAll(long position)
    {
        List<WaitingWatchers> all = [];
        _watchers.TakeAll(all, position);
        foreach (var group in all)
            group.Wake();
    }

    /// <summary>Before a watcher waits for the first time; <see cref="Part"/> is for its end.</summary>
    public WaitingWatchers Join(Interest interest)
    {
        lock (_gate)
            return _watchers.Join(interest);
    }

    public void Part(Interest interest, WaitingWatchers group)
    {
        lock (_gate)
            _watchers.Part(interest, group);
    }

    /// <summary>Forgets everything up to a revision that the dispatcher had to jump to.</summary>
    public void Reset(long revision)
    {
        lock (_gate)
        {
            while (_first < _next)
                DropFirst();
            _first = ++_next; // a cursor that had read everything falls out too: what it misses was never here
            _baseRevision = revision;
            WakeAll(0);
        }
    }

    /// <summary>The position of the first event behind a revision; false when events behind it are gone already.</summary>
    public bool TryFind(long revision, out long position)
    {
        lock (_gate)
        {
            long low = _first, high = _next;
            while (low < high)
            {
                var middle = low + (high - low) / 2;
                if (_ring[middle & (_ring.Length - 1)].Revision <= revision)
                    low = middle + 1;
                else
                    high = middle;
            }
            position = low;
            return revision >= _baseRevision;
        }
    }

    /// <summary>Copies the next events; the number copied, or -1 when the position is gone.</summary>
    public int Read(long position, Span<WatchEvent> events)
    {
        lock (_gate)
        {
            if (position < _first)
                return -1;
            var count = (int)Math.Min(events.Length, _next - position);
            for (var i = 0; i < count; i++)
                events[i] = _ring[(position + i) & (_ring.Length - 1)];
            return count;
        }
    }

    /// <summary>Completes when an event behind the position concerns the group (or the position is gone).</summary>
    /// <param name="group">Of <see cref="Join"/>: the events at and behind <see cref="WatchWait.From"/> are the first that may concern it.</param>
    public ValueTask WaitAsync(long position, WaitingWatchers group, WatchWait wait)
    {
        lock (_gate)
        {
            if (position < _next)
                return ValueTask.CompletedTask;
            var woken = wait.Begin();
            group.Add(wait);
            return woken;
        }
    }

    private static long Bytes(WatchEvent change) => 200 + (change.Previous?.Value.Length ?? 0);

    private void Grow()
    {
        var larger = new WatchEvent[_ring.Length * 2];
        for (var at = _first; at < _next; at++)
            larger[at & (larger.Length - 1)] = _ring[at & (_ring.Length - 1)];
        _ring = larger;
    }

    private void DropFirst()
    {
        ref var slot = ref _ring[_first & (_ring.Length - 1)];
        _bytes -= Bytes(slot);
        _baseRevision = slot.Revision;
        slot = null!;
        _first++;
    }
}
