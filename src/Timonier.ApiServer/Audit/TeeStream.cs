namespace Timonier.ApiServer.Audit;

/// <summary>Passes on what is written, and keeps a copy of it up to a bound.</summary>
internal sealed class TeeStream(Stream inner, int bytesMax) : Stream
{
    private readonly MemoryStream _copy = new();

    /// <summary>More was written than is kept; nothing is, then.</summary>
    public bool Overflowed { get; private set; }

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => Overflowed ? bytesMax : _copy.Length;
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public byte[] Copied() => _copy.ToArray();

    public override void Flush() => inner.Flush();
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count)
    {
        Keep(buffer.AsSpan(offset, count));
        inner.Write(buffer, offset, count);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

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
