using System.Net.WebSockets;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Config;
using Timonier.Client;

namespace Timonier.Cli.Streams;

/// <summary>
/// A WebSocket whose messages begin with the number of a channel (v5.channel.k8s.io): 0 stdin, 1 stdout, 2 stderr, 3 the outcome
/// as a Status, 4 the terminal's size, 255 closes the channel that its second byte names.
/// </summary>
internal sealed class ChannelSocket : IDisposable
{
    public const byte StandardInput = 0, StandardOutput = 1, StandardError = 2, Outcome = 3, Resize = 4, Close = 255;

    /// <summary>What the server may send in one message; kubelets send 32 kB at most.</summary>
    private const int MessageBytesMax = 1024 * 1024;

    private readonly ClientWebSocket _socket = new();
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _buffer = new byte[64 * 1024];

    private ChannelSocket(ClusterConnection connection, params ReadOnlySpan<string> protocols)
    {
        _handler = new SocketsHttpHandler { SslOptions = connection.Options.TlsOptions(), UseProxy = false };
        _invoker = new HttpMessageInvoker(_handler, disposeHandler: false);
        _socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(15);
        foreach (var protocol in protocols)
            _socket.Options.AddSubProtocol(protocol);
        if (connection.Options.Token.Length > 0)
            _socket.Options.SetRequestHeader("Authorization", "Bearer " + connection.Options.Token);
        foreach (var (name, value) in connection.Options.Headers)
            _socket.Options.SetRequestHeader(name, value);
        _socket.Options.CollectHttpResponseDetails = true;
    }

    /// <summary>Can a channel be closed alone (v5)? Otherwise the end of stdin cannot be told.</summary>
    public bool ClosesChannels => _socket.SubProtocol == "v5.channel.k8s.io";

    /// <exception cref="ApiException">The server refuses the stream.</exception>
    public static async Task<ChannelSocket> ConnectAsync(Cluster cluster, string path, string query, string[] protocols, CancellationToken cancel)
    {
        var connected = new ChannelSocket(cluster.Connection, protocols);
        var server = cluster.Connection.Options.Server;
        var address = new UriBuilder(server) { Scheme = server.Scheme == "https" ? "wss" : "ws", Path = path, Query = query }.Uri;
        try
        {
            await connected._socket.ConnectAsync(address, connected._invoker, cancel);
            return connected;
        }
        catch (WebSocketException e)
        {
            var code = (int)connected._socket.HttpStatusCode;
            connected.Dispose();
            if (code == 0)
                throw new ApiException(503, "ServiceUnavailable", e.Message, e.InnerException);
            // The refusal's body is not to be had from a WebSocket: ask again, plainly, for the words.
            await cluster.SendAsync("GET", path, query, null, cancel);
            throw new ApiException(code, "", $"unable to upgrade connection: {e.Message}", e);
        }
    }

    /// <summary>The next message; null when the other side is done. The data holds until the next call.</summary>
    public async ValueTask<(byte Channel, ReadOnlyMemory<byte> Data)?> ReceiveAsync(CancellationToken cancel)
    {
        var count = 0;
        using var large = new MemoryStream();
        while (true)
        {
            var part = await _socket.ReceiveAsync(_buffer.AsMemory(count), cancel);
            if (part.MessageType == WebSocketMessageType.Close)
                return null;
            count += part.Count;
            if (part.EndOfMessage)
                break;
            if (count == _buffer.Length)
            {
                large.Write(_buffer, 0, count);
                count = 0;
                if (large.Length > MessageBytesMax)
                    throw ApiException.InternalError($"a message of more than {MessageBytesMax} bytes");
            }
        }
        if (large.Length > 0)
        {
            large.Write(_buffer, 0, count);
            var whole = large.ToArray();
            return (whole[0], whole.AsMemory(1));
        }
        return count == 0 ? (StandardOutput, default) : (_buffer[0], _buffer.AsMemory(1, count - 1));
    }

    public async ValueTask SendAsync(byte channel, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        var message = new byte[data.Length + 1];
        message[0] = channel;
        data.CopyTo(message.AsMemory(1));
        await _sending.WaitAsync(cancel);
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, true, cancel);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The exit code that a Status on channel 3 tells; null when it tells of another failure.</summary>
    public static int? ExitCode(JsonMap status)
    {
        if (status.GetString("status") == "Success")
            return 0;
        var causes = status.GetMap("details")?.GetList("causes") ?? [];
        var exit = causes.OfType<JsonMap>().FirstOrDefault(c => c.GetString("reason") == "ExitCode")?.GetString("message");
        return int.TryParse(exit, System.Globalization.CultureInfo.InvariantCulture, out var code) ? code : null;
    }

    public static JsonMap ParseOutcome(ReadOnlySpan<byte> data)
    {
        try
        {
            return JsonParser.ParseMap(data);
        }
        catch (System.Text.Json.JsonException)
        {
            return new JsonMap { ["status"] = "Failure", ["message"] = Encoding.UTF8.GetString(data) };
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _invoker.Dispose();
        _handler.Dispose();
        _sending.Dispose();
    }
}
