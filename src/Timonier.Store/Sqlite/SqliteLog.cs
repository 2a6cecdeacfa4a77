using System.Buffers;
using System.Text;

namespace Timonier.Store.Sqlite;

/// <summary>
/// The store on disk: one table to which every change is appended in the order of revisions, and from which compaction deletes
/// what was superseded. Reading it from start to end rebuilds the state and what history there is. One thread writes; one may read history meanwhile.
/// </summary>
internal sealed class SqliteLog : IDisposable
{
    /// <summary>The file's own words for "this is a timonier store": "TiMo" in ASCII. Never changes.</summary>
    private const int ApplicationId = 0x54694d6f;

    /// <summary>The form of the tables. A new form gets the next number and code that reads the old one.</summary>
    private const int FormatVersion = 1;

    /// <summary>A row's id is its revision times this plus its number within the revision, so that rows lie in order.</summary>
    private const int RowsPerRevision = TxnRequest.OperationsMax;

    /// <summary>The WAL is copied into the database when about this much is in it: rarely enough to cost little, soon enough to keep the file small.</summary>
    private const long CheckpointBytes = 16L << 20;

    /// <summary>What <see cref="ShrinkIfWorth"/> must give back at least.</summary>
    private const long ShrinkBytesMin = 64L << 20;

    /// <summary>A change writes its value's pages, and about this much more: its share of the commit's tail page, tree page and frame headers.</summary>
    private const int ChangeOverheadBytes = 1024;

    private const string Schema = """
        CREATE TABLE log (id INTEGER PRIMARY KEY, prev INTEGER NOT NULL, created INTEGER NOT NULL, version INTEGER NOT NULL, crc INTEGER NOT NULL, key TEXT NOT NULL, value BLOB);
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('compacted', 0), ('cleaned', 0);
        """;

    private readonly Database _writer;
    private readonly Action<StoreFaultPoint> _reach;
    private readonly Statement _begin, _commit, _rollback, _insert, _superseded, _crc, _delete, _setMeta;
    private readonly HistoryReader _history;
    private readonly IValueTransformer? _transformer;
    private readonly StaleRows _stale;
    private readonly Mark _mark;

    /// <summary>What is committed; and what will be, within a transaction.</summary>
    private LogContent _content, _next;
    private long _bytesSinceCheckpoint;

