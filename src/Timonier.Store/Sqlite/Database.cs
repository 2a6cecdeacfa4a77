using System.Runtime.InteropServices;

namespace Timonier.Store.Sqlite;

/// <summary>One connection, for one thread at a time. Every error is a named <see cref="StoreException"/> at once.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>How long a write waits for somebody who looks into the file with sqlite3.</summary>
    private const int BusyTimeoutMs = 5000;

    private readonly string _path;
    private readonly DatabaseHandle _handle;
    private readonly List<Statement> _statements = [];

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

    /// <summary>A statement that lives as long as the connection, unless disposed before.</summary>
    public Statement Prepare(string sql)
    {
        var statement = PrepareOnce(sql);
        _statements.Add(statement);
        return statement;
    }

    public void Execute(string sql)
    {
        using var statement = PrepareOnce(sql);
        while (statement.Step())
        {
        }

        statement.Reset();
    }

    public long QueryInt64(string sql)
    {
        using var statement = PrepareOnce(sql);
        return statement.Step() ? statement.Int64(0) : throw new StoreCorruptException($"{_path}: {sql}: no row");
    }

    /// <summary>Copies from the WAL into the database what can be without waiting for others; busy means that another does it just now.</summary>
    public void Checkpoint()
    {
        var code = NativeMethods.Checkpoint(_handle, null, NativeMethods.CheckpointPassive, out _, out _);
        Check(code == NativeMethods.Busy ? NativeMethods.Ok : code, "checkpoint");
    }

    public void Check(int code, string doing)
    {
        if (code is not (NativeMethods.Ok or NativeMethods.Row or NativeMethods.Done))
        {
            throw Error(code, doing);
        }
    }

    /// <summary>Statements first: SQLite keeps its files open as long as one of them lives.</summary>
    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _handle.Dispose();
    }

    private Statement PrepareOnce(string sql)
    {
        Check(NativeMethods.Prepare(_handle, sql, -1, out var statement, 0), sql);
        return new Statement(this, statement, sql);
    }

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
