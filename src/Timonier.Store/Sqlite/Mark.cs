using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Timonier.Store.Sqlite;

/// <summary>What a log holds.</summary>
/// <param name="Revision">The newest that was written.</param>
/// <param name="Rows">How many rows there are.</param>
/// <param name="Sum">Of <see cref="LogRow.Term"/> of all rows.</param>
internal readonly record struct LogContent(long Revision, long CompactedRevision, long CleanedId, long Rows, long Sum);

/// <summary>
/// What the log held after its last commit, in a small file beside it. SQLite reads a WAL up to the first frame that is cut or damaged, and takes what
/// came before for the whole: this is how we notice. It is written after the commit and never synced, which costs a microsecond: it may be behind
/// what is durable, never ahead of it.
/// </summary>
internal sealed class Mark : IDisposable
{
    private const int Length = 6 * sizeof(long);

    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = new byte[Length];

    public Mark(string path)
    {
        Path = path;
        try
        {
            _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreIOException($"cannot open {path}: {e.Message}", e);
        }
    }

    public string Path { get; }

    /// <summary>Null: there is none (a new store, a restored backup), or it is itself damaged.</summary>
    public LogContent? Read()
    {
        if (RandomAccess.Read(_file, _buffer, 0) != Length || Number(5) != Checksum())
            return null;
        return new LogContent(Number(0), Number(1), Number(2), Number(3), Number(4));
    }

    public void Write(LogContent content)
    {
        var (revision, compacted, cleaned, rows, sum) = content;
        ReadOnlySpan<long> numbers = [revision, compacted, cleaned, rows, sum];
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(i * sizeof(long)), numbers[i]);
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(Length - sizeof(long)), Checksum());
        try
        {
            RandomAccess.Write(_file, _buffer, 0);
        }
        catch (IOException)
        {
            // A full disk: the mark stays behind, which takes nothing from what is durable.
        }
    }

    /// <summary>Until the next <see cref="Write"/> there is none.</summary>
    public void Clear() => RandomAccess.SetLength(_file, 0);

    public void Dispose() => _file.Dispose();

    private long Number(int index) => BinaryPrimitives.ReadInt64LittleEndian(_buffer.AsSpan(index * sizeof(long)));

    private long Checksum()
    {
        var crc = 0x4d61726bu; // "Mark": eight zeros are none
        for (var i = 0; i < 5; i++)
            crc = BitOperations.Crc32C(crc, (ulong)Number(i));
        return crc;
    }
}
