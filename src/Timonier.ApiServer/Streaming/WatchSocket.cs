using System.Buffers;
using System.Net.WebSockets;
using Timonier.Api.Errors;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// A watch over a WebSocket, as upstream's HandleWS: what is written until a flush is one event and becomes one message, text for JSON and binary for protobuf. What the
/// client sends is read and forgotten; when he closes, the watch ends.
/// </summary>
internal sealed class WatchSocket : WriteOnlyStream
{
    /// <summary>The framing of a protobuf stream: over a WebSocket the message itself tells the length.</summary>
    private const int LengthPrefixBytes = 4;

    /// <summary>What an event may keep after it was sent.</summary>
    private const int BufferBytesKept = 64 * 1024;

    private readonly WebSocket _socket;
    private readonly bool _isText;
    private readonly Task _reading;
    private ArrayBufferWriter<byte> _message = new();

    private WatchSocket(WebSocket socket, bool isText, CancellationTokenSource watch)
    {
        (_socket, _isText) = (socket, isText);
        _reading = ReadAsync(watch);
    }

    /// <param name="watch">Cancelled when the client leaves.</param>
    /// <exception cref="ApiException">BadRequest: no handshake of a WebSocket, or more than one subprotocol offered.</exception>
    public static async Task<WatchSocket> OpenAsync(ApiCall call, CancellationTokenSource watch)
    {
        var offered = Upgrades.Offered(call.Http, Upgrades.ProtocolHeader).Where(p => !BearerTokenAuthenticator.IsToken(p)).ToList();
        // Upstream knows no subprotocol here: the one that is offered is taken, of several none can be.
        if (offered.Count > 1)
            throw ApiException.BadRequest("websocket: bad protocol");
        return new(await Upgrades.WebSocketAsync(call.Http, offered.FirstOrDefault()), call.Forms.Form.Wire == WireForm.Json, watch);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _message.Write(buffer.Span);
        return default;
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_message.WrittenCount == 0)
            return;
        try
        {
            if (_isText)
                await _socket.SendAsync(_message.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
            else
                await _socket.SendAsync(_message.WrittenMemory[LengthPrefixBytes..], WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException or IOException)
        {
            throw new OperationCanceledException("the client is gone", e, cancellationToken);
        }
        if (_message.Capacity > BufferBytesKept)
            _message = new();
        else
            _message.ResetWrittenCount();
    }

    public override async ValueTask DisposeAsync()
    {
        await WebSocketBody.CloseAsync(_socket);
        await _reading;
        await base.DisposeAsync();
    }

    private async Task ReadAsync(CancellationTokenSource watch)
    {
        var ignored = new byte[1024];
        try
        {
            while ((await _socket.ReceiveAsync(ignored.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // Gone without a word, or one that is no WebSocket's; or the watch is over.
        }
        await watch.CancelAsync();
    }
}
