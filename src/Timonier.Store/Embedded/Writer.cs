namespace Timonier.Store.Embedded;

/// <summary>
/// The one thread that writes. All that came while it was syncing the disk goes into its next transaction (group commit). A
/// thread of its own, since a sync blocks: on the pool it would take the place of one of two.
/// </summary>
internal sealed class Writer : IDisposable
{
    /// <summary>One commit takes at most so much: it bounds the time to its reply, and what a full disk refuses at once.</summary>
    private const int BatchCountMax = 512, BatchBytesMax = 4 << 20;

    /// <summary>Callers beyond it wait for a place in the queue.</summary>
    private const int QueueMax = 4096;

    private readonly Committer _committer;
    private readonly Thread _thread;
    private readonly SemaphoreSlim _places = new(QueueMax); // never disposed: who waits for a place at the end still gets its answer
    private readonly object _gate = new();
    private readonly Queue<Pending> _queue = new();
    private bool _closing;

    public Writer(Committer committer)
    {
        _committer = committer;
        _thread = new Thread(Run) { IsBackground = true, Name = "store writer" };
        _thread.Start();
    }

    public async ValueTask EnqueueAsync(Pending pending, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        lock (_gate)
        {
            if (_closing)
            {
                _places.Release();
                throw new StoreClosedException("the store is closed");
            }

            _queue.Enqueue(pending);
            if (_queue.Count == 1)
            {
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>Writes what is queued, then ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        var batch = new List<Pending>();
        while (Take(batch))
        {
            if (batch.Count > 0)
            {
                _committer.Commit(batch);
                _places.Release(batch.Count);
            }

            _committer.Maintain(idle: batch.Count == 0);
            batch.Clear();
        }
    }

    /// <summary>Takes what is queued; nothing: there is time to clean. False: closed, and all is written.</summary>
    private bool Take(List<Pending> batch)
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                if (_closing)
                {
                    return false;
                }

                if (_committer.CleanPending)
                {
                    return true;
                }

                Monitor.Wait(_gate);
            }

            var bytes = 0L;
            while (batch.Count < BatchCountMax && bytes < BatchBytesMax && _queue.TryDequeue(out var pending))
            {
                batch.Add(pending);
                bytes += pending.Request?.Bytes ?? 0;
            }

            return true;
        }
    }
}
