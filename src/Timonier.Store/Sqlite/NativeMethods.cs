using System.Runtime.InteropServices;

namespace Timonier.Store.Sqlite;

/// <summary>
/// What we use of libsqlite3, each documented at https://www.sqlite.org/c3ref/NAME.html. Why not a package: see docs/design-notes/store.md.
/// </summary>
internal static unsafe partial class NativeMethods
{
    public const int Ok = 0, Busy = 5, Corrupt = 11, Full = 13, NotADatabase = 26, Row = 100, Done = 101;

    /// <summary>SQLITE_IOERR_SHMSIZE and SQLITE_IOERR_SHMMAP: the shared index of the WAL could not grow, which is how a full disk shows there.</summary>
    public const int IOErrorShmSize = 4874, IOErrorShmMap = 5386;

    /// <summary>SQLITE_OPEN_READWRITE | CREATE | NOMUTEX: each connection is used by one thread at a time.</summary>
    public const int OpenFlags = 0x2 | 0x4 | 0x8000;

    public const int CheckpointPassive = 0, TypeNull = 5;

    private const string Library = "libsqlite3.so.0";

    [LibraryImport(Library, EntryPoint = "sqlite3_open_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, out DatabaseHandle database, int flags, string? vfs);

    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    public static partial int Close(nint database);

    [LibraryImport(Library, EntryPoint = "sqlite3_extended_result_codes")]
    public static partial int ExtendedResultCodes(DatabaseHandle database, int on);

    [LibraryImport(Library, EntryPoint = "sqlite3_busy_timeout")]
    public static partial int BusyTimeout(DatabaseHandle database, int milliseconds);

    [LibraryImport(Library, EntryPoint = "sqlite3_errmsg")]
    public static partial byte* ErrorMessage(DatabaseHandle database);

    [LibraryImport(Library, EntryPoint = "sqlite3_get_autocommit")]
    public static partial int GetAutocommit(DatabaseHandle database);

    [LibraryImport(Library, EntryPoint = "sqlite3_wal_checkpoint_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Checkpoint(DatabaseHandle database, string? schema, int mode, out int framesInLog, out int framesDone);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Prepare(DatabaseHandle database, string sql, int bytes, out StatementHandle statement, nint tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    public static partial int Finalize(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(StatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(StatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    public static partial int BindInt64(StatementHandle statement, int parameter, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    public static partial int BindNull(StatementHandle statement, int parameter);

    /// <summary>A null destructor is SQLITE_STATIC: the bytes must stay where they are until the statement is reset.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(StatementHandle statement, int parameter, byte* utf8, int bytes, nint destructor);

    /// <inheritdoc cref="BindText"/>
    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    public static partial int BindBlob(StatementHandle statement, int parameter, byte* value, int bytes, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    public static partial long ColumnInt64(StatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    public static partial int ColumnType(StatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    public static partial byte* ColumnBlob(StatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    public static partial int ColumnBytes(StatementHandle statement, int column);
}
