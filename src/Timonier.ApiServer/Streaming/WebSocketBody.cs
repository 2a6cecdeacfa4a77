using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Streaming;

/// <summary>An answer as messages of a WebSocket: each write is one. For clients that can only read streams so (logs in a browser).</summary>
internal sealed class WebSocketBody(WebSocket socket) : Stream
{
    private const string Binary = "binary.k8s.io", Base64 = "base64.binary.k8s.io";

    private readonly bool _base64 = socket.SubProtocol == Base64;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

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

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async ValueTask DisposeAsync()
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
        await base.DisposeAsync();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");
}
