using Timonier.Api.Core.V1;
using Timonier.Api.Policy.V1;
using Timonier.Controllers.Common;
using Condition = Timonier.Api.Meta.V1.Condition;

namespace Timonier.Controllers.Disruption;

/// <summary>The status of a disruption budget: upstream's rules.</summary>
internal static class DisruptionDecision
{
    private const string Allowed = "DisruptionAllowed";

    /// <summary>An evicted pod that is still there after this was not evicted after all.</summary>
    public static readonly TimeSpan DeletionTimeout = TimeSpan.FromMinutes(2);

    /// <summary>How many pods there should be, and how many of them healthy.</summary>
    /// <param name="scale">The sum of the replicas that the pods' controllers want; asked for only where needed.</param>
    public static async Task<(int Expected, int Desired)> ExpectAsync(PodDisruptionBudgetSpec spec, int podCount, Func<Task<int>> scale)
    {
        if (spec.MaxUnavailable is { } maxUnavailable)
        {
            var expected = await scale();
            return (expected, Math.Max(0, expected - maxUnavailable.Scaled(expected, roundUp: true)));
        }
        if (spec.MinAvailable is not { } minAvailable)
            return (0, 0);
        if (!minAvailable.IsString)
            return (podCount, minAvailable.Number);
        var whole = await scale();
        return (whole, minAvailable.Scaled(whole, roundUp: true));
    }

    /// <summary>The pods that were evicted and are on their way.</summary>
    /// <param name="late">Those that should be gone by now and are not.</param>
    public static Dictionary<string, DateTimeOffset> Disrupted(PodDisruptionBudgetStatus status, IEnumerable<Pod> pods, DateTimeOffset now, List<Pod> late)
    {
        var disrupted = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(p => !p.IsTerminating()))
        {
            if (!status.DisruptedPods.TryGetValue(pod.Metadata.Name, out var since))
                continue;
            if (since + DeletionTimeout < now)
                late.Add(pod);
            else
                disrupted[pod.Metadata.Name] = since;
        }
        return disrupted;
    }

    public static PodDisruptionBudgetStatus Status(PodDisruptionBudget budget, IEnumerable<Pod> pods, (int Expected, int Desired) wanted, IReadOnlyDictionary<string, DateTimeOffset> disrupted, DateTimeOffset now)
    {
        var healthy = pods.Count(p => !p.IsTerminating() && !disrupted.ContainsKey(p.Metadata.Name) && p.IsReady());
        var allowed = wanted.Expected <= 0 ? 0 : Math.Max(0, healthy - wanted.Desired);
        return budget.Status with
        {
            ObservedGeneration = budget.Metadata.Generation, CurrentHealthy = healthy, DesiredHealthy = wanted.Desired, ExpectedPods = wanted.Expected, DisruptionsAllowed = allowed, DisruptedPods = disrupted,
            Conditions = Set(budget, allowed > 0 ? ("True", "SufficientPods", "") : ("False", "InsufficientPods", ""), now),
        };
    }

    /// <summary>What is said while the pods cannot be counted: no disruption is allowed.</summary>
    public static PodDisruptionBudgetStatus Failed(PodDisruptionBudget budget, string why, DateTimeOffset now) =>
        budget.Status with { DisruptionsAllowed = 0, ObservedGeneration = budget.Metadata.Generation, Conditions = Set(budget, ("False", "SyncFailed", why), now) };

    private static IReadOnlyList<Condition> Set(PodDisruptionBudget budget, (string Status, string Reason, string Message) wanted, DateTimeOffset now) => Conditions.Set(
        budget.Status.Conditions, new Condition { Type = Allowed, Status = wanted.Status, Reason = wanted.Reason, Message = wanted.Message, ObservedGeneration = budget.Metadata.Generation }, now);
}
