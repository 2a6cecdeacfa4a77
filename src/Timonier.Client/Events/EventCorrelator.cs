using Timonier.Api.Core.V1;

namespace Timonier.Client;

/// <summary>
/// Decides what becomes of an event, by upstream's rules: the same one again raises the count of the first; the eleventh
/// within ten minutes that differs only in its message joins one "combined" event; an object has 25 events at once and
/// one more every five minutes. Memory is bounded: what was longest unused is forgotten. Not thread-safe.
/// </summary>
internal sealed class EventCorrelator(TimeProvider time)
{
    private const int SimilarMax = 10;
    private const int Burst = 25;
    private const double PerSecond = 1.0 / 300;
    private static readonly TimeSpan SimilarWithin = TimeSpan.FromMinutes(10);

    private readonly RecentCache<ObjectKey, TokenBucket> _buckets = new(4096);
    private readonly RecentCache<SimilarKey, Similar> _similar = new(4096);
    private readonly RecentCache<(SimilarKey, string Message), Event> _counted = new(4096);

    /// <returns>The event to write: new when its count is 1, else a change of the one of that name; null: drop it.</returns>
    public Event? Correlate(Event value)
    {
        var about = value.InvolvedObject;
        var source = new ObjectKey(value.Source.Component, value.Source.Host, about.Kind, about.Namespace, about.Name, about.Uid, about.FieldPath);
        var kind = new SimilarKey(source, value.Type, value.Reason);
        var message = Combine(kind, ref value);

        var known = _counted.Get((kind, message));
        var result = known is null ? value : known with { Count = known.Count + 1, LastTimestamp = value.LastTimestamp, Message = value.Message };
        _counted.Set((kind, message), result);

        var bucket = _buckets.Get(source with { FieldPath = "" });
        if (bucket is null)
            _buckets.Set(source with { FieldPath = "" }, bucket = new TokenBucket(PerSecond, Burst, time));
        return bucket.TryTake() ? result : null;
    }

    /// <summary>The message by which the event is counted: its own, or none when it joins the combined event.</summary>
    private string Combine(SimilarKey key, ref Event value)
    {
        var now = time.GetUtcNow();
        var similar = _similar.Get(key);
        if (similar is null || now - similar.Last > SimilarWithin)
            _similar.Set(key, similar = new Similar());
        similar.Last = now;
        similar.Messages.Add(value.Message);
        if (similar.Messages.Count < SimilarMax)
            return value.Message;
        similar.Messages.Remove(similar.Messages.First());
        value = value with { Message = $"(combined from similar events): {value.Message}" };
        return "";
    }

    private sealed record ObjectKey(string Component, string Host, string Kind, string Namespace, string Name, string Uid, string FieldPath);

    private sealed record SimilarKey(ObjectKey Object, string Type, string Reason);

    private sealed class Similar
    {
        public DateTimeOffset Last;
        public readonly HashSet<string> Messages = new(StringComparer.Ordinal);
    }
}
