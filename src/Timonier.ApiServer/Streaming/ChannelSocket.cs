using System.Buffers;
using System.Net.WebSockets;
using System.Text;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// Several streams over one WebSocket, as upstream's channel protocols have it: the first byte of each message says which stream it
/// belongs to. In the base64 forms it is a digit, and the rest is base64. One reader, any number of writers.
/// </summary>
internal sealed class ChannelSocket(WebSocket socket) : IDisposable
{
    private const int MessageBytesMax = 1 << 20;

    private readonly bool _base64 = socket.SubProtocol?.Contains("base64", StringComparison.Ordinal) == true;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ArrayBufferWriter<byte> _message = new(4096);

    /// <summary>What is written to it goes out on one channel.</summary>
    public Stream Writer(byte channel) => new ChannelStream(this, channel);

    /// <exception cref="IOException">The client is gone.</exception>
    public async ValueTask SendAsync(byte channel, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        byte[] message = _base64 ? Encoding.ASCII.GetBytes((char)('0' + channel) + Convert.ToBase64String(data.Span)) : [channel, .. data.Span];
        await _sending.WaitAsync(cancel);
        try
        {
            await socket.SendAsync(message, _base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancel);
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

    /// <summary>The next message, valid until the next call; null when the client has left, or speaks another language.</summary>
    public async ValueTask<(byte Channel, ReadOnlyMemory<byte> Data)?> ReceiveAsync()
    {
        try
        {
            do
            {
                _message.ResetWrittenCount();
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await socket.ReceiveAsync(_message.GetMemory(4096), CancellationToken.None);
                    _message.Advance(received.Count);
                }
                while (!received.EndOfMessage && _message.WrittenCount <= MessageBytesMax);
                if (received.MessageType == WebSocketMessageType.Close || _message.WrittenCount > MessageBytesMax)
                    return null;
            }
            while (_message.WrittenCount == 0);
            var data = _message.WrittenMemory[1..];
            var first = _message.WrittenSpan[0];
            return _base64 ? ((byte)(first - '0'), Convert.FromBase64String(Encoding.ASCII.GetString(data.Span))) : (first, data);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public void Dispose() => _sending.Dispose();

    private sealed class ChannelStream(ChannelSocket channels, byte channel) : WriteOnlyStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => channels.SendAsync(channel, buffer, cancellationToken);
    }
}
