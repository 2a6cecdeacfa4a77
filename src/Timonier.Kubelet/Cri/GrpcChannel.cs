using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace Timonier.Kubelet.Cri;

/// <summary>
/// gRPC over HTTP/2 with prior knowledge: unary calls and server streams, nothing more
/// (grpc/doc/PROTOCOL-HTTP2.md). Thread safe. The connection is made at need and again after it broke.
/// </summary>
internal sealed class GrpcChannel : IDisposable
{
    // A message is a flag byte (0: not compressed), its length in four bytes, big endian, then its bytes.
    private const int PrefixLength = 5;

    // Upstream's kubelet accepts 16 MiB from a runtime (maxMsgSize).
    private const int MessageLengthMax = 16 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>To a unix socket.</summary>
    public GrpcChannel(string socketPath, TimeProvider time) : this(new UnixDomainSocketEndPoint(socketPath), ProtocolType.Unspecified, time)
    {
    }

    /// <summary>To a port, without encryption.</summary>
    public GrpcChannel(IPEndPoint address, TimeProvider time) : this(address, ProtocolType.Tcp, time)
    {
    }

    private GrpcChannel(EndPoint address, ProtocolType protocol, TimeProvider time)
    {
        _time = time;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(address.AddressFamily, SocketType.Stream, protocol);
                try
                {
                    await socket.ConnectAsync(address, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            UseProxy = false,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            EnableMultipleHttp2Connections = true,
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>One request, one response.</summary>
    /// <exception cref="CriException">The status was not OK, the deadline passed, or the socket does not answer.</exception>
    public async Task<TResponse> CallAsync<TResponse>(
        string method, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellationToken)
        where TResponse : IMessage<TResponse>
    {
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var response = await SendAsync(method, request, timeout, linked.Token);
            await using var body = await response.Content.ReadAsStreamAsync(linked.Token);
            var message = await ReadMessageAsync(body, parser, method, linked.Token);
            // The trailers arrive after the body's end, so it is read to its end also after the only message.
            if (message is not null && await ReadMessageAsync(body, parser, method, linked.Token) is not null)
                throw new CriException(GrpcStatus.Internal, "more than one response to a unary call", method);
            ThrowUnlessOk(response, method);
            return message ?? throw new CriException(GrpcStatus.Internal, "no response to a unary call", method);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new CriException(GrpcStatus.DeadlineExceeded, "context deadline exceeded", method, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            throw new CriException(GrpcStatus.Unavailable, e.Message, method, e);
        }
    }

    /// <summary>One request, many responses, until the server ends the stream.</summary>
    /// <param name="onOpen">Called once the server has accepted the call; events after that moment are not missed.</param>
    public async IAsyncEnumerable<TResponse> StreamAsync<TResponse>(
        string method, IMessage request, MessageParser<TResponse> parser, Action? onOpen,
        [EnumeratorCancellation] CancellationToken cancellationToken)
        where TResponse : IMessage<TResponse>
    {
        HttpResponseMessage response;
        Stream body;
        try
        {
            response = await SendAsync(method, request, null, cancellationToken);
            body = await response.Content.ReadAsStreamAsync(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            throw new CriException(GrpcStatus.Unavailable, e.Message, method, e);
        }
        using var _ = response;
        await using var __ = body;
        onOpen?.Invoke();
        while (true)
        {
            TResponse? message;
            try
            {
                message = await ReadMessageAsync(body, parser, method, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
            {
                throw new CriException(GrpcStatus.Unavailable, e.Message, method, e);
            }
            if (message is null)
                break;
            yield return message;
        }
        ThrowUnlessOk(response, method);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, IMessage request, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var length = request.CalculateSize();
        var bytes = new byte[PrefixLength + length];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), length);
        request.WriteTo(bytes.AsSpan(PrefixLength));
        using var message = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(bytes),
        };
        message.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        message.Headers.TryAddWithoutValidation("TE", "trailers");
        if (timeout is { } limit)
            message.Headers.TryAddWithoutValidation("grpc-timeout", string.Create(CultureInfo.InvariantCulture, $"{(long)limit.TotalMilliseconds}m"));
        var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            response.Dispose();
            throw new CriException(GrpcStatus.Unavailable, $"unexpected HTTP status code received from server: {(int)response.StatusCode}", method);
        }
        return response;
    }

    private static async Task<T?> ReadMessageAsync<T>(Stream body, MessageParser<T> parser, string method, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        var prefix = new byte[PrefixLength];
        var read = await body.ReadAtLeastAsync(prefix, PrefixLength, throwOnEndOfStream: false, cancellationToken);
        if (read == 0)
            return default;
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix.AsSpan(1));
        if (read < PrefixLength || prefix[0] != 0 || length > MessageLengthMax)
            throw new CriException(GrpcStatus.Internal, "malformed gRPC message", method);
        var bytes = new byte[length];
        await body.ReadExactlyAsync(bytes, cancellationToken);
        return parser.ParseFrom(bytes);
    }

    private static void ThrowUnlessOk(HttpResponseMessage response, string method)
    {
        // An error before any message comes as "trailers only": the status is in the headers.
        var status = Header(response, "grpc-status");
        if (status == "0")
            return;
        var code = int.TryParse(status, CultureInfo.InvariantCulture, out var number) && Enum.IsDefined((GrpcStatus)number)
            ? (GrpcStatus)number
            : GrpcStatus.Unknown;
        throw new CriException(code, Uri.UnescapeDataString(Header(response, "grpc-message") ?? "no status in the response"), method);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values)
            ? values.FirstOrDefault()
            : null;
}
