using System.Collections.Concurrent;
using Timonier.Client;

namespace Timonier.Controllers.Discovery;

/// <summary>Finds the resource of a kind that a reference names. Asks discovery when it does not know one, but not again at once. Thread-safe.</summary>
internal sealed class KindMapper(ApiClient client, TimeProvider time)
{
    private static readonly TimeSpan BetweenQuestions = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(string Group, string Kind), ServedResource> _known = new();
    private long? _asked;

    /// <param name="apiVersion">"apps/v1" or "v1".</param>
    /// <returns>In the version that the server prefers; null when no such kind is served.</returns>
    public async Task<ServedResource?> FindAsync(string apiVersion, string kind, CancellationToken cancellationToken)
    {
        var slash = apiVersion.IndexOf('/');
        var key = (slash < 0 ? "" : apiVersion[..slash], kind);
        if (_known.TryGetValue(key, out var resource))
            return resource;
        if (_asked is { } asked && time.GetElapsedTime(asked) < BetweenQuestions)
            return null;
        _asked = time.GetTimestamp();
        foreach (var served in (await ApiDiscovery.DiscoverAsync(client, cancellationToken)).Resources)
            _known.TryAdd((served.Resource.Group, served.Kind), served);
        return _known.GetValueOrDefault(key);
    }
}
