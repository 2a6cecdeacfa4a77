using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// A client that speaks the channel protocols (v1 to v5) over a WebSocket: the first byte of each message says which stream it
/// belongs to. In the base64 forms it is a digit, and the rest is base64.
/// </summary>
internal sealed class WebSocketRemoteClient : IRemoteClient
{
    public static readonly string[] Protocols =
    [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io",
    ];

    private const byte StdinChannel = 0, StdoutChannel = 1, StderrChannel = 2, ErrorChannel = 3, ResizeChannel = 4;

    /// <summary>v5: the stream of the channel that follows has ended.</summary>
    private const byte CloseChannel = 255;

    private const int MessageBytesMax = 1 << 20;

    private readonly WebSocket _socket;
    private readonly bool _base64;
    private readonly CancellationTokenSource _gone = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Pipe _stdin = new(new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024, useSynchronizationContext: false));
    private readonly Pipe _resize = new(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048, useSynchronizationContext: false));
    private readonly Task _reading;

    public WebSocketRemoteClient(WebSocket socket, (bool Stdin, bool Stdout, bool Stderr, bool Tty) wanted)
    {
        _socket = socket;
        var protocol = socket.SubProtocol ?? "channel.k8s.io";
        _base64 = protocol.Contains("base64", StringComparison.Ordinal);
        ErrorIsStatus = protocol.StartsWith("v4", StringComparison.Ordinal) || protocol.StartsWith("v5", StringComparison.Ordinal);
        Stdin = wanted.Stdin ? _stdin.Reader.AsStream() : null;
        Stdout = wanted.Stdout ? new ChannelStream(this, StdoutChannel) : null;
        Stderr = wanted.Stderr ? new ChannelStream(this, StderrChannel) : null;
        Resize = wanted.Tty ? _resize.Reader.AsStream() : null;
        _reading = ReadAsync();
    }

    public Stream? Stdin { get; }
    public Stream? Stdout { get; }
    public Stream? Stderr { get; }
    public Stream? Resize { get; }
    public bool ErrorIsStatus { get; }
    public CancellationToken Gone => _gone.Token;

    /// <summary>An empty message on the lowest channel tells the client that the session stands (upstream does so).</summary>
    public ValueTask GreetAsync(CancellationToken cancel) => SendAsync(Stdout is not null ? StdoutChannel : Stderr is not null ? StderrChannel : ErrorChannel, default, cancel);

    public async Task FinishAsync(ReadOnlyMemory<byte> error, CancellationToken cancel)
    {
        if (!error.IsEmpty)
            await SendAsync(ErrorChannel, error, cancel);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
        await Task.WhenAny(_reading, Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
        _sending.Dispose();
        _gone.Dispose();
    }

    private async ValueTask SendAsync(byte channel, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        byte[] message = _base64 ? Encoding.ASCII.GetBytes((char)('0' + channel) + Convert.ToBase64String(data.Span)) : [channel, .. data.Span];
        await _sending.WaitAsync(cancel);
        try
        {
            await _socket.SendAsync(message, _base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancel);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException("the client is gone", e);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        var message = new ArrayBufferWriter<byte>(4096);
        try
        {
            while (true)
            {
                message.ResetWrittenCount();
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await _socket.ReceiveAsync(message.GetMemory(4096), CancellationToken.None);
                    message.Advance(received.Count);
                }
                while (!received.EndOfMessage && message.WrittenCount <= MessageBytesMax);
                if (received.MessageType == WebSocketMessageType.Close || message.WrittenCount > MessageBytesMax)
                    break;
                if (message.WrittenCount > 0)
                    await DispatchAsync(message.WrittenMemory);
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or FormatException)
        {
            // The client has left, or speaks another language.
        }
        await _stdin.Writer.CompleteAsync();
        await _resize.Writer.CompleteAsync();
        await _gone.CancelAsync();
    }

    private async ValueTask DispatchAsync(ReadOnlyMemory<byte> message)
    {
        var channel = _base64 ? (byte)(message.Span[0] - '0') : message.Span[0];
        var data = message[1..];
        if (_base64)
            data = Convert.FromBase64String(Encoding.ASCII.GetString(data.Span));
        switch (channel)
        {
            case StdinChannel when Stdin is not null: await _stdin.Writer.WriteAsync(data); break;
            case ResizeChannel when Resize is not null: await _resize.Writer.WriteAsync(data); break;
            case CloseChannel when data.Length > 0 && data.Span[0] == StdinChannel: await _stdin.Writer.CompleteAsync(); break;
        }
    }

    /// <summary>What is written here goes out on one channel.</summary>
    private sealed class ChannelStream(WebSocketRemoteClient client, byte channel) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => client.SendAsync(channel, buffer, cancellationToken);
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");
    }
}
