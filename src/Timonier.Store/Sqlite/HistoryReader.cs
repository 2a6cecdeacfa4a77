namespace Timonier.Store.Sqlite;

/// <summary>Reads past changes on a connection of its own, so that a slow watcher does not hold up the writer.</summary>
internal sealed class HistoryReader : IDisposable
{
    /// <summary>One read ends after this many bytes of values or this many changes, at the end of a revision: the bound of what a slow watcher holds.</summary>
    private const int ReadBytes = 1 << 20, ReadChanges = 1000;

    private readonly Lock _gate = new();
    private readonly IValueTransformer? _transformer;
    private readonly Database _database;
    private readonly Statement _select;
    private bool _closed;

    public HistoryReader(string path, IValueTransformer? transformer)
    {
        _transformer = transformer;
        _database = new Database(path);
        try
        {
            _select = _database.Prepare("""
                SELECT l.id, l.created, l.version, l.key, l.value, p.id, p.created, p.version, p.value, l.prev, l.crc, p.prev, p.crc
                FROM log l LEFT JOIN log p ON p.id = l.prev WHERE l.id > ?1 AND l.id < ?2 ORDER BY l.id
                """);
        }
        catch
        {
            _database.Dispose();
            throw;
        }
    }

    /// <summary>Changes behind one revision through another, or the first part of them.</summary>
    public List<WatchResponse> Read(long afterRevision, long throughRevision)
    {
        var responses = new List<WatchResponse>();
        var events = new List<StoreEvent>();
        lock (_gate)
        {
            if (_closed)
            {
                throw new StoreClosedException("the store is closed");
            }

            _select.Bind(1, SqliteLog.IdBefore(afterRevision + 1));
            _select.Bind(2, SqliteLog.IdBefore(throughRevision + 1) + 1);
            var (bytes, changes) = (0L, 0);
            try
            {
                while (_select.Step())
                {
                    var change = ReadEvent();
                    if (events.Count > 0 && events[0].Revision != change.Revision)
                    {
                        responses.Add(new WatchResponse(events[0].Revision, events.ToArray()));
                        events.Clear();
                        if (bytes > ReadBytes || changes > ReadChanges)
                        {
                            return responses;
                        }
                    }

                    events.Add(change);
                    changes++;
                    bytes += (change.Current?.Value.Length ?? 0) + (change.Previous?.Value.Length ?? 0);
                }
            }
            finally
            {
                _select.Reset();
            }
        }

        if (events.Count > 0)
        {
            responses.Add(new WatchResponse(events[0].Revision, events.ToArray()));
        }

        return responses;
    }

    /// <summary>Does something while nobody reads.</summary>
    public void Exclusively(Action work)
    {
        lock (_gate)
        {
            work();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _database.Dispose();
        }
    }

    private StoreEvent ReadEvent()
    {
        var id = _select.Int64(0);
        var key = _select.Text(3);
        var change = new StoreEvent(
            id / TxnRequest.OperationsMax,
            LogRow.ReadEntry(_select, id, 1, key, 4, _transformer, out _),
            _select.IsNull(5) ? null : LogRow.ReadEntry(_select, _select.Int64(5), 6, key, 8, _transformer, out _));
        Check(id, 9, 4);
        if (!_select.IsNull(5))
        {
            Check(_select.Int64(5), 11, 8);
        }

        return change;
    }

    private void Check(long id, int previousIdColumn, int valueColumn)
    {
        var value = _select.IsNull(valueColumn) ? default : _select.Bytes(valueColumn);
        if (LogRow.Checksum(id, _select.Int64(previousIdColumn), _select.Bytes(3), value) != _select.Int64(previousIdColumn + 1))
        {
            throw new StoreCorruptException($"row {id} of the store's log fails its checksum");
        }
    }
}
