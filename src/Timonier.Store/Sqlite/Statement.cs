using System.Text;

namespace Timonier.Store.Sqlite;

/// <summary>A prepared statement. Parameters count from 1, columns from 0, as in SQLite.</summary>
internal sealed unsafe class Statement(Database database, StatementHandle handle, string sql) : IDisposable
{
    public void Bind(int parameter, long value) => database.Check(NativeMethods.BindInt64(handle, parameter, value), sql);

    public void BindNull(int parameter) => database.Check(NativeMethods.BindNull(handle, parameter), sql);

    /// <summary>The memory must be pinned until <see cref="Reset"/>.</summary>
    public void BindText(int parameter, byte* utf8, int length) =>
        database.Check(NativeMethods.BindText(handle, parameter, utf8, length, 0), sql);

    /// <summary>The memory must be pinned until <see cref="Reset"/>, and the pointer not null even where the length is 0: null means NULL.</summary>
    public void BindBlob(int parameter, byte* value, int length) =>
        database.Check(NativeMethods.BindBlob(handle, parameter, value, length, 0), sql);

    /// <summary>True: there is a row.</summary>
    public bool Step()
    {
        var code = NativeMethods.Step(handle);
        database.Check(code, sql);
        return code == NativeMethods.Row;
    }

    /// <summary>Steps a statement which answers no row, and makes it ready for the next time, also after an error.</summary>
    public void Run()
    {
        try
        {
            Step();
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Its result repeats the error of the last step, which was thrown then.</summary>
    public void Reset() => _ = NativeMethods.Reset(handle);

    public long Int64(int column) => NativeMethods.ColumnInt64(handle, column);

    public bool IsNull(int column) => NativeMethods.ColumnType(handle, column) == NativeMethods.TypeNull;

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public byte[] Blob(int column)
    {
        var bytes = Bytes(column);
        var blob = bytes.IsEmpty ? [] : GC.AllocateUninitializedArray<byte>(bytes.Length);
        bytes.CopyTo(blob);
        return blob;
    }

    /// <summary>Valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column)
    {
        // In this order: asking for the pointer may convert the value, the length is that of the result.
        var pointer = NativeMethods.ColumnBlob(handle, column);
        return new ReadOnlySpan<byte>(pointer, NativeMethods.ColumnBytes(handle, column));
    }

    public void Dispose() => handle.Dispose();
}
