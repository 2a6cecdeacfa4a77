using System.IO.Pipelines;

namespace Timonier.Client.Node.Spdy;

/// <summary>One stream of a <see cref="SpdyConnection"/>: bytes both ways, each way ending by itself. Disposing ends both.</summary>
public sealed class SpdyStream : Stream
{
    // The peer is not told to stop (SPDY's windows are not used by Kubernetes): while this much is unread, the connection is not read.
    private const int UnreadMax = 256 * 1024;

    private readonly SpdyConnection _connection;
    private readonly Pipe _received = new(new PipeOptions(pauseWriterThreshold: UnreadMax, resumeWriterThreshold: UnreadMax / 2, useSynchronizationContext: false));
    private int _isWriteEnded;

    // Of the connection's reading loop alone.
    private bool _isReadEnded;

    internal SpdyStream(SpdyConnection connection, uint id, IReadOnlyDictionary<string, string> headers) => (_connection, Id, Headers) = (connection, id, headers);

    public IReadOnlyDictionary<string, string> Headers { get; }

    internal uint Id { get; }

    /// <summary>No more bytes follow from here; reading goes on.</summary>
    public async ValueTask CompleteWritesAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isWriteEnded, 1) == 0)
            await _connection.SendDataAsync(Id, default, isLast: true, cancellationToken);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await _received.Reader.ReadAsync(cancellationToken);
        var length = (int)Math.Min(buffer.Length, result.Buffer.Length);
        var taken = result.Buffer.Slice(0, length);
        var position = 0;
        foreach (var segment in taken)
        {
            segment.Span.CopyTo(buffer.Span[position..]);
            position += segment.Length;
        }
        _received.Reader.AdvanceTo(taken.End);
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            var length = Math.Min(buffer.Length, SpdyConnection.DataLengthMax);
            await _connection.SendDataAsync(Id, buffer[..length], isLast: false, cancellationToken);
            buffer = buffer[length..];
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await CompleteWritesAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The connection is gone, and with it the need to end the stream.
        }
        await _received.Reader.CompleteAsync();
        _connection.Forget(Id);
        await base.DisposeAsync();
    }

    internal async ValueTask ReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        // What comes after the end is not the stream's.
        if (!_isReadEnded)
            await _received.Writer.WriteAsync(data, cancellationToken);
    }

    /// <summary>The peer has sent all; null error: as it should be.</summary>
    internal void ReceiveEnd(Exception? error)
    {
        _isReadEnded = true;
        _received.Writer.Complete(error);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read asynchronously");
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");
}
