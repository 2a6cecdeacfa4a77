using Timonier.Api.Core.V1;

namespace Timonier.Controllers.Common;

/// <summary>What loops ask of a pod.</summary>
public static class PodFacts
{
    public static PodCondition? Condition(this Pod pod, string type)
    {
        foreach (var condition in pod.Status.Conditions)
        {
            if (condition.Type == type)
                return condition;
        }
        return null;
    }

    public static bool IsReady(this Pod pod) => pod.Condition("Ready")?.Status == "True";

    /// <summary>Ready for at least so long.</summary>
    public static bool IsAvailable(this Pod pod, int minReadySeconds, DateTimeOffset now)
    {
        var ready = pod.Condition("Ready");
        return ready?.Status == "True" && (minReadySeconds == 0 || (ready.LastTransitionTime is { } since && since + TimeSpan.FromSeconds(minReadySeconds) <= now));
    }

    /// <summary>When a ready pod becomes available; null when it is already, or is not ready.</summary>
    public static TimeSpan? AvailableIn(this Pod pod, int minReadySeconds, DateTimeOffset now) =>
        pod.IsReady() && !pod.IsAvailable(minReadySeconds, now) && pod.Condition("Ready")!.LastTransitionTime is { } since ? since + TimeSpan.FromSeconds(minReadySeconds) - now : null;

    /// <summary>Has it ended for good?</summary>
    public static bool IsTerminal(this Pod pod) => pod.Status.Phase is "Succeeded" or "Failed";

    public static bool IsTerminating(this Pod pod) => pod.Metadata.DeletionTimestamp is not null;

    /// <summary>Neither ended nor being deleted.</summary>
    public static bool IsActive(this Pod pod) => !pod.IsTerminal() && !pod.IsTerminating();
}
