using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Autoscaling;

/// <summary>How far a ratio may be from 1 without anything being done.</summary>
internal readonly record struct Tolerances(double ScaleDown, double ScaleUp)
{
    /// <summary>Upstream's --horizontal-pod-autoscaler-tolerance.</summary>
    public const double Default = 0.1;

    public bool Holds(double ratio) => ratio >= 1 - ScaleDown && ratio <= 1 + ScaleUp;
}

/// <param name="Utilization">In percent of the request; 0 where it has no meaning.</param>
/// <param name="AverageMilli">Per pod, in thousandths.</param>
internal readonly record struct ReplicaProposal(int Replicas, int Utilization, long AverageMilli);

/// <summary>From metrics to a number of replicas: upstream's replica calculator, as pure functions.</summary>
internal static class ReplicaCalculator
{
    // Upstream's defaults of --horizontal-pod-autoscaler-cpu-initialization-period and -initial-readiness-delay.
    private static readonly TimeSpan CpuInitialization = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan InitialReadiness = TimeSpan.FromSeconds(30);

    private enum PodGroup { Ready, Unready, Missing, Ignored }

    /// <summary>By usage in percent of the requests.</summary>
    /// <param name="requests">A pod's request in thousandths.</param>
    /// <exception cref="MetricException">There is nothing to compute with.</exception>
    public static ReplicaProposal ByUtilization(int current, int targetPercent, string resource, IReadOnlyList<Pod> pods, Dictionary<string, PodMetric> metrics, IReadOnlyDictionary<string, long> requests, Tolerances tolerances, DateTimeOffset now)
    {
        (double Ratio, int Utilization, long Average) Measure(Dictionary<string, long> values)
        {
            var known = values.Where(v => requests.ContainsKey(v.Key)).ToList();
            var (used, requested) = (known.Sum(v => v.Value), known.Sum(v => requests[v.Key]));
            if (requested == 0)
                throw new MetricException("no metrics returned matched known pods");
            var utilization = (int)(used * 100 / requested);
            return (utilization / (double)targetPercent, utilization, used / known.Count);
        }
        var fallback = Math.Max(100, targetPercent);
        return Propose(current, resource, pods, metrics, Measure, name => requests[name] * fallback / 100, tolerances, now);
    }

    /// <summary>By the plain average per pod.</summary>
    /// <param name="target">In thousandths.</param>
    /// <param name="resource">Empty: no resource, but a metric of another kind.</param>
    public static ReplicaProposal ByAverage(int current, long target, string resource, IReadOnlyList<Pod> pods, Dictionary<string, PodMetric> metrics, Tolerances tolerances, DateTimeOffset now)
    {
        (double Ratio, int Utilization, long Average) Measure(Dictionary<string, long> values)
        {
            var average = values.Values.Sum() / values.Count;
            return (average / (double)target, 0, average);
        }
        return Propose(current, resource, pods, metrics, Measure, _ => target, tolerances, now);
    }

    /// <summary>By one value for all pods.</summary>
    public static int ByRatio(int current, double ratio, IReadOnlyList<Pod> pods, Tolerances tolerances)
    {
        if (current == 0)
            return (int)Math.Ceiling(ratio);
        return tolerances.Holds(ratio) ? current : (int)Math.Ceiling(ratio * pods.Count(p => p.Status.Phase == "Running" && p.IsReady()));
    }

    /// <summary>By one value that all pods share.</summary>
    public static int ByShare(int statusReplicas, long value, long targetPerPod, Tolerances tolerances) =>
        statusReplicas > 0 && tolerances.Holds(value / (double)(targetPerPod * statusReplicas)) ? statusReplicas : (int)Math.Ceiling(value / (double)targetPerPod);

    private static ReplicaProposal Propose(int current, string resource, IReadOnlyList<Pod> pods, Dictionary<string, PodMetric> metrics, Func<Dictionary<string, long>, (double Ratio, int Utilization, long Average)> measure,
        Func<string, long> whenMissing, Tolerances tolerances, DateTimeOffset now)
    {
        if (pods.Count == 0)
            throw new MetricException("no pods returned by selector while calculating replica count");
        var groups = pods.ToLookup(p => GroupOf(p, resource, metrics, now), p => p.Metadata.Name);
        var values = metrics.ToDictionary(m => m.Key, m => m.Value.Milli);
        foreach (var name in groups[PodGroup.Ignored].Concat(groups[PodGroup.Unready]))
            values.Remove(name);
        if (values.Count == 0)
            throw new MetricException("did not receive metrics for targeted pods (pods might be unready)");
        var (ratio, utilization, average) = measure(values);
        var unreadyCount = ratio > 1 && groups[PodGroup.Unready].Any();
        if (!unreadyCount && !groups[PodGroup.Missing].Any())
            return new(tolerances.Holds(ratio) ? current : (int)Math.Ceiling(ratio * groups[PodGroup.Ready].Count()), utilization, average);

        // What is not known is taken at its worst against the change: idle when growing, at the target when shrinking.
        foreach (var name in groups[PodGroup.Missing])
        {
            if (ratio < 1)
                values[name] = whenMissing(name);
            else if (ratio > 1)
                values[name] = 0;
        }
        if (unreadyCount)
        {
            foreach (var name in groups[PodGroup.Unready])
                values[name] = 0;
        }
        var cautious = measure(values).Ratio;
        if (tolerances.Holds(cautious) || (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1))
            return new(current, utilization, average);
        var wanted = (int)Math.Ceiling(cautious * values.Count);
        return new((cautious < 1 && wanted > current) || (cautious > 1 && wanted < current) ? current : wanted, utilization, average);
    }

    private static PodGroup GroupOf(Pod pod, string resource, Dictionary<string, PodMetric> metrics, DateTimeOffset now)
    {
        if (pod.IsTerminating() || pod.Status.Phase == "Failed")
            return PodGroup.Ignored;
        if (pod.Status.Phase == "Pending")
            return PodGroup.Unready;
        if (!metrics.TryGetValue(pod.Metadata.Name, out var metric))
            return PodGroup.Missing;
        return resource == "cpu" && IsStarting(pod, metric, now) ? PodGroup.Unready : PodGroup.Ready;
    }

    /// <summary>A pod that starts uses more CPU than it will: its figures do not count yet.</summary>
    private static bool IsStarting(Pod pod, PodMetric metric, DateTimeOffset now)
    {
        if (pod.Condition("Ready") is not { } ready || pod.Status.StartTime is not { } started)
            return true;
        return started + CpuInitialization > now
            ? ready.Status == "False" || metric.Timestamp < ready.LastTransitionTime + metric.Window
            : ready.Status == "False" && started + InitialReadiness > ready.LastTransitionTime;
    }
}
