using System.Buffers.Binary;
using System.Threading.Channels;

namespace Timonier.Client.Node.Spdy;

/// <summary>
/// SPDY/3.1 over an upgraded HTTP/1.1 connection, as far as Kubernetes' streaming protocols use it: streams that either side opens, data,
/// ends, resets and pings. Whoever makes it awaits <see cref="RunAsync"/>. Thread-safe.
/// </summary>
/// <param name="transport">The connection after the 101 response; owned.</param>
/// <param name="isServer">The server's streams have even numbers.</param>
public sealed class SpdyConnection(Stream transport, bool isServer) : IAsyncDisposable
{
    internal const int DataLengthMax = 32 * 1024;

    private const int HeaderLength = 8;
    private const int FrameLengthMax = 1024 * 1024;
    private const int StreamsMax = 256;
    private const byte FlagFin = 1;
    private const ushort Version = 0x8003;
    private const ushort SynStream = 1, SynReply = 2, RstStream = 3, Ping = 6, GoAway = 7;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SpdyHeaders _headersOut = new();
    private readonly SpdyHeaders _headersIn = new();
    private readonly Dictionary<uint, SpdyStream> _streams = [];
    private readonly Channel<SpdyStream> _opened = Channel.CreateBounded<SpdyStream>(StreamsMax);
    private uint _lastId = isServer ? 0u : uint.MaxValue;

    /// <summary>Streams that the peer opens, in order; ends with the connection.</summary>
    public ChannelReader<SpdyStream> Opened => _opened.Reader;

    /// <summary>Reads frames until the peer ends the connection or it breaks; then all streams have ended. Never throws for either.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Exception? error = null;
        try
        {
            var header = new byte[HeaderLength];
            while (await transport.ReadAtLeastAsync(header, HeaderLength, throwOnEndOfStream: false, cancellationToken) == HeaderLength)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4)) & 0xffffff;
                if (length > FrameLengthMax)
                    throw new InvalidDataException("SPDY frame too long");
                var payload = new byte[length];
                await transport.ReadExactlyAsync(payload, cancellationToken);
                if (!await FrameAsync(header, payload, cancellationToken))
                    break;
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ObjectDisposedException or OperationCanceledException)
        {
            error = new IOException("the streaming connection broke: " + e.Message, e);
        }
        SpdyStream[] streams;
        lock (_lock)
            streams = [.. _streams.Values];
        foreach (var stream in streams)
            stream.ReceiveEnd(error);
        _opened.Writer.TryComplete();
    }

    public async Task<SpdyStream> OpenAsync(IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            SpdyStream stream;
            lock (_lock)
            {
                _lastId += 2;
                stream = _streams[_lastId] = new SpdyStream(this, _lastId, headers);
            }
            // Stream, associated stream (none), priority and slot, headers.
            var block = _headersOut.Write(headers);
            var frame = Control(SynStream, 0, 10 + block.Length);
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeaderLength), stream.Id);
            block.CopyTo(frame.AsSpan(HeaderLength + 10));
            await transport.WriteAsync(frame, cancellationToken);
            await transport.FlushAsync(cancellationToken);
            return stream;
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync();
        _headersIn.Dispose();
        _headersOut.Dispose();
        _writing.Dispose();
    }

    internal async ValueTask SendDataAsync(uint streamId, ReadOnlyMemory<byte> data, bool isLast, CancellationToken cancellationToken)
    {
        var frame = new byte[HeaderLength + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, streamId);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), data.Length);
        frame[4] = isLast ? FlagFin : (byte)0;
        data.CopyTo(frame.AsMemory(HeaderLength));
        await WriteAsync(frame, cancellationToken);
    }

    internal void Forget(uint streamId)
    {
        lock (_lock)
            _streams.Remove(streamId);
    }

    /// <returns>False: the peer says goodbye.</returns>
    private async ValueTask<bool> FrameAsync(byte[] header, byte[] payload, CancellationToken cancellationToken)
    {
        var flags = header[4];
        if ((header[0] & 0x80) == 0)
        {
            await DataAsync(BinaryPrimitives.ReadUInt32BigEndian(header), payload, (flags & FlagFin) != 0, cancellationToken);
            return true;
        }
        switch (BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)))
        {
            case SynStream:
                await StreamOpenedAsync(payload, (flags & FlagFin) != 0, cancellationToken);
                return true;
            case SynReply when (flags & FlagFin) != 0:
            case RstStream:
                Find(StreamId(payload))?.ReceiveEnd(null);
                return true;
            case Ping:
                var answer = Control(Ping, 0, payload.Length);
                payload.CopyTo(answer.AsSpan(HeaderLength));
                await WriteAsync(answer, cancellationToken);
                return true;
            case GoAway:
                return false;
            default:
                // Settings, headers and window updates change nothing for us.
                return true;
        }
    }

    private async ValueTask StreamOpenedAsync(byte[] payload, bool isEnded, CancellationToken cancellationToken)
    {
        if (payload.Length < 10)
            throw new InvalidDataException("SPDY SYN_STREAM too short");
        var stream = new SpdyStream(this, StreamId(payload), _headersIn.Read(payload.AsSpan(10)));
        lock (_lock)
        {
            if (_streams.Count >= StreamsMax || !_streams.TryAdd(stream.Id, stream))
                throw new InvalidDataException("too many SPDY streams, or one twice");
        }
        var block = SynReplyFrame(stream.Id);
        await WriteAsync(block, cancellationToken);
        if (isEnded)
            stream.ReceiveEnd(null);
        await _opened.Writer.WriteAsync(stream, cancellationToken);
    }

    private byte[] SynReplyFrame(uint streamId)
    {
        var block = _headersOut.Write(new Dictionary<string, string>());
        var frame = Control(SynReply, 0, 4 + block.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeaderLength), streamId);
        block.CopyTo(frame.AsSpan(HeaderLength + 4));
        return frame;
    }

    private async ValueTask DataAsync(uint streamId, byte[] payload, bool isLast, CancellationToken cancellationToken)
    {
        if (Find(streamId) is not { } stream)
            return;
        if (payload.Length > 0)
            await stream.ReceiveAsync(payload, cancellationToken);
        if (isLast)
            stream.ReceiveEnd(null);
    }

    private SpdyStream? Find(uint streamId)
    {
        lock (_lock)
            return _streams.GetValueOrDefault(streamId);
    }

    private static uint StreamId(byte[] payload) => payload.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7fffffff : 0;

    private static byte[] Control(ushort type, byte flags, int length)
    {
        var frame = new byte[HeaderLength + length];
        BinaryPrimitives.WriteUInt16BigEndian(frame, Version);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), type);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), length);
        frame[4] = flags;
        return frame;
    }

    private async ValueTask WriteAsync(byte[] frame, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await transport.WriteAsync(frame, cancellationToken);
            await transport.FlushAsync(cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }
}
