using System.Buffers;
using System.IO.Pipelines;

namespace Timonier.ApiServer.Content;

/// <summary>
/// Fills large blocks of a pipe. Kestrel's own blocks are 4 KiB, each of which TLS would make a record and HTTP/1.1 a chunk of its
/// own: for long answers that costs as much as all the rest.
/// </summary>
internal sealed class BlockWriter(PipeWriter output, int blockBytes = BlockWriter.LargeBytes) : IBufferWriter<byte>
{
    /// <summary>For lists: four TLS records, with their framing as a chunk of HTTP/1.1.</summary>
    private const int LargeBytes = 64 * 1024 - 64;

    /// <summary>For watches: one TLS record.</summary>
    public const int RecordBytes = 16 * 1024 - 64;

    private Memory<byte> _block;
    private int _used;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_block.Length - _used < Math.Max(sizeHint, 1))
        {
            Complete();
            _block = output.GetMemory(Math.Max(sizeHint, blockBytes));
        }
        return _block[_used..];
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Advance(int count) => _used += count;

    /// <summary>Worth a flush: with the next object just about three full TLS records, of 16,354 bytes in .NET.</summary>
    public bool IsFull => _used > LargeBytes * 7 / 10;

    /// <summary>False when the client is gone.</summary>
    public async ValueTask<bool> FlushAsync(CancellationToken cancel)
    {
        Complete();
        return !(await output.FlushAsync(cancel)).IsCompleted;
    }

    private void Complete()
    {
        if (_used > 0)
            output.Advance(_used);
        (_block, _used) = (default, 0);
    }
}
