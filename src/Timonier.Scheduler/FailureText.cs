using Timonier.Scheduler.Filters;

namespace Timonier.Scheduler;

/// <summary>Upstream's words for a pod that fits nowhere, as shown in its condition and event.</summary>
public static class FailureText
{
    public static string Describe(int nodes, IReadOnlyDictionary<string, Rejection> rejections, string preemption)
    {
        if (nodes == 0)
            return "no nodes available to schedule pods";
        var reasons = rejections.Values.SelectMany(r => r.Reason.Split(", ")).GroupBy(r => r).Select(g => $"{g.Count()} {g.Key}").Order(StringComparer.Ordinal);
        var text = $"0/{nodes} nodes are available: {string.Join(", ", reasons)}.";
        return preemption.Length == 0 ? text : $"{text} {preemption}";
    }

    /// <summary>Why preemption did not help either.</summary>
    public static string DescribePreemption(int nodes, IReadOnlyDictionary<string, Rejection> rejections)
    {
        var helpless = rejections.Values.Count(r => !r.Resolvable);
        var tried = rejections.Count - helpless;
        List<string> parts = [];
        if (tried > 0)
            parts.Add($"{tried} No preemption victims found for incoming pod");
        if (helpless > 0)
            parts.Add($"{helpless} Preemption is not helpful for scheduling");
        return $"preemption: 0/{nodes} nodes are available: {string.Join(", ", parts)}.";
    }
}
