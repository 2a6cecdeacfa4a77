using Timonier.ApiServer.Streaming;

namespace Timonier.ApiServer.Audit;

/// <summary>Passes on what is written, and keeps a copy of it up to a bound.</summary>
internal sealed class TeeStream(Stream inner, int bytesMax) : WriteOnlyStream
{
    private readonly MemoryStream _copy = new();

    /// <summary>More was written than is kept; nothing is, then.</summary>
    public bool Overflowed { get; private set; }

    public override long Length => Overflowed ? bytesMax : _copy.Length;

    public byte[] Copied() => _copy.ToArray();

    public override void Flush() => inner.Flush();
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Write(byte[] buffer, int offset, int count)
    {
        Keep(buffer.AsSpan(offset, count));
        inner.Write(buffer, offset, count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Keep(buffer.Span);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (Overflowed)
            return;
        if (_copy.Length + bytes.Length <= bytesMax)
        {
            _copy.Write(bytes);
            return;
        }
        Overflowed = true;
        _copy.SetLength(0);
        _copy.Capacity = 0;
    }
}
