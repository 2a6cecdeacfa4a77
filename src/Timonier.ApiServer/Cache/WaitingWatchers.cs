using System.Threading.Tasks.Sources;

namespace Timonier.ApiServer.Cache;

/// <summary>
/// Watchers that wait for a ring's next event that concerns them. Few are woken at once. A crowd is woken at most once in a pause that grows with it, so that a
/// flush carries several events (a flush costs a TLS record, a system call and a wake-up; an event only its bytes), and a slice at a
/// time, so that the requests of others come in between.
/// </summary>
internal sealed class WaitingWatchers(TimeProvider time) : IThreadPoolWorkItem
{
    /// <summary>Some 20 µs of work each: nobody waits longer than a slice for a thread.</summary>
    private const int SliceMax = 16;

    /// <summary>So many watchers are no crowd: each event reaches them at once.</summary>
    private const int CrowdMin = 100;

    // A thousand watchers take a core some 20 ms: at 50 ms more than half of it is left, and lateness stays below the tenth of a second that is promised.
    private static readonly TimeSpan PausePerWatcher = TimeSpan.FromMicroseconds(50), PauseMax = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private List<WatchWait> _waiting = [], _round = [];
    private int _woken;
    private bool _busy, _again;
    private long _lastRound, _from = long.MaxValue, _roundFrom;

    /// <summary>Watchers that wait here from time to time; their owner counts.</summary>
    public int Members { get; set; }

    /// <summary>The event at the position may concern those who wait here.</summary>
    public void Touch(long position)
    {
        lock (_gate)
            _from = Math.Min(_from, position);
    }

    public void Add(WatchWait wait)
    {
        lock (_gate)
            _waiting.Add(wait);
    }

    /// <summary>Ends the wait of a watcher that leaves.</summary>
    public void Leave(WatchWait wait)
    {
        lock (_gate)
            _waiting.Remove(wait);
        wait.Wake(0);
    }

    /// <summary>Wakes all that wait now, at once or soon.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _again = true;
            if (_busy || _waiting.Count == 0)
                return;
            _busy = true;
            if (_waiting.Count > SliceMax)
            {
                Schedule();
                return;
            }
        }
        Execute();
    }

    /// <summary>Wakes a slice. One at a time: whoever sets <see cref="_busy"/> sees to it that this runs.</summary>
    public void Execute()
    {
        int from, to;
        long position;
        lock (_gate)
        {
            if (_woken == _round.Count)
            {
                _round.Clear();
                (_round, _waiting) = (_waiting, _round);
                (_woken, _again, _lastRound) = (0, false, time.GetTimestamp());
                (_roundFrom, _from) = (_from, long.MaxValue);
            }
            (from, to) = (_woken, Math.Min(_woken + SliceMax, _round.Count));
            (_woken, position) = (to, _roundFrom);
        }
        for (var i = from; i < to; i++)
            _round[i].Wake(position);
        lock (_gate)
        {
            if (_woken < _round.Count)
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            else if (_again && _waiting.Count > 0)
                Schedule();
            else
                _busy = false;
        }
    }

    private void Schedule()
    {
        var pause = _waiting.Count < CrowdMin ? TimeSpan.Zero : _waiting.Count * PausePerWatcher;
        var left = (pause < PauseMax ? pause : PauseMax) - time.GetElapsedTime(_lastRound);
        if (left <= TimeSpan.Zero)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
        _ = ExecuteAfterAsync(left);
    }

    private async Task ExecuteAfterAsync(TimeSpan pause)
    {
        await Task.Delay(pause, time);
        Execute();
    }
}

/// <summary>A watcher's wait, used again for each: a watch that waits a million times allocates one.</summary>
internal sealed class WatchWait : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _waits;

    /// <summary>After a wait: no event before this position is new to the watcher. 0: it was not said.</summary>
    public long From { get; private set; }

    /// <summary>Begins to wait. The task must be awaited, once, before the next begin.</summary>
    public ValueTask Begin()
    {
        _source.Reset();
        Volatile.Write(ref _waits, 1);
        return new ValueTask(this, _source.Version);
    }

    /// <summary>Ends the wait, if there is one.</summary>
    public void Wake(long from)
    {
        if (Interlocked.Exchange(ref _waits, 0) != 1)
            return;
        From = from;
        _source.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
