using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>
/// Asks webhooks over HTTPS. A service is reached at one of its ready endpoints, or at its cluster IP while it has none
/// that we know; the certificate must be for name.namespace.svc and of the webhook's own CA. Thread-safe.
/// </summary>
internal sealed class WebhookCaller(IObjectReader reader, TimeProvider time) : IDisposable
{
    private const int AnswerBytesMax = 3 * 1024 * 1024;

    // One client for each CA and target: so many webhooks at once have kept connections, no more.
    private const int ClientsMax = 64;

    private readonly ConcurrentDictionary<string, HttpClient> _clients = new(StringComparer.Ordinal);

    /// <exception cref="HttpRequestException">No way to the webhook, or no 200.</exception>
    /// <exception cref="TimeoutException">It did not answer in time.</exception>
    public async Task<JsonMap> AskAsync(WebhookClientConfig client, int timeoutSeconds, JsonMap review, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(timeoutSeconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        var url = Url(client, timeoutSeconds);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(JsonEncoder.Encode(review)) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Accept.ParseAdd("application/json");
            using var response = await ClientFor(client).SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new HttpRequestException($"the server answered {(int)response.StatusCode}: {Beginning(body)}");
            return JsonParser.ParseMap(body);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"Post \"{url}\": context deadline exceeded");
        }
        catch (HttpRequestException e)
        {
            throw new HttpRequestException($"Post \"{url}\": {e.InnerException?.Message ?? e.Message}", e);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    private static string Url(WebhookClientConfig client, int timeoutSeconds)
    {
        var seconds = timeoutSeconds.ToString(CultureInfo.InvariantCulture);
        if (client.Url is { } url)
            return url + (url.Contains('?', StringComparison.Ordinal) ? "&" : "?") + $"timeout={seconds}s";
        var service = client.Service!;
        return $"https://{service.Name}.{service.Namespace}.svc:{service.Port ?? 443}{service.Path ?? ""}?timeout={seconds}s";
    }

    private static string Beginning(byte[] body) => System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 200)));

    private HttpClient ClientFor(WebhookClientConfig config)
    {
        var target = config.Url ?? $"{config.Service!.Namespace}/{config.Service.Name}:{config.Service.Port}";
        var key = target + " " + Convert.ToHexString(SHA256.HashData(config.CaBundle));
        if (_clients.TryGetValue(key, out var client))
            return client;
        if (_clients.Count >= ClientsMax && _clients.Keys.FirstOrDefault() is { } oldest && _clients.TryRemove(oldest, out var dropped))
            dropped.Dispose();
        return _clients.GetOrAdd(key, _ => Create(config));
    }

    private HttpClient Create(WebhookClientConfig config)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), MaxConnectionsPerServer = 32,
            ConnectCallback = config.Service is { } service ? (_, cancel) => ServiceAddress.ConnectAsync(reader, service.Namespace, service.Name, service.Port ?? 443, cancel) : null,
            SslOptions = new SslClientAuthenticationOptions(),
        };
        if (config.CaBundle.Length > 0)
        {
            var roots = new X509Certificate2Collection();
            try
            {
                roots.ImportFromPem(System.Text.Encoding.ASCII.GetString(config.CaBundle));
            }
            catch (CryptographicException e)
            {
                throw new HttpRequestException("unable to load root certificates: " + e.Message, e);
            }
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTimeIgnored = false };
            policy.CustomTrustStore.AddRange(roots);
            handler.SslOptions.CertificateChainPolicy = policy;
        }
        // The time limit is the webhook's own, on injected time.
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = AnswerBytesMax };
    }
}
