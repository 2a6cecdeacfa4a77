using Timonier.Api.Errors;
using Timonier.Client.Node.Spdy;

namespace Timonier.ApiServer.Streaming;

/// <summary>A client that speaks SPDY/3.1: it opens one stream for each of what it asked for.</summary>
internal sealed class SpdyRemoteClient : IRemoteClient
{
    /// <summary>As upstream's DefaultStreamCreationTimeout.</summary>
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(30);

    /// <summary>For a client to take the last bytes before the connection goes.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(3);

    private readonly SpdyConnection _connection;
    private readonly CancellationTokenSource _gone = new();
    private readonly Dictionary<string, SpdyStream> _streams = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly Task _reading;

    private SpdyRemoteClient(Stream transport, string protocol, TimeProvider time)
    {
        (_connection, _time, ErrorIsStatus) = (new SpdyConnection(transport, isServer: true), time, protocol is "v4.channel.k8s.io");
        _reading = ReadAsync();
    }

    public Stream? Stdin => _streams.GetValueOrDefault("stdin");
    public Stream? Stdout => _streams.GetValueOrDefault("stdout");
    public Stream? Stderr => _streams.GetValueOrDefault("stderr");
    public Stream? Resize => _streams.GetValueOrDefault("resize");
    public bool ErrorIsStatus { get; }
    public CancellationToken Gone => _gone.Token;

    /// <param name="count">How many streams the client will open.</param>
    public static async Task<SpdyRemoteClient> AcceptAsync(Stream transport, string protocol, int count, TimeProvider time, CancellationToken cancel)
    {
        var client = new SpdyRemoteClient(transport, protocol, time);
        using var limit = new CancellationTokenSource(OpenTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel, client.Gone);
        try
        {
            while (client._streams.Count < count)
            {
                var stream = await client._connection.Opened.ReadAsync(either.Token);
                client._streams[stream.Headers.GetValueOrDefault("streamType") ?? ""] = stream;
            }
            return client;
        }
        catch (Exception e) when (e is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            await client.DisposeAsync();
            throw ApiException.Timeout("the client did not open its streams");
        }
    }

    public async Task FinishAsync(ReadOnlyMemory<byte> error, CancellationToken cancel)
    {
        if (_streams.TryGetValue("error", out var stream) && !error.IsEmpty)
            await stream.WriteAsync(error, cancel);
        foreach (var one in _streams.Values)
            await one.CompleteWritesAsync(cancel);
        await Task.WhenAny(_reading, Task.Delay(LingerTime, _time, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _reading;
        _gone.Dispose();
    }

    private async Task ReadAsync()
    {
        await _connection.RunAsync(CancellationToken.None);
        await _gone.CancelAsync();
    }
}