    public SqliteLog(string path, Action<StoreFaultPoint> reach, IValueTransformer? transformer = null)
    {
        (_reach, _transformer) = (reach, transformer);
        _writer = new Database(path);
        try
        {
            _mark = new Mark(Path.Combine(Path.GetDirectoryName(path)!, "mark"));
            _begin = _writer.Prepare("BEGIN IMMEDIATE");
            _commit = _writer.Prepare("COMMIT");
            _rollback = _writer.Prepare("ROLLBACK");
            Prepare(path);
            _insert = _writer.Prepare("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
            _superseded = _writer.Prepare("SELECT id, prev, value IS NULL FROM log WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
            _crc = _writer.Prepare("SELECT crc, created, version FROM log WHERE id = ?1");
            _delete = _writer.Prepare("DELETE FROM log WHERE id = ?1");
            _setMeta = _writer.Prepare("UPDATE meta SET value = ?2 WHERE name = ?1");
            _content = new LogContent(
                0, _writer.QueryInt64("SELECT value FROM meta WHERE name = 'compacted'"), _writer.QueryInt64("SELECT value FROM meta WHERE name = 'cleaned'"), 0, 0);
            _history = new HistoryReader(path, transformer);
            _stale = new StaleRows(_writer, transformer);
        }
        catch
        {
            _mark?.Dispose();
            _writer.Dispose(); // the history reader is the last that may throw, and cleans up after itself
            throw;
        }
    }

    public long CompactedRevision => _content.CompactedRevision;

    /// <summary>Compaction has rows left to delete.</summary>
    public bool CleanPending => _content.CleanedId < IdBefore(CompactedRevision + 1);

    /// <summary>The id before all ids of a revision.</summary>
    public static long IdBefore(long revision) => (revision * RowsPerRevision) - 1;

    public static long IdOf(Entry? entry) => entry is null ? 0 : (entry.ModRevision * RowsPerRevision) + entry.Operation;

    /// <summary>Everything that is there, in order, each row with its checksum verified; at the end, that this is all there was.</summary>
    /// <exception cref="StoreCorruptException"/>
    public IEnumerable<LogRow> ReadAll()
    {
        using var statement = _writer.Prepare("SELECT id, prev, created, version, key, value, crc FROM log ORDER BY id");
        var content = _content;
        var lastId = long.MinValue;
        while (statement.Step())
        {
            var (id, previousId, key) = (statement.Int64(0), statement.Int64(1), statement.Text(4));
            var crc = LogRow.Checksum(id, previousId, statement.Bytes(4), statement.IsNull(5) ? default : statement.Bytes(5));
            if (crc != statement.Int64(6) || id <= lastId)
            {
                throw new StoreCorruptException($"row {id} ({key}) of the store's log fails its checksum, or stands in the wrong place");
            }

            var entry = LogRow.ReadEntry(statement, id, 2, key, 5, _transformer, out var stale);
            if (stale)
            {
                _stale.Add(id, key);
            }

            lastId = id;
            content = content with { Revision = id / RowsPerRevision, Rows = content.Rows + 1, Sum = content.Sum + LogRow.Term(crc, statement.Int64(2), statement.Int64(3)) };
            yield return new LogRow(id, previousId, id > content.CleanedId, key, entry);
        }

        Verify(content with { Revision = Math.Max(content.Revision, content.CompactedRevision) });
    }

    /// <summary>
    /// Gives the disk back what a flood of objects took that are gone: pages of deleted rows are used again, but the file itself never gets smaller. When the
    /// store is opened, and more than half of a large file is free; then at most as much as the free part is written.
    /// </summary>
    public void ShrinkIfWorth()
    {
        var (pages, free, pageBytes) = (_writer.QueryInt64("PRAGMA page_count"), _writer.QueryInt64("PRAGMA freelist_count"), _writer.QueryInt64("PRAGMA page_size"));
        if (free * pageBytes < ShrinkBytesMin || free < pages / 2)
            return;
        try
        {
            _writer.Execute("VACUUM");
            _writer.Checkpoint();
        }
        catch (StoreFullException)
        {
            // Another time: it needs room for the copy.
        }
    }

    /// <summary>Brings the values that <see cref="ReadAll"/> found in another form than today's into it; before the first write.</summary>
    public void RewriteStale()
    {
        if (!_stale.Any)
        {
            return;
        }

        // Meanwhile the sum changes with nothing else that a mark could be told by.
        _mark.Clear();
        _stale.Rewrite(work => Transact(StoreFaultPoint.BeforeCommit, () => _next = _next with { Sum = _next.Sum + work() }, marks: false));
        _mark.Write(_content);
    }

    /// <summary>See <see cref="HistoryReader.Read"/>.</summary>
    public List<WatchResponse> ReadHistory(long afterRevision, long throughRevision) => _history.Read(afterRevision, throughRevision);

    /// <summary>Makes changes durable, all or none.</summary>
    public void Append(IReadOnlyList<WatchResponse> changes)
    {
        _reach(StoreFaultPoint.BeforeWrite);
        Transact(StoreFaultPoint.BeforeCommit, () =>
        {
            var count = 0;
            foreach (var change in changes)
            {
                count += change.Events.Count;
                for (var i = 0; i < change.Events.Count; i++)
                {
                    Insert(change.Events[i], (change.Revision * RowsPerRevision) + i);
                }
            }

            // A change supersedes at most one row: cleaning twice as many catches up whatever the load.
            if (CleanPending)
                CleanRows(2 * count);
        });
    }

    public void Compact(long revision)
    {
        Transact(StoreFaultPoint.BeforeCleanCommit, () =>
        {
            SetMeta("compacted"u8, revision);
            _next = _next with { CompactedRevision = revision };
        });
    }

    /// <summary>Deletes some of the superseded rows.</summary>
    public void Clean(int rowsMax)
    {
        Transact(StoreFaultPoint.BeforeCleanCommit, () => CleanRows(rowsMax));
    }

    /// <summary>Keeps the WAL short. A full disk is no error here: what is committed stays safe in the WAL.</summary>
    public void CheckpointIfDue()
    {
        if (_bytesSinceCheckpoint < CheckpointBytes)
        {
            return;
        }

        _bytesSinceCheckpoint = 0;
        _reach(StoreFaultPoint.BeforeCheckpoint);
        try
        {
            // Readers of history stand aside: one of them in an old state would keep the WAL from being begun anew, and there may always be one.
            _history.Exclusively(_writer.Checkpoint);
        }
        catch (StoreFullException)
        {
        }

        _reach(StoreFaultPoint.AfterCheckpoint);
    }

    public void Dispose()
    {
        _history.Dispose();
        _writer.Dispose();
        _mark.Dispose();
    }

    private void Verify(LogContent content)
    {
        if (_mark.Read() is { } mark)
        {
            if (content.Revision < mark.Revision || content.CompactedRevision < mark.CompactedRevision || content.CleanedId < mark.CleanedId)
                throw Lost($"ends at revision {content.Revision}, but revision {mark.Revision} was written");
            // One commit may be missing in the mark, when the process ended between the two.
            var same = (content.Revision, content.CompactedRevision, content.CleanedId) == (mark.Revision, mark.CompactedRevision, mark.CleanedId);
            if (same && (content.Rows, content.Sum) != (mark.Rows, mark.Sum))
                throw Lost($"has {content.Rows} rows, but {mark.Rows} were written, or others");
        }

        _content = content;
        _mark.Write(content);
    }

    private StoreCorruptException Lost(string what) =>
        new($"the store's log {what}: a file is cut or damaged. Restore the data directory from a backup, or delete {_mark.Path} to go on with what is left");

    private void Prepare(string path)
    {
        // Read first: nothing is changed in a file that is not ours.
        var tables = _writer.QueryInt64("SELECT count(*) FROM sqlite_master");
        if (tables > 0 && _writer.QueryInt64("PRAGMA application_id") != ApplicationId)
        {
            throw new StoreCorruptException($"{path}: an SQLite database, but not a timonier store");
        }

        if (tables > 0 && _writer.QueryInt64("PRAGMA user_version") is var version && version != FormatVersion)
        {
            throw new StoreCorruptException($"{path}: format {version}, this program knows {FormatVersion}: written by a newer timonier?");
        }

        if (tables == 0 && _mark.Read() is { Revision: > 1 } mark)
        {
            throw Lost($"is empty, but revision {mark.Revision} was written");
        }

        _writer.Execute("PRAGMA auto_vacuum = NONE");
        _writer.Execute("PRAGMA journal_mode = WAL");
        _writer.Execute("PRAGMA synchronous = FULL"); // the WAL is synced at every commit: durable before the answer
        _writer.Execute($"PRAGMA journal_size_limit = {2 * CheckpointBytes}"); // one giant transaction does not keep its space for ever
        _writer.Execute("PRAGMA secure_delete = OFF"); // Debian's default overwrites what is deleted: twice the writes
        _writer.Execute("PRAGMA wal_autocheckpoint = 0"); // CheckpointIfDue, after the reply instead of before it
        if (tables == 0)
        {
            Transact(StoreFaultPoint.BeforeCommit, () =>
            {
                foreach (var sql in Schema.Split(";\n", StringSplitOptions.RemoveEmptyEntries))
                {
                    _writer.Execute(sql);
                }

                _writer.Execute($"PRAGMA application_id = {ApplicationId}");
                _writer.Execute($"PRAGMA user_version = {FormatVersion}");
            });
        }
    }

    private void Transact(StoreFaultPoint beforeCommit, Action work, bool marks = true)
    {
        _begin.Run();
        _next = _content;
        try
        {
            work();
            _reach(beforeCommit);
            _commit.Run();
        }
        catch (Exception e)
        {
            // The checkpoint that comes next lets the WAL be written from its start again: space without more disk.
            _bytesSinceCheckpoint = e is StoreFullException ? CheckpointBytes : _bytesSinceCheckpoint;

            // Some errors, a full disk among them, roll back by themselves.
            if (_writer.InTransaction)
            {
                _rollback.Run();
            }

            throw;
        }

        _content = _next;
        if (marks)
        {
            _reach(StoreFaultPoint.BeforeMark);
            _mark.Write(_content);
        }
    }

    private unsafe void Insert(StoreEvent change, long id)
    {
        var value = change.Current is not { } current ? null : _transformer?.ToDisk(current.Key, current.Bytes) ?? current.Bytes;
        var utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(change.Key.Length));
        var length = Encoding.UTF8.GetBytes(change.Key, utf8);
        var empty = (byte)0;
        var crc = LogRow.Checksum(id, IdOf(change.Previous), utf8.AsSpan(0, length), value);
        fixed (byte* key = utf8, blob = value)
        {
            _insert.Bind(1, id);
            _insert.Bind(2, IdOf(change.Previous));
            _insert.Bind(3, change.Current?.CreateRevision ?? 0);
            _insert.Bind(4, change.Current?.Version ?? 0);
            _insert.Bind(5, crc);
            _insert.BindText(6, key, length);
            if (value is null)
            {
                _insert.BindNull(7);
            }
            else
            {
                _insert.BindBlob(7, value.Length == 0 ? &empty : blob, value.Length);
            }

            _insert.Run();
        }

        _next = _next with { Revision = change.Revision, Rows = _next.Rows + 1, Sum = _next.Sum + LogRow.Term(crc, change.Current?.CreateRevision ?? 0, change.Current?.Version ?? 0) };
        ArrayPool<byte>.Shared.Return(utf8);
        _bytesSinceCheckpoint += (value?.Length ?? 0) + ChangeOverheadBytes;
    }

    /// <summary>
    /// Each change up to the compacted revision has superseded its previous row; a delete is itself of no more use. Example: rows
    /// 1 create a, 2 put a, 3 delete a, compacted at 2: row 2 removes row 1. Compacted at 3: row 3 removes row 2 and itself.
    /// </summary>
    private void CleanRows(int rowsMax)
    {
        var end = IdBefore(CompactedRevision + 1);
        var rows = new List<long>();
        var cleaned = end;
        _superseded.Bind(1, _content.CleanedId);
        _superseded.Bind(2, end + 1);
        _superseded.Bind(3, rowsMax);
        var seen = 0;
        try
        {
            for (; _superseded.Step(); seen++)
            {
                cleaned = _superseded.Int64(0);
                rows.Add(_superseded.Int64(1));
                rows.Add(_superseded.Int64(2) == 1 ? cleaned : 0);
            }
        }
        finally
        {
            _superseded.Reset();
        }

        foreach (var id in rows.Where(id => id != 0))
        {
            Delete(id);
        }

        cleaned = seen < rowsMax ? end : cleaned;
        SetMeta("cleaned"u8, cleaned);
        _next = _next with { CleanedId = cleaned };
        _bytesSinceCheckpoint += (long)seen * ChangeOverheadBytes;
    }

    private void Delete(long id)
    {
        _crc.Bind(1, id);
        try
        {
            if (_crc.Step())
                _next = _next with { Rows = _next.Rows - 1, Sum = _next.Sum - LogRow.Term(_crc.Int64(0), _crc.Int64(1), _crc.Int64(2)) };
        }
        finally
        {
            _crc.Reset();
        }

        _delete.Bind(1, id);
        _delete.Run();
    }

    private unsafe void SetMeta(ReadOnlySpan<byte> name, long value)
    {
        fixed (byte* pointer = name)
        {
            _setMeta.BindText(1, pointer, name.Length);
            _setMeta.Bind(2, value);
            _setMeta.Run();
        }
    }
}
