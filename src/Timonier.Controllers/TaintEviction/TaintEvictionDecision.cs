using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.TaintEviction;

/// <summary>How long pods may stay on a node with taints of effect NoExecute.</summary>
internal static class TaintEvictionDecision
{
    /// <returns>Null: for ever. Zero: they must go now.</returns>
    public static TimeSpan? Stay(IEnumerable<Taint> taints, IReadOnlyList<Toleration> tolerations)
    {
        long? least = null;
        foreach (var taint in taints.Where(t => t.Effect == "NoExecute"))
        {
            // Upstream takes the first toleration that fits the taint.
            var toleration = tolerations.FirstOrDefault(t => Tolerates(t, taint));
            if (toleration is null)
                return TimeSpan.Zero;
            if (toleration.TolerationSeconds is { } seconds)
                least = Math.Min(least ?? long.MaxValue, Math.Max(0, seconds));
        }
        // A timer's range bounds what is waited for; a century is for ever.
        return least is null or > 3_000_000_000 ? null : TimeSpan.FromSeconds(least.Value);
    }

    public static bool Tolerates(Toleration toleration, Taint taint) =>
        (toleration.Effect.Length == 0 || toleration.Effect == taint.Effect)
        && (toleration.Key.Length == 0 || toleration.Key == taint.Key)
        && toleration.Operator switch
        {
            "Exists" => true,
            "" or "Equal" => toleration.Value == taint.Value && toleration.Key.Length > 0,
            _ => false,
        };

    /// <summary>The status with which a pod is deleted.</summary>
    public static PodStatus Marked(Pod pod, DateTimeOffset now) => pod.Status with
    {
        Conditions = Conditions.Set(pod.Status.Conditions, new PodCondition { Type = "DisruptionTarget", Status = "True", Reason = "DeletionByTaintManager", Message = "Taint manager: deleting due to NoExecute taint" }, now),
    };
}
