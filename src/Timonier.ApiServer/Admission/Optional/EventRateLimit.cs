using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission.Optional;

/// <summary>How many events may come (eventratelimit.admission.k8s.io/v1alpha1 Configuration).</summary>
/// <param name="Type">Server, Namespace, User or SourceAndObject: what shares a bucket.</param>
/// <param name="Burst">So many at once.</param>
/// <param name="BucketsMax">So many buckets are kept: those used last.</param>
public sealed record EventLimit(string Type, long PerSecond, long Burst, int BucketsMax)
{
    /// <summary>Upstream's defaultCacheSize.</summary>
    private const int DefaultBucketsMax = 4096;

    internal static IReadOnlyList<EventLimit> Read(JsonMap map)
    {
        var limits = (map.GetList("limits") ?? []).OfType<JsonMap>().Select(Of).ToList();
        return limits.Count > 0 ? limits : throw new FormatException("limits: Invalid value: []: must not be empty");
    }

    private static EventLimit Of(JsonMap limit)
    {
        if (limit.GetString("type") is not ("Server" or "Namespace" or "User" or "SourceAndObject") and var type)
            throw new FormatException($"limits.type: Unsupported value: \"{type}\": supported values: \"Namespace\", \"Server\", \"SourceAndObject\", \"User\"");
        var (perSecond, burst) = (limit.GetInteger("qps") ?? 0, limit.GetInteger("burst") ?? 0);
        if (perSecond <= 0 || burst <= 0)
            throw new FormatException("limits: qps and burst must be positive");
        var size = limit.GetInteger("cacheSize") ?? 0;
        return new(limit.GetString("type")!, perSecond, burst, size is > 0 and < int.MaxValue ? (int)size : DefaultBucketsMax);
    }
}

/// <summary>Refuses events beyond their limits.</summary>
internal sealed class EventRateLimit(IReadOnlyList<EventLimit> limits, TimeProvider time) : IValidatingAdmission
{
    private readonly List<Buckets> _buckets = [.. limits.Select(l => new Buckets(l, time))];

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        // Both groups' events are the same objects.
        if (attributes.Object is not { } obj || attributes.Scope.Resource.Plural != "events" || attributes.Scope.DryRun || attributes.Operation is not ("CREATE" or "UPDATE"))
            return ValueTask.CompletedTask;
        foreach (var buckets in _buckets)
        {
            var key = Key(buckets.Limit.Type, attributes, obj);
            if (!buckets.TryTake(key))
                throw ApiException.TooManyRequests($"limit reached on type {buckets.Limit.Type} for key {key}", 0);
        }
        return ValueTask.CompletedTask;
    }

    private static string Key(string type, AdmissionAttributes attributes, JsonMap obj) => type switch
    {
        "Namespace" => attributes.Scope.Namespace,
        "User" => attributes.Scope.User.Name,
        "SourceAndObject" => string.Concat(
            [
                .. ((string[])["component", "host"]).Select(k => (obj.GetMap("source") ?? []).Text(k)),
                .. ((string[])["kind", "namespace", "name", "uid", "apiVersion"]).Select(k => (obj.GetMap("involvedObject") ?? []).Text(k)),
            ]),
        _ => "{}",
    };

    /// <summary>One bucket for each key, the longest unused forgotten first.</summary>
    private sealed class Buckets(EventLimit limit, TimeProvider time)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, LinkedListNode<(string Key, double Tokens, long At)>> _byKey = new(StringComparer.Ordinal);
        private readonly LinkedList<(string Key, double Tokens, long At)> _byUse = new();

        public EventLimit Limit => limit;

        public bool TryTake(string key)
        {
            lock (_gate)
            {
                var now = time.GetTimestamp();
                var tokens = (double)limit.Burst;
                if (_byKey.Remove(key, out var node))
                {
                    _byUse.Remove(node);
                    tokens = Math.Min(limit.Burst, node.Value.Tokens + time.GetElapsedTime(node.Value.At, now).TotalSeconds * limit.PerSecond);
                }
                else if (_byUse.Count == limit.BucketsMax)
                {
                    _byKey.Remove(_byUse.First!.Value.Key);
                    _byUse.RemoveFirst();
                }
                var taken = tokens >= 1;
                _byKey[key] = _byUse.AddLast((key, taken ? tokens - 1 : tokens, now));
                return taken;
            }
        }
    }
}
