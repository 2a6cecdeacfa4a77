using Timonier.Api.Apps.V1;

namespace Timonier.Controllers.Deployments;

/// <summary>How large each ReplicaSet of a Deployment should be next. Pure; the arithmetic and its rounding are upstream's.</summary>
internal static class RolloutMath
{
    public static int Replicas(Deployment deployment) => deployment.Spec.Replicas ?? 1;

    public static int Replicas(ReplicaSet set) => set.Spec.Replicas ?? 1;

    public static bool IsRolling(Deployment deployment) => deployment.Spec.Strategy.Type is "RollingUpdate" or "";

    /// <summary>The bounds of a rolling update in pods. Both zero would never move: then one may be unavailable.</summary>
    public static (int Surge, int Unavailable) Fenceposts(Deployment deployment)
    {
        if (!IsRolling(deployment))
            return (0, 0);
        var desired = Replicas(deployment);
        var rolling = deployment.Spec.Strategy.RollingUpdate;
        var surge = (rolling?.MaxSurge ?? new("25%")).Scaled(desired, roundUp: true);
        var unavailable = (rolling?.MaxUnavailable ?? new("25%")).Scaled(desired, roundUp: false);
        return (surge, surge == 0 && unavailable == 0 ? 1 : unavailable);
    }

    public static int MaxSurge(Deployment deployment) => Fenceposts(deployment).Surge;

    public static int MaxUnavailable(Deployment deployment) =>
        !IsRolling(deployment) || Replicas(deployment) == 0 ? 0 : Math.Min(Fenceposts(deployment).Unavailable, Replicas(deployment));

    /// <summary>The next size of the newest set, which may grow while all together stay below the bound.</summary>
    public static int NewSize(Deployment deployment, IReadOnlyList<ReplicaSet> all, int newest)
    {
        var desired = Replicas(deployment);
        if (!IsRolling(deployment))
            return desired;
        var room = desired + MaxSurge(deployment) - all.Sum(Replicas);
        return room <= 0 ? newest : newest + Math.Min(room, desired - newest);
    }

    /// <summary>
    /// The next sizes of the old sets in a rolling update: first pods that serve nobody go, then as many available ones as
    /// the new set has made up for. Sets that stay as they are, are left out.
    /// </summary>
    public static List<(ReplicaSet Set, int Size)> OldSizes(Deployment deployment, ReplicaSet newest, IReadOnlyList<ReplicaSet> olds)
    {
        var sizes = olds.OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal).Select(s => (Set: s, Size: Replicas(s))).ToArray();
        var minAvailable = Replicas(deployment) - MaxUnavailable(deployment);
        var newUnavailable = Replicas(newest) - newest.Status.AvailableReplicas;
        var mayGo = olds.Sum(Replicas) + Replicas(newest) - minAvailable - newUnavailable;
        if (mayGo <= 0)
            return [];
        for (var i = 0; i < sizes.Length && mayGo > 0; i++)
        {
            var unhealthy = sizes[i].Size - sizes[i].Set.Status.AvailableReplicas;
            var going = Math.Min(mayGo, Math.Max(0, unhealthy));
            sizes[i].Size -= going;
            mayGo -= going;
        }
        var surplus = olds.Sum(s => s.Status.AvailableReplicas) + newest.Status.AvailableReplicas - minAvailable;
        for (var i = 0; i < sizes.Length && surplus > 0; i++)
        {
            var going = Math.Min(surplus, sizes[i].Size);
            sizes[i].Size -= going;
            surplus -= going;
        }
        return [.. sizes.Where(s => s.Size != Replicas(s.Set))];
    }

    /// <summary>The sizes of several active sets when the Deployment is scaled in the middle of a rollout: each in proportion.</summary>
    public static List<(ReplicaSet Set, int Size)> ProportionalSizes(Deployment deployment, IReadOnlyList<ReplicaSet> active)
    {
        var desired = Replicas(deployment);
        var toAdd = (desired > 0 ? desired + MaxSurge(deployment) : 0) - active.Sum(Replicas);
        // Growing, the larger and newer take first; shrinking, the larger and older give first.
        var ordered = active.OrderByDescending(Replicas).ThenBy(s => (toAdd > 0 ? -1 : 1) * (s.Metadata.CreationTimestamp?.UtcTicks ?? 0)).ToList();
        var added = 0;
        var sizes = new List<(ReplicaSet Set, int Size)>();
        foreach (var set in ordered)
        {
            var share = toAdd == 0 ? 0 : Proportion(deployment, set, toAdd, added);
            added += share;
            sizes.Add((set, Replicas(set) + share));
        }
        // What rounding left over goes to the first.
        if (sizes.Count > 0 && toAdd != 0)
            sizes[0] = (sizes[0].Set, Math.Max(0, sizes[0].Size + toAdd - added));
        return sizes;
    }

    private static int Proportion(Deployment deployment, ReplicaSet set, int toAdd, int added)
    {
        if (Replicas(set) == 0 || toAdd == added)
            return 0;
        var (fraction, allowed) = (Fraction(deployment, set), toAdd - added);
        return toAdd > 0 ? Math.Min(fraction, allowed) : Math.Max(fraction, allowed);
    }

    private static int Fraction(Deployment deployment, ReplicaSet set)
    {
        if (Replicas(deployment) == 0)
            return -Replicas(set);
        var max = Replicas(deployment) + MaxSurge(deployment);
        var before = RolloutAnnotations.MaxOf(set) is { } known and not 0 ? known : deployment.Status.Replicas;
        return before == 0 ? 0 : (int)Math.Round((double)Replicas(set) * max / before, MidpointRounding.AwayFromZero) - Replicas(set);
    }
}
