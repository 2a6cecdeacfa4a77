using System.Buffers.Text;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Timonier.Bench;

/// <summary>One TLS connection with HTTP/1.1, one request at a time. Only as much HTTP as API servers answer with; cheap, because it shares the machine with the server.</summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly SslStream _tls;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly string _headers;
    private int _start, _end;

    private Connection(SslStream tls, Options options)
    {
        _tls = tls;
        _headers = $" HTTP/1.1\r\nHost: {options.Server.Authority}\r\nAuthorization: Bearer {options.Token}\r\nAccept: application/json\r\nUser-Agent: bench\r\n";
    }

    public static async Task<Connection> OpenAsync(Options options)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(options.Server.Host, options.Server.Port);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
#pragma warning disable CA5359 // Whose certificate it is does not matter to a measurement of a server that this script has just started.
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true });
#pragma warning restore CA5359
        return new Connection(tls, options);
    }

    /// <summary>One request and its whole answer. The body is valid until the next call; of one longer than the buffer, only the start.</summary>
    /// <exception cref="InvalidOperationException">The answer is an error.</exception>
    public async Task<ReadOnlyMemory<byte>> SendAsync(string method, string path, ReadOnlyMemory<byte> body)
    {
        await RequestAsync(method, path, body);
        var length = await HeadersAsync();
        if (length >= 0)
            return await BodyAsync(length);
        var first = ReadOnlyMemory<byte>.Empty;
        while (await ChunkAsync() is { Length: > 0 } chunk)
            first = first.Length == 0 ? chunk.ToArray() : first;
        return first;
    }

    /// <summary>Sends a watch request; <see cref="ReadAsync"/> gives its stream.</summary>
    public async Task WatchAsync(string path)
    {
        await RequestAsync("GET", path, default);
        await HeadersAsync();
    }

    /// <summary>Whatever comes next, framing of chunks included; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        if (_start == _end)
            (_start, _end) = (0, await _tls.ReadAsync(_buffer));
        var bytes = _buffer.AsMemory(_start, _end - _start);
        _start = _end;
        return bytes;
    }

    public ValueTask DisposeAsync() => _tls.DisposeAsync();

    private async Task RequestAsync(string method, string path, ReadOnlyMemory<byte> body)
    {
        var head = Encoding.ASCII.GetBytes($"{method} {path}{_headers}" + (body.Length > 0 ? $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n" : "\r\n"));
        var request = new byte[head.Length + body.Length];
        head.CopyTo(request, 0);
        body.CopyTo(request.AsMemory(head.Length));
        await _tls.WriteAsync(request);
    }

    /// <summary>The content's length, or -1: it comes in chunks.</summary>
    private async Task<int> HeadersAsync()
    {
        int at;
        while ((at = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
            await FillAsync();
        var head = Encoding.ASCII.GetString(_buffer, _start, at);
        _start += at + 4;
        var field = head.IndexOf("\r\ncontent-length: ", StringComparison.OrdinalIgnoreCase);
        var length = field >= 0 && Utf8Parser.TryParse(Encoding.ASCII.GetBytes(head[(field + 18)..]), out int known, out _) ? known : -1;
        if (head[9] == '2')
            return length;
        var body = length >= 0 ? await BodyAsync(length) : await ChunkAsync();
        throw new InvalidOperationException(head.Split('\r')[0] + ": " + Encoding.UTF8.GetString(body.Span));
    }

    private async Task<ReadOnlyMemory<byte>> BodyAsync(int length)
    {
        var first = ReadOnlyMemory<byte>.Empty;
        while (length > 0)
        {
            if (_end - _start < Math.Min(length, _buffer.Length))
            {
                await FillAsync();
                continue;
            }
            var part = Math.Min(length, _end - _start);
            first = first.Length == 0 ? _buffer.AsMemory(_start, part) : first;
            _start += part;
            length -= part;
        }
        return first;
    }

    private async Task<ReadOnlyMemory<byte>> ChunkAsync()
    {
        int at;
        while ((at = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0)
            await FillAsync();
        if (!Utf8Parser.TryParse(_buffer.AsSpan(_start, at), out int length, out _, 'x'))
            throw new InvalidOperationException("no chunk's length where one is due");
        _start += at + 2;
        var chunk = await BodyAsync(length + 2);
        return chunk[..Math.Min(length, chunk.Length)];
    }

    private async Task FillAsync()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        var count = await _tls.ReadAsync(_buffer.AsMemory(_end));
        if (count == 0)
            throw new InvalidOperationException("the server ended the connection");
        _end += count;
    }
}
