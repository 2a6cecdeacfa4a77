using System.Collections.Concurrent;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>
/// All sorts of bearer tokens in one place, with a cache of the good ones, so that a busy client's signature is not checked
/// per request. Only tokens for the API server itself are cached. Thread-safe.
/// </summary>
public sealed class TokenAuthenticators(IReadOnlyList<ITokenAuthenticator> authenticators, IReadOnlyList<string> apiAudiences, TimeProvider time) : ITokenAuthenticator
{
    /// <summary>As upstream: how long a revoked token may still work.</summary>
    private static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(10);
    private const int CacheEntriesMax = 4096;

    private readonly ConcurrentDictionary<string, (TokenIdentity Identity, long Until)> _cache = new(StringComparer.Ordinal);

    public IReadOnlyList<string> ApiAudiences => apiAudiences;

    /// <summary>A token that was good moments ago, without allocation.</summary>
    public TokenIdentity? FindCached(ReadOnlySpan<char> token) =>
        _cache.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var entry) && time.GetTimestamp() < entry.Until ? entry.Identity : null;

    /// <summary>For requests to the API server itself.</summary>
    public async ValueTask<TokenIdentity?> AuthenticateAsync(string token, CancellationToken cancel)
    {
        if (FindCached(token) is { } cached)
            return cached;
        var identity = await AuthenticateAsync(token, apiAudiences, cancel);
        if (identity is not null)
        {
            // Kept as requests see it, so that a cached answer costs nothing.
            identity = identity with { User = Authenticators.WithAuthenticated(identity.User) };
            if (_cache.Count >= CacheEntriesMax)
                _cache.Clear();
            _cache[token] = (identity, time.GetTimestamp() + (long)(CacheTime.TotalSeconds * time.TimestampFrequency));
        }
        return identity;
    }

    public async ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel)
    {
        TokenRefusedException? refused = null;
        foreach (var authenticator in authenticators)
        {
            try
            {
                if (await authenticator.AuthenticateAsync(token, audiences, cancel) is { } identity)
                    return identity;
            }
            catch (TokenRefusedException e)
            {
                refused ??= e;
            }
        }
        return refused is null ? null : throw refused;
    }
}
