using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Streaming;

/// <summary>An answer as messages of a WebSocket: each write is one. For clients that can only read streams so (logs in a browser).</summary>
internal sealed class WebSocketBody(WebSocket socket) : WriteOnlyStream
{
    private const string Binary = "binary.k8s.io", Base64 = "base64.binary.k8s.io";

    private readonly bool _base64 = socket.SubProtocol == Base64;

    /// <summary>Takes the connection over. An empty message tells the client that it stands, as upstream's do.</summary>
    public static async Task<WebSocketBody> OpenAsync(HttpContext http, CancellationToken cancel)
    {
        var body = new WebSocketBody(await Upgrades.WebSocketAsync(http, Upgrades.Choose(http, "Sec-WebSocket-Protocol", [Binary, Base64])));
        await body.WriteAsync(ReadOnlyMemory<byte>.Empty, cancel);
        return body;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> message = _base64 ? Encoding.ASCII.GetBytes(Convert.ToBase64String(buffer.Span)) : buffer;
        try
        {
            await socket.SendAsync(message, _base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException("the client is gone", e);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(socket);
        await base.DisposeAsync();
    }

    /// <summary>Says goodbye where someone is left to hear it, and ends the socket.</summary>
    public static async Task CloseAsync(WebSocket socket)
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException or IOException)
        {
            // The client was quicker.
        }
        socket.Dispose();
    }
}
