using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.DaemonSets;

/// <summary>What a DaemonSet is decided from.</summary>
/// <param name="Hash">Of the newest template.</param>
/// <param name="Pods">The set's pods, without those that have ended and are being deleted.</param>
internal sealed record DaemonState(DaemonSet Set, string Hash, IReadOnlyList<Node> Nodes, IReadOnlyList<Pod> Pods, DateTimeOffset Now)
{
    /// <summary>The pods by the node that they are on or meant for, the oldest that runs first.</summary>
    public ILookup<string, Pod> ByNode { get; } = Pods
        .OrderByDescending(p => p.Spec.NodeName.Length > 0).ThenBy(p => p.Metadata.CreationTimestamp).ThenBy(p => p.Metadata.Name, StringComparer.Ordinal)
        .ToLookup(DaemonPods.NodeOf, StringComparer.Ordinal);

    public bool IsAvailable(Pod pod) => pod.IsAvailable(Set.Spec.MinReadySeconds, Now);
}

/// <summary>Nodes to start a pod on, and pods to delete.</summary>
internal sealed record DaemonSteps(List<string> Create, List<Pod> Delete);

/// <summary>The next steps of a DaemonSet: first one pod on each node that should have one, then its update. Pure.</summary>
internal static class DaemonPlan
{
    /// <summary>Pods that are missing, superfluous, or have ended. An ended one is replaced once it is gone.</summary>
    public static DaemonSteps Manage(DaemonState state)
    {
        var steps = new DaemonSteps([], []);
        foreach (var node in state.Nodes)
            ManageNode(state, node, [.. state.ByNode[node.Metadata.Name]], steps);
        var known = state.Nodes.Select(n => n.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        // A pod that waits for a node which is gone would wait for ever.
        steps.Delete.AddRange(state.Pods.Where(p => p.Spec.NodeName.Length == 0 && !p.IsTerminating() && DaemonPods.NodeOf(p) is { Length: > 0 } node && !known.Contains(node)));
        return steps;
    }

    private static void ManageNode(DaemonState state, Node node, List<Pod> pods, DaemonSteps steps)
    {
        var (run, stay) = DaemonPods.Fits(state.Set, node);
        if (run && pods.Count == 0)
            steps.Create.Add(node.Metadata.Name);
        else if (!stay)
            steps.Delete.AddRange(pods.Where(p => !p.IsTerminating()));
        else
        {
            var alive = pods.Where(p => !p.IsTerminating()).ToList();
            steps.Delete.AddRange(alive.Where(p => p.IsTerminal()));
            alive.RemoveAll(p => p.IsTerminal());
            if (!DaemonPods.AllowsSurge(state.Set))
                steps.Delete.AddRange(alive.Skip(1));
            else if (alive.Count > 1)
                ManageSurge(state, alive, steps);
        }
    }

    /// <summary>While surging, one old and one new pod may be on the node, until the new one can take over.</summary>
    private static void ManageSurge(DaemonState state, List<Pod> alive, DaemonSteps steps)
    {
        var newest = alive.Find(p => DaemonPods.HashOf(p) == state.Hash);
        var old = alive.Find(p => DaemonPods.HashOf(p) != state.Hash);
        steps.Delete.AddRange(alive.Where(p => p != newest && p != old));
        if (newest is not null && old is not null && (!old.IsReady() || state.IsAvailable(newest)))
            steps.Delete.Add(old);
    }

    /// <summary>The next step of a rolling update. Pods that are not available are replaced without regard to the bounds: nothing is lost.</summary>
    public static DaemonSteps RollingUpdate(DaemonState state)
    {
        var (surge, unavailable) = Bounds(state);
        return surge > 0 ? UpdateBySurge(state, surge) : UpdateInPlace(state, unavailable);
    }

    private static (int Surge, int Unavailable) Bounds(DaemonState state)
    {
        var desired = state.Nodes.Count(n => DaemonPods.Fits(state.Set, n).Run);
        var rolling = state.Set.Spec.UpdateStrategy.RollingUpdate;
        var surge = (rolling?.MaxSurge ?? 0).Scaled(desired, roundUp: true);
        var unavailable = (rolling?.MaxUnavailable ?? 1).Scaled(desired, roundUp: true);
        return (surge, desired > 0 && surge == 0 && unavailable == 0 ? 1 : unavailable);
    }

    private static DaemonSteps UpdateInPlace(DaemonState state, int unavailableMax)
    {
        var (steps, candidates, unavailable) = (new DaemonSteps([], []), new List<Pod>(), 0);
        foreach (var pods in state.ByNode)
        {
            // Two alike, one of each, or none: managing the node comes first, and it counts as unavailable.
            if (!FindPair(state, pods, out var newest, out var old) || (newest is null) == (old is null))
                unavailable++;
            else if (newest is not null)
                unavailable += state.IsAvailable(newest) ? 0 : 1;
            else if (state.IsAvailable(old!))
                candidates.Add(old!);
            else
            {
                steps.Delete.Add(old!);
                unavailable++;
            }
        }
        steps.Delete.AddRange(candidates.Take(Math.Max(0, unavailableMax - unavailable)));
        return steps;
    }

    private static DaemonSteps UpdateBySurge(DaemonState state, int surgeMax)
    {
        var (steps, candidates, surge) = (new DaemonSteps([], []), new List<string>(), 0);
        var running = state.Nodes.Where(n => DaemonPods.Fits(state.Set, n).Run).Select(n => n.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var pods in state.ByNode)
        {
            if (!FindPair(state, pods, out var newest, out var old))
                surge++;
            else if (old is null)
                continue;
            else if (newest is not null)
            {
                if (state.IsAvailable(newest))
                    steps.Delete.Add(old);
                else
                    surge++;
            }
            else if (!running.Contains(pods.Key))
                continue;
            else if (state.IsAvailable(old))
                candidates.Add(pods.Key);
            else
            {
                steps.Create.Add(pods.Key);
                surge++;
            }
        }
        steps.Create.AddRange(candidates.Take(Math.Max(0, surgeMax - surge)));
        return steps;
    }

    /// <summary>False when there are two new or two old ones.</summary>
    private static bool FindPair(DaemonState state, IEnumerable<Pod> pods, out Pod? newest, out Pod? old)
    {
        (newest, old) = (null, null);
        foreach (var pod in pods.Where(p => !p.IsTerminating()))
        {
            ref var slot = ref DaemonPods.HashOf(pod) == state.Hash ? ref newest : ref old;
            if (slot is not null)
                return false;
            slot = pod;
        }
        return true;
    }
}
