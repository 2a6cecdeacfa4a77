namespace Timonier.Store.Embedded;

/// <summary>The few past states that were read last, so that paging at an old revision rolls back once, not once per page.</summary>
internal sealed class PastSnapshots
{
    /// <summary>Clients that page at the same time. Each holds the values that were superseded since, until the next compaction passes it.</summary>
    private const int SnapshotsMax = 8;

    private readonly Lock _gate = new();
    private readonly List<StoreSnapshot> _snapshots = [];

    public StoreSnapshot? Find(long revision)
    {
        lock (_gate)
        {
            return _snapshots.Find(one => one.Revision == revision);
        }
    }

    public StoreSnapshot Keep(StoreSnapshot snapshot)
    {
        lock (_gate)
        {
            _snapshots.RemoveAll(one => one.Revision == snapshot.Revision);
            _snapshots.Add(snapshot);
            if (_snapshots.Count > SnapshotsMax)
            {
                _snapshots.RemoveAt(0);
            }
        }

        return snapshot;
    }

    public void DropBefore(long revision)
    {
        lock (_gate)
        {
            _snapshots.RemoveAll(one => one.Revision < revision);
        }
    }
}
