using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Queue;

/// <summary>
/// Pods that wait for a node: the ready ones by priority and age, those that failed in backoff, and those that no node
/// fits, set aside until something changes in the cluster. Thread-safe; one reader.
/// </summary>
public sealed class SchedulingQueue(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan BackoffMin = TimeSpan.FromSeconds(1), BackoffMax = TimeSpan.FromSeconds(10);

    // A change that should have woken a pod may be missed; after this long it is tried all the same.
    private static readonly TimeSpan UnschedulableMax = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _changed = new(0, 1);
    private long _arrivals;
    private long _moves;

    private enum Place { Ready, Backoff, Unschedulable, Taken }

    private sealed class Entry
    {
        public required PodInfo Pod { get; set; }
        public required long Arrival { get; init; }
        public Place Place { get; set; }
        public int Attempts { get; set; }
        public DateTimeOffset Due { get; set; }

        /// <summary>The count of moves when the pod was taken: a later move means that the decision was made on old facts.</summary>
        public long MovesSeen { get; set; }
    }

    /// <summary>A new pod, or a change of one: a changed pod is tried again at once.</summary>
    public void Set(PodInfo pod)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(pod.Uid, out var entry))
                _entries[pod.Uid] = new Entry { Pod = pod, Arrival = _arrivals++ };
            else
            {
                entry.Pod = pod;
                if (entry.Place == Place.Unschedulable)
                    entry.Place = entry.Due > time.GetUtcNow() ? Place.Backoff : Place.Ready;
            }
        }
        Signal();
    }

    /// <summary>News of a pod that change nothing for where it may run (its status): keeps it where it is.</summary>
    public void Refresh(PodInfo pod)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(pod.Uid, out var entry))
                entry.Pod = pod;
        }
    }

    public void Remove(string uid)
    {
        lock (_lock)
            _entries.Remove(uid);
    }

    /// <summary>Something changed that may make room: every pod set aside gets another try, after its backoff.</summary>
    public void MoveAll()
    {
        lock (_lock)
        {
            _moves++;
            foreach (var entry in _entries.Values)
            {
                if (entry.Place == Place.Unschedulable)
                    entry.Place = Place.Backoff;
            }
        }
        Signal();
    }

    /// <summary>The pod taken last could not be placed, or not be bound.</summary>
    /// <param name="error">A fault of ours or of the API: it is tried again after its backoff, whatever happens in the cluster.</param>
    public void Failed(string uid, bool error)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(uid, out var entry))
                return;
            var now = time.GetUtcNow();
            var backoff = TimeSpan.FromTicks(Math.Min(BackoffMax.Ticks, BackoffMin.Ticks << Math.Min(entry.Attempts - 1, 8)));
            entry.Due = now + backoff;
            entry.Place = error || entry.MovesSeen != _moves ? Place.Backoff : Place.Unschedulable;
        }
        Signal();
    }

    /// <summary>The most important pod that is ready; waits until there is one.</summary>
    public async Task<PodInfo> TakeAsync(CancellationToken cancel)
    {
        while (true)
        {
            TimeSpan wait;
            lock (_lock)
            {
                if (TryTake(out wait) is { } pod)
                    return pod;
            }
            if (wait == Timeout.InfiniteTimeSpan)
            {
                await _changed.WaitAsync(cancel);
                continue;
            }
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var changed = _changed.WaitAsync(stop.Token);
            await Task.WhenAny(changed, Task.Delay(wait, time, stop.Token));
            await stop.CancelAsync();
            cancel.ThrowIfCancellationRequested();
        }
    }

    private PodInfo? TryTake(out TimeSpan wait)
    {
        wait = Timeout.InfiniteTimeSpan;
        var now = time.GetUtcNow();
        Entry? best = null;
        foreach (var entry in _entries.Values)
        {
            var due = entry.Place switch { Place.Backoff => entry.Due, Place.Unschedulable => entry.Due + UnschedulableMax, _ => DateTimeOffset.MinValue };
            if (entry.Place == Place.Taken)
                continue;
            if (due > now)
                wait = wait == Timeout.InfiniteTimeSpan || due - now < wait ? due - now : wait;
            else if (best is null || entry.Pod.Priority > best.Pod.Priority || (entry.Pod.Priority == best.Pod.Priority && entry.Arrival < best.Arrival))
                best = entry;
        }
        if (best is null)
            return null;
        best.Place = Place.Taken;
        best.Attempts++;
        best.MovesSeen = _moves;
        return best.Pod;
    }

    /// <summary>Pods that wait: to be taken, for a backoff to end, for the cluster to change.</summary>
    public (int Active, int Backoff, int Unschedulable) Pending
    {
        get
        {
            lock (_lock)
            {
                int Of(Place place) => _entries.Values.Count(e => e.Place == place);
                return (Of(Place.Ready), Of(Place.Backoff), Of(Place.Unschedulable));
            }
        }
    }

    public void Dispose() => _changed.Dispose();

    private void Signal()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // The reader has not yet seen the last change: one wake-up tells of both.
        }
    }
}
