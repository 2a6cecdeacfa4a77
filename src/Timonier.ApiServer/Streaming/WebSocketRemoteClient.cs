using System.IO.Pipelines;
using System.Net.WebSockets;

namespace Timonier.ApiServer.Streaming;

/// <summary>A client that speaks the channel protocols (v1 to v5, see <see cref="ChannelSocket"/>) over a WebSocket.</summary>
internal sealed class WebSocketRemoteClient : IRemoteClient
{
    public static readonly string[] Protocols =
    [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io",
    ];

    private const byte StdinChannel = 0, StdoutChannel = 1, StderrChannel = 2, ErrorChannel = 3, ResizeChannel = 4;

    /// <summary>v5: the stream of the channel that follows has ended.</summary>
    private const byte CloseChannel = 255;

    private readonly WebSocket _socket;
    private readonly ChannelSocket _channels;
    private readonly CancellationTokenSource _gone = new();
    private readonly Pipe _stdin = new(new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024, useSynchronizationContext: false));
    private readonly Pipe _resize = new(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048, useSynchronizationContext: false));
    private readonly Task _reading;

    public WebSocketRemoteClient(WebSocket socket, (bool Stdin, bool Stdout, bool Stderr, bool Tty) wanted)
    {
        (_socket, _channels) = (socket, new ChannelSocket(socket));
        var protocol = socket.SubProtocol ?? "channel.k8s.io";
        ErrorIsStatus = protocol.StartsWith("v4", StringComparison.Ordinal) || protocol.StartsWith("v5", StringComparison.Ordinal);
        Stdin = wanted.Stdin ? _stdin.Reader.AsStream() : null;
        Stdout = wanted.Stdout ? _channels.Writer(StdoutChannel) : null;
        Stderr = wanted.Stderr ? _channels.Writer(StderrChannel) : null;
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
    public ValueTask GreetAsync(CancellationToken cancel) =>
        _channels.SendAsync(Stdout is not null ? StdoutChannel : Stderr is not null ? StderrChannel : ErrorChannel, default, cancel);

    public async Task FinishAsync(ReadOnlyMemory<byte> error, CancellationToken cancel)
    {
        if (!error.IsEmpty)
            await _channels.SendAsync(ErrorChannel, error, cancel);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
        await Task.WhenAny(_reading, Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        // The reading loop may wait for a process that has ended to take its stdin.
        await _stdin.Reader.CompleteAsync();
        await _resize.Reader.CompleteAsync();
        await _reading;
        _socket.Dispose();
        _channels.Dispose();
        _gone.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _channels.ReceiveAsync() is { } message)
            await DispatchAsync(message.Channel, message.Data);
        await _stdin.Writer.CompleteAsync();
        await _resize.Writer.CompleteAsync();
        await _gone.CancelAsync();
    }

    private async ValueTask DispatchAsync(byte channel, ReadOnlyMemory<byte> data)
    {
        switch (channel)
        {
            case StdinChannel when Stdin is not null: await _stdin.Writer.WriteAsync(data); break;
            case ResizeChannel when Resize is not null: await _resize.Writer.WriteAsync(data); break;
            case CloseChannel when data.Length > 0 && data.Span[0] == StdinChannel: await _stdin.Writer.CompleteAsync(); break;
        }
    }
}
