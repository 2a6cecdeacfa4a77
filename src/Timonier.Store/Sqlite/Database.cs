using System.Runtime.InteropServices;

namespace Timonier.Store.Sqlite;

/// <summary>One connection, for one thread at a time. Every error is a named <see cref="StoreException"/> at once.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>How long a write waits for somebody who looks into the file with sqlite3.</summary>
    private const int BusyTimeoutMs = 5000;

    private readonly string _path;
    private readonly DatabaseHandle _handle;

    public Database(string path)
    {
        _path = path;
        int code;
        try
        {
            code = NativeMethods.Open(path, out _handle, NativeMethods.OpenFlags, null);
        }
        catch (DllNotFoundException e)
        {
            throw new StoreIOException("libsqlite3.so.0 is missing: install the package libsqlite3-0", e);
        }

        Check(code, "open");
        Check(NativeMethods.ExtendedResultCodes(_handle, 1), "open");
        Check(NativeMethods.BusyTimeout(_handle, BusyTimeoutMs), "open");
    }

    public bool InTransaction => NativeMethods.GetAutocommit(_handle) == 0;

    public Statement Prepare(string sql)
    {
        Check(NativeMethods.Prepare(_handle, sql, -1, out var statement, 0), sql);
        return new Statement(this, statement, sql);
    }

    public void Execute(string sql)
    {
        using var statement = Prepare(sql);
        while (statement.Step())
        {
        }

        statement.Reset();
    }

    public long QueryInt64(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Int64(0) : throw new StoreCorruptException($"{_path}: {sql}: no row");
    }

    /// <summary>Copies from the WAL into the database what can be without waiting for readers.</summary>
    public void Checkpoint() =>
        Check(NativeMethods.Checkpoint(_handle, null, NativeMethods.CheckpointPassive, out _, out _), "checkpoint");

    public void Check(int code, string doing)
    {
        if (code is not (NativeMethods.Ok or NativeMethods.Row or NativeMethods.Done))
        {
            throw Error(code, doing);
        }
    }

    public void Dispose() => _handle.Dispose();

    private unsafe StoreException Error(int code, string doing)
    {
        var reason = _handle.IsInvalid ? "out of memory" : Marshal.PtrToStringUTF8((nint)NativeMethods.ErrorMessage(_handle));
        var message = $"{_path}: {doing}: {reason} (SQLite error {code})";
        return (code & 0xff, code) switch
        {
            (NativeMethods.Full, _) or (_, NativeMethods.IOErrorShmSize or NativeMethods.IOErrorShmMap) => new StoreFullException(message),
            (NativeMethods.Corrupt or NativeMethods.NotADatabase, _) => new StoreCorruptException(message),
            _ => new StoreIOException(message),
        };
    }
}
