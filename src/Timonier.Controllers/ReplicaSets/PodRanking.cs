using System.Globalization;
using System.Numerics;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.ReplicaSets;

/// <summary>
/// Which pods to delete first when there are too many: those that serve least, by upstream's order. Ages are compared by
/// their power of two, so that pods of about the same age are taken at random (by uid) and not the newest always.
/// </summary>
/// <param name="neighbours">How many pods of the same kind are on the pod's node.</param>
internal sealed class PodRanking(Func<Pod, int> neighbours, DateTimeOffset now) : IComparer<Pod>
{
    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";

    /// <summary>The pods to delete, of those given.</summary>
    /// <param name="related">The pods that count as neighbours: of all ReplicaSets with the same owner.</param>
    public static List<Pod> ToDelete(IReadOnlyList<Pod> pods, IEnumerable<Pod> related, int count, DateTimeOffset now)
    {
        if (count >= pods.Count)
            return [.. pods];
        var onNode = related.Where(p => p.IsActive()).CountBy(p => p.Spec.NodeName).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
        return [.. pods.Order(new PodRanking(pod => onNode.GetValueOrDefault(pod.Spec.NodeName), now)).Take(count)];
    }

    /// <summary>Negative: x goes before y.</summary>
    public int Compare(Pod? x, Pod? y)
    {
        var (a, b) = (x!, y!);
        int order;
        if ((order = (a.Spec.NodeName.Length > 0).CompareTo(b.Spec.NodeName.Length > 0)) != 0)
            return order;
        if ((order = Phase(a).CompareTo(Phase(b))) != 0)
            return order;
        if ((order = a.IsReady().CompareTo(b.IsReady())) != 0)
            return order;
        if ((order = Cost(a).CompareTo(Cost(b))) != 0)
            return order;
        if ((order = neighbours(b).CompareTo(neighbours(a))) != 0)
            return order;
        if (a.IsReady() && b.IsReady() && a.Condition("Ready")!.LastTransitionTime is var readyA && b.Condition("Ready")!.LastTransitionTime is var readyB && readyA != readyB)
            return ByAge(readyA, readyB, a, b);
        if ((order = Restarts(b).CompareTo(Restarts(a))) != 0)
            return order;
        return a.Metadata.CreationTimestamp == b.Metadata.CreationTimestamp ? 0 : ByAge(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp, a, b);
    }

    private int ByAge(DateTimeOffset? a, DateTimeOffset? b, Pod podA, Pod podB)
    {
        // A pod without the time has it still before it: it goes first.
        if (a is null || b is null)
            return (a is null ? 0 : 1).CompareTo(b is null ? 0 : 1);
        var order = Magnitude(a.Value).CompareTo(Magnitude(b.Value));
        return order != 0 ? order : string.CompareOrdinal(podA.Metadata.Uid, podB.Metadata.Uid);
    }

    private int Magnitude(DateTimeOffset since) => BitOperations.Log2((ulong)Math.Max(1, (now - since).Ticks));

    private static int Phase(Pod pod) => pod.Status.Phase switch { "Pending" => 0, "Unknown" => 1, "Running" => 2, _ => 0 };

    private static int Cost(Pod pod) =>
        pod.Metadata.Annotations.TryGetValue(DeletionCost, out var text) && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var cost) ? cost : 0;

    private static int Restarts(Pod pod) => pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses).Select(c => c.RestartCount).DefaultIfEmpty().Max();
}
