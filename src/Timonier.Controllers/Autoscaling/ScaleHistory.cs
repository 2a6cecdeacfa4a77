namespace Timonier.Controllers.Autoscaling;

/// <summary>What one autoscaler recommended and did, as far back as its windows and policies look. Not thread-safe: an autoscaler has one worker at a time.</summary>
internal sealed class ScaleHistory
{
    public List<(DateTimeOffset At, int Replicas)> Recommendations { get; } = [];

    /// <summary>By how much it was scaled: positive up, negative down.</summary>
    public List<(DateTimeOffset At, int Change)> Changes { get; } = [];

    public int Added(int periodSeconds, DateTimeOffset now) => Changes.Where(c => c.Change > 0 && c.At > now - TimeSpan.FromSeconds(periodSeconds)).Sum(c => c.Change);

    public int Removed(int periodSeconds, DateTimeOffset now) => -Changes.Where(c => c.Change < 0 && c.At > now - TimeSpan.FromSeconds(periodSeconds)).Sum(c => c.Change);

    /// <summary>An hour is the longest window that the API allows, half an hour the longest period.</summary>
    public void Forget(DateTimeOffset now)
    {
        Recommendations.RemoveAll(r => r.At < now - TimeSpan.FromHours(1));
        Changes.RemoveAll(c => c.At < now - TimeSpan.FromHours(1));
    }
}
