using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>Requests over HTTPS. Keeps connections (HTTP/2 where the server speaks it) and one handler for its lifetime.</summary>
public sealed class HttpTransport : IApiTransport, IDisposable
{
    private readonly HttpTransportOptions _options;
    private readonly SocketsHttpHandler _handler;
    private readonly HttpClient _http;
    private readonly BearerToken _token;
    private readonly TimeProvider _time;

    public HttpTransport(HttpTransportOptions options, TimeProvider time)
    {
        (_options, _time, _token) = (options, time, new BearerToken(options, time));
        _handler = new SocketsHttpHandler
        {
            SslOptions = options.TlsOptions(), UseProxy = false, UseCookies = false, AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip, EnableMultipleHttp2Connections = true,
            // A dead peer must not hold a watch for ever: the framework closes a connection whose pings go unanswered.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30), KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
        };
        _http = new HttpClient(_handler, disposeHandler: false) { BaseAddress = options.Server, Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = options.BodyBytesMax };
    }

    public async Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.RequestTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            using var response = await StartAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return new ApiResponse((int)response.StatusCode, response.Content.Headers.ContentType?.ToString() ?? "", new ReadOnlySequence<byte>(body))
            {
                Warnings = WarningHeader.Read(response.Headers),
                RetryAfterSeconds = response.Headers.RetryAfter?.Delta is { } delta ? (int)delta.TotalSeconds : null,
            };
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw ApiException.Timeout($"no answer from {_options.Server} within {_options.RequestTimeout.TotalSeconds:0} s");
        }
    }

    public async IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await OpenAsync(request, cancellationToken);
        await foreach (var change in WatchFrames.ReadAsync(stream, cancellationToken))
            yield return change;
    }

    /// <summary>An answer as a stream (a log that is followed). Disposing of the stream ends the request.</summary>
    /// <exception cref="ApiException">The server refuses or cannot be reached.</exception>
    public async Task<Stream> OpenAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var response = await StartAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.IsSuccessStatusCode)
            return await response.Content.ReadAsStreamAsync(cancellationToken);
        using (response)
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            throw WireFormat.Error(new((int)response.StatusCode, "", new ReadOnlySequence<byte>(body)));
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
    }

    private async Task<HttpResponseMessage> StartAsync(ApiRequest request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), request.Query.Length == 0 ? request.Path : $"{request.Path}?{request.Query}")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        if (request.UserAgent.Length > 0)
            message.Headers.TryAddWithoutValidation("User-Agent", request.UserAgent);
        if (await _token.GetAsync(cancellationToken) is { Length: > 0 } token)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in _options.Headers)
            message.Headers.TryAddWithoutValidation(name, value);
        if (!request.Body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(request.Body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }
        try
        {
            return await _http.SendAsync(message, completion, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new ApiException(503, "ServiceUnavailable", $"the server at {_options.Server} cannot be reached: {e.Message}", e);
        }
    }
}
