namespace Timonier.Store.Embedded;

/// <summary>
/// Decides what history is old enough to be forgotten, from a few samples of how revisions and bytes grow with time. Example
/// (5 minutes): a sample every 30 seconds; the newest one that is 5 minutes old is the revision to compact at.
/// </summary>
internal sealed class CompactionSchedule(StoreOptions options, TimeProvider timeProvider)
{
    private const int SamplesPerRetention = 10;

    private readonly Lock _gate = new();
    private readonly Queue<Sample> _samples = new();
    private long _bytes;
    private long _bytesAtSample;

    public TimeSpan Period => options.HistoryRetention / SamplesPerRetention;

    /// <summary>Counts history; true: so much came that a sample is due before its time.</summary>
    public bool Add(long bytes)
    {
        lock (_gate)
        {
            _bytes += bytes;
            return _bytes - _bytesAtSample > options.HistoryBytesMax / SamplesPerRetention;
        }
    }

    /// <summary>Takes a sample and returns the revision to compact at, 0 if none.</summary>
    public long TakeSample(long revision)
    {
        lock (_gate)
        {
            _bytesAtSample = _bytes;
            _samples.Enqueue(new Sample(timeProvider.GetTimestamp(), revision, _bytes));
            long due = 0;
            while (_samples.TryPeek(out var oldest)
                && (timeProvider.GetElapsedTime(oldest.Timestamp) >= options.HistoryRetention || _bytes - oldest.Bytes > options.HistoryBytesMax))
            {
                due = _samples.Dequeue().Revision;
            }

            return due;
        }
    }

    private readonly record struct Sample(long Timestamp, long Revision, long Bytes);
}
