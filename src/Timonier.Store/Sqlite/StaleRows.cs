namespace Timonier.Store.Sqlite;

/// <summary>
/// Rows whose values are on disk in another form than they would be written in now: under an older key, or in plain. They are rewritten when
/// the store opens, so that a key that is no longer wanted may go, and no plain value stays behind.
/// </summary>
internal sealed class StaleRows(Database database, IValueTransformer? transformer)
{
    /// <summary>Rows of one transaction.</summary>
    private const int BatchMax = 256;

    private readonly List<(long Id, string Key)> _rows = [];

    public bool Any => _rows.Count > 0;

    /// <summary>One was found while the store was read.</summary>
    public void Add(long id, string key) => _rows.Add((id, key));

    /// <summary>A full disk is no error: what is there can be read, and the next start tries again.</summary>
    /// <param name="transact">Does work, all or none; the work returns by how much the sum of the rows' checksums has changed.</param>
    public void Rewrite(Action<Func<long>> transact)
    {
        try
        {
            using var select = database.Prepare("SELECT prev, value, crc, created, version FROM log WHERE id = ?1");
            using var update = database.Prepare("UPDATE log SET value = ?2, crc = ?3 WHERE id = ?1");
            foreach (var batch in _rows.Chunk(BatchMax))
            {
                transact(() => batch.Sum(row => Rewrite(select, update, row.Id, row.Key)));
            }
            // Deleted and overwritten values stay in free pages and in the WAL until these are rewritten too.
            database.Execute("VACUUM");
            database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (StoreFullException)
        {
        }
        _rows.Clear();
    }

    private unsafe long Rewrite(Statement select, Statement update, long id, string key)
    {
        select.Bind(1, id);
        long previous, crc, created, version;
        byte[] value;
        try
        {
            if (!select.Step())
                return 0;
            (previous, crc, created, version) = (select.Int64(0), select.Int64(2), select.Int64(3), select.Int64(4));
            value = transformer!.ToDisk(key, transformer.FromDisk(key, select.Blob(1), out _));
        }
        finally
        {
            select.Reset();
        }
        update.Bind(1, id);
        fixed (byte* blob = value)
        {
            var empty = (byte)0;
            var now = LogRow.Checksum(id, previous, System.Text.Encoding.UTF8.GetBytes(key), value);
            update.BindBlob(2, value.Length == 0 ? &empty : blob, value.Length);
            update.Bind(3, now);
            update.Run();
            return LogRow.Term(now, created, version) - LogRow.Term(crc, created, version);
        }
    }
}
