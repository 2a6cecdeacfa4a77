using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Timonier.ApiServer.Content;
using Timonier.Client;

namespace Timonier.ApiServer.Encryption.Kms;

/// <summary>A plugin behind a unix socket, by gRPC: unary calls over HTTP/2 with prior knowledge (grpc/doc/PROTOCOL-HTTP2.md). Thread-safe.</summary>
internal sealed class KmsClient : IKmsPlugin, IDisposable
{
    // A flag byte (0: not compressed), then the length in four bytes, big endian.
    private const int HeadBytes = 5;
    private const int MessageBytesMax = 1 << 20;
    private static readonly double[] Buckets = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384, 32.768];

    private readonly string _name;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Histogram> _calls = new(StringComparer.Ordinal);

    public KmsClient(string name, string socketPath, TimeSpan timeout, TimeProvider time)
    {
        (_name, _timeout, _time) = (name, timeout, time);
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancel) => ConnectAsync(socketPath, cancel), UseProxy = false })
        {
            BaseAddress = new Uri("http://localhost/"), Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MessageBytesMax,
        };
    }

    public async Task<KmsStatus> StatusAsync(CancellationToken cancel)
    {
        var answer = await CallAsync("Status", new WireFields(), cancel);
        return new KmsStatus(answer.Text(1), answer.Text(2), answer.Text(3));
    }

    public async Task<KmsSealed> EncryptAsync(byte[] plain, CancellationToken cancel)
    {
        var answer = await CallAsync("Encrypt", new WireFields().Add(1, plain).Add(2, NewUid()), cancel);
        return new KmsSealed(answer.Bytes(1), answer.Text(2), answer.All(3));
    }

    public async Task<byte[]> DecryptAsync(KmsSealed value, CancellationToken cancel) =>
        (await CallAsync("Decrypt", new WireFields().Add(1, value.Ciphertext).Add(2, NewUid()).Add(3, value.KeyId).AddAll(4, value.Annotations), cancel)).Bytes(1);

    public void Dispose() => _http.Dispose();

    /// <summary>Lines of apiserver_envelope_encryption_kms_operations_latency_seconds.</summary>
    public void WriteFigures(System.Text.StringBuilder text)
    {
        lock (_gate)
        {
            foreach (var (labels, took) in _calls)
                took.Write(text, "apiserver_envelope_encryption_kms_operations_latency_seconds", labels);
        }
    }

    private static string NewUid() => new Guid(RandomNumberGenerator.GetBytes(16)).ToString();

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<WireFields> CallAsync(string method, WireFields request, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var code = "Unavailable";
        try
        {
            var (status, text, body) = await SendAsync(method, request.Encode(), either.Token);
            code = status;
            return status == "OK" ? WireFields.Parse(body) : throw Failed(method, status, text);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            code = "DeadlineExceeded";
            throw Failed(method, code, "context deadline exceeded", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            throw Failed(method, code, e.Message, e);
        }
        catch (FormatException e)
        {
            code = "Internal";
            throw Failed(method, code, e.Message, e);
        }
        finally
        {
            Count($"grpc_status_code=\"{code}\",method_name=\"/v2.KeyManagementService/{method}\",provider_name=\"{_name}\"", _time.GetElapsedTime(started));
        }
    }

    private async Task<(string Status, string Text, byte[] Body)> SendAsync(string method, byte[] body, CancellationToken cancel)
    {
        var framed = new byte[HeadBytes + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), body.Length);
        body.CopyTo(framed, HeadBytes);
        using var message = new HttpRequestMessage(HttpMethod.Post, $"/v2.KeyManagementService/{method}")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(framed),
        };
        message.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        message.Headers.TryAddWithoutValidation("TE", "trailers");
        message.Headers.TryAddWithoutValidation("grpc-timeout", string.Create(CultureInfo.InvariantCulture, $"{(long)_timeout.TotalMilliseconds}m"));
        // Read to its end: the status is in the trailers.
        using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseContentRead, cancel);
        var answer = await response.Content.ReadAsByteArrayAsync(cancel);
        var status = Header(response, "grpc-status");
        if (status != "0")
            return (CodeName(status), Uri.UnescapeDataString(Header(response, "grpc-message") ?? $"unexpected HTTP status code received from server: {(int)response.StatusCode}"), []);
        if (answer.Length < HeadBytes || answer[0] != 0 || BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(1)) != answer.Length - HeadBytes)
            return ("Internal", "malformed gRPC message", []);
        return ("OK", "", answer[HeadBytes..]);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;

    /// <summary>The names of gRPC's codes 1 to 16.</summary>
    private static string CodeName(string? status)
    {
        string[] names = ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"];
        return int.TryParse(status, CultureInfo.InvariantCulture, out var number) && number > 0 && number < names.Length ? names[number] : "Unknown";
    }

    private KmsException Failed(string method, string code, string why, Exception? inner = null) => new($"kms provider \"{_name}\": {method}: rpc error: code = {code} desc = {why}", inner);

    private void Count(string labels, TimeSpan took)
    {
        lock (_gate)
        {
            if (!_calls.TryGetValue(labels, out var histogram))
                _calls[labels] = histogram = new Histogram(Buckets);
            histogram.Add(took.TotalSeconds);
        }
    }
}
