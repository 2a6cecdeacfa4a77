using System.Text.Json;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication.Oidc;

/// <summary>
/// The keys of one issuer: found through its discovery document, kept, and fetched again when a token names one that is not there or when
/// they are old. What the issuer answers is bounded in bytes and time, and how often it is asked, too.
/// </summary>
internal sealed class IssuerKeys(JwtIssuer issuer, HttpMessageInvoker http, TimeProvider time)
{
    private const int DocumentBytesMax = 1 << 20;
    private const int KeysMax = 100;

    private static readonly TimeSpan FetchLimit = TimeSpan.FromSeconds(10);

    /// <summary>A stranger's token with an unknown key must not make us ask for every request.</summary>
    private static readonly TimeSpan FetchPause = TimeSpan.FromSeconds(10);

    /// <summary>A key that the issuer has withdrawn is believed no longer than this.</summary>
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();

    /// <summary>All who wait for keys wait for the same questions to the issuer.</summary>
    private Task _fetching = Task.CompletedTask;
    private IReadOnlyList<JsonWebKey> _keys = [];
    private DateTimeOffset _fetched = DateTimeOffset.MinValue;
    private DateTimeOffset _tried = DateTimeOffset.MinValue;
    private string _fault = "authenticator not initialized";

    /// <summary>The keys that may have signed a token: those with the id, all when it names none.</summary>
    /// <exception cref="HttpRequestException">There are no keys at all, and why.</exception>
    public async ValueTask<IReadOnlyList<JsonWebKey>> FindAsync(string? id, CancellationToken cancel)
    {
        if (time.GetUtcNow() - _fetched < KeepFor && Matching(id) is { Count: > 0 } known)
            return known;
        Task fetching;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (now - _tried >= FetchPause)
                (_tried, _fetching) = (now, FetchAsync());
            fetching = _fetching;
        }
        await fetching.WaitAsync(cancel);
        return _keys.Count > 0 ? Matching(id) : throw new HttpRequestException(_fault);
    }

    private List<JsonWebKey> Matching(string? id) => [.. _keys.Where(k => string.IsNullOrEmpty(id) || k.Id == id)];

    /// <summary>On failure the old keys stay, until they are too old.</summary>
    private async Task FetchAsync()
    {
        try
        {
            var url = issuer.DiscoveryUrl.Length > 0 ? issuer.DiscoveryUrl : issuer.Url.TrimEnd('/') + "/.well-known/openid-configuration";
            var configuration = await GetAsync(url);
            if (configuration.GetString("issuer") != issuer.Url)
                throw new HttpRequestException($"oidc: issuer did not match the issuer returned by provider, expected \"{issuer.Url}\" got \"{configuration.GetString("issuer")}\"");
            if (configuration.GetString("jwks_uri") is not { } keysUrl || !keysUrl.StartsWith("https://", StringComparison.Ordinal))
                throw new HttpRequestException("oidc: the discovery document has no jwks_uri of https");
            var keys = ((await GetAsync(keysUrl)).GetList("keys") ?? []).OfType<JsonMap>().Take(KeysMax).Select(JsonWebKey.Parse).OfType<JsonWebKey>().ToList();
            if (keys.Count == 0)
                throw new HttpRequestException("oidc: the issuer has no keys");
            // Not disposed: a request may verify with an old one right now. The collector takes them.
            (_keys, _fetched) = (keys, time.GetUtcNow());
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException)
        {
            _fault = e.Message;
            if (time.GetUtcNow() - _fetched >= KeepFor)
                _keys = [];
        }
    }

    private async Task<JsonMap> GetAsync(string url)
    {
        using var limit = new CancellationTokenSource(FetchLimit, time);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            using var response = await http.SendAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode)
                throw new HttpRequestException($"Get \"{url}\": {(int)response.StatusCode}");
            await using var stream = await response.Content.ReadAsStreamAsync(limit.Token);
            var body = new byte[DocumentBytesMax + 1];
            var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, limit.Token);
            return length <= DocumentBytesMax ? JsonParser.ParseMap(body.AsSpan(0, length)) : throw new HttpRequestException($"Get \"{url}\": more than {DocumentBytesMax} bytes");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new HttpRequestException($"Get \"{url}\": context deadline exceeded");
        }
    }
}
