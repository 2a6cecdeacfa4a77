namespace Timonier.Client;

/// <summary>
/// Keys to work on. A key stands in the queue at most once; one that is added while a worker has it comes again after
/// <see cref="Done"/>; no key is with two workers at a time. The queue is bounded by the number of distinct keys, which
/// are names of objects that exist. Thread-safe.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable where TKey : notnull
{
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Queue<TKey> _ready = [];
    private readonly SemaphoreSlim _available = new(0);

    /// <summary>Keys to be worked on, and since when. Those in it and not in <see cref="_processing"/> are in <see cref="_ready"/>, the others will be when done.</summary>
    private readonly Dictionary<TKey, long> _dirty = [];
    private readonly Dictionary<TKey, long> _processing = [];

    /// <summary>Upstream's, of workqueue_queue_duration_seconds and workqueue_work_duration_seconds: from ten nanoseconds on, each ten times the one before.</summary>
    private static readonly double[] Bounds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

    private readonly Histogram _waited = new(Bounds), _worked = new(Bounds);

    /// <summary>When a key is due: the earliest of its delayed adds. The heap may hold later, outdated entries.</summary>
    private readonly Dictionary<TKey, long> _due = [];
    private readonly PriorityQueue<TKey, long> _delayed = new();
    private readonly ITimer _timer;
    private readonly RetryLimiter<TKey> _limiter;

    public WorkQueue(TimeProvider time)
    {
        (_time, _limiter) = (time, new RetryLimiter<TKey>(time));
        _timer = time.CreateTimer(_ => AddDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private long _adds;
    private long _retries;

    public QueueFigures Figures
    {
        get
        {
            lock (_lock)
            {
                var (all, longest) = (TimeSpan.Zero, TimeSpan.Zero);
                foreach (var (_, since) in _processing)
                {
                    var time = _time.GetElapsedTime(since);
                    (all, longest) = (all + time, time > longest ? time : longest);
                }
                return new(_ready.Count, _adds, _retries, _waited, _worked, all, longest);
            }
        }
    }

    /// <summary>Keys that wait to be worked on now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _ready.Count;
        }
    }

    public void Add(TKey key)
    {
        lock (_lock)
            AddNow(key);
    }

    /// <summary>Adds the key when the delay is over; of several delays the shortest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            if (delay <= TimeSpan.Zero)
                AddNow(key);
            else
                AddLater(key, delay);
        }
    }

    /// <summary>Adds the key after the delay that its failures so far have earned.</summary>
    public void AddRateLimited(TKey key)
    {
        lock (_lock)
        {
            _retries++;
            AddLater(key, _limiter.Next(key));
        }
    }

    /// <summary>The key's failures do not count any more.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
            _limiter.Forget(key);
    }

    public int Failures(TKey key)
    {
        lock (_lock)
            return _limiter.Failures(key);
    }

    /// <summary>Waits for a key. The caller must call <see cref="Done"/> for it.</summary>
    public async ValueTask<TKey> GetAsync(CancellationToken cancellationToken)
    {
        await _available.WaitAsync(cancellationToken);
        return Take();
    }

    /// <summary>As <see cref="GetAsync"/>, without waiting: tests drive loops by it.</summary>
    public bool TryGet(out TKey key)
    {
        var there = _available.Wait(0);
        key = there ? Take() : default!;
        return there;
    }

    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (_processing.Remove(key, out var since))
                _worked.Add(_time.GetElapsedTime(since));
            if (_dirty.ContainsKey(key))
                Enqueue(key);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _available.Dispose();
    }

    private TKey Take()
    {
        lock (_lock)
        {
            var key = _ready.Dequeue();
            var now = _time.GetTimestamp();
            if (_dirty.Remove(key, out var since))
                _waited.Add(_time.GetElapsedTime(since, now));
            _processing[key] = now;
            return key;
        }
    }

    private void AddNow(TKey key)
    {
        if (!_dirty.TryAdd(key, _time.GetTimestamp()))
            return;
        _adds++;
        if (!_processing.ContainsKey(key))
            Enqueue(key);
    }

    private void Enqueue(TKey key)
    {
        _ready.Enqueue(key);
        _available.Release();
    }

    private void AddLater(TKey key, TimeSpan delay)
    {
        var due = _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);
        if (_due.TryGetValue(key, out var known) && known <= due)
            return;
        _due[key] = due;
        _delayed.Enqueue(key, due);
        if (_delayed.Peek().Equals(key))
            _timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    private void AddDue()
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            while (_delayed.TryPeek(out var key, out var due))
            {
                if (due > now)
                {
                    // Rounded up: a timer that fires a moment early would fire twice.
                    var wait = TimeSpan.FromMilliseconds(Math.Ceiling(_time.GetElapsedTime(now, due).TotalMilliseconds));
                    _timer.Change(wait, Timeout.InfiniteTimeSpan);
                    return;
                }
                _delayed.Dequeue();
                if (_due.TryGetValue(key, out var wanted) && wanted == due)
                {
                    _due.Remove(key);
                    AddNow(key);
                }
            }
        }
    }
}
