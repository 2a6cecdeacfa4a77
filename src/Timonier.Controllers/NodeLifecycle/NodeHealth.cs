using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.NodeLifecycle;

/// <summary>What a node's silence and its conditions mean.</summary>
internal static class NodeHealth
{
    /// <summary>The conditions that the kubelet reports, which are unknown when it is silent.</summary>
    private static readonly string[] Reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

    private const string NotReadyKey = "node.kubernetes.io/not-ready";
    private const string UnreachableKey = "node.kubernetes.io/unreachable";
    private const string UnschedulableKey = "node.kubernetes.io/unschedulable";

    private static readonly (string Condition, string Status, string Key)[] TaintsByCondition =
    [
        ("Ready", "False", NotReadyKey), ("Ready", "Unknown", UnreachableKey),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"), ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ];

    public static string Ready(Node node) => node.Status.Conditions.FirstOrDefault(c => c.Type == "Ready")?.Status ?? "Unknown";

    /// <summary>The conditions of a node that has been silent for too long; null when they say so already.</summary>
    public static IReadOnlyList<NodeCondition>? Silent(Node node, DateTimeOffset now)
    {
        var conditions = node.Status.Conditions;
        foreach (var type in Reported)
        {
            var known = conditions.FirstOrDefault(c => c.Type == type);
            if (known?.Status == "Unknown")
                continue;
            conditions = Conditions.Set(conditions, known is null
                ? new() { Type = type, Status = "Unknown", Reason = "NodeStatusNeverUpdated", Message = "Kubelet never posted node status.", LastHeartbeatTime = node.Metadata.CreationTimestamp }
                : known with { Status = "Unknown", Reason = "NodeStatusUnknown", Message = "Kubelet stopped posting node status." }, now);
        }
        return ReferenceEquals(conditions, node.Status.Conditions) ? null : conditions;
    }

    /// <summary>The taints that a node should have; null when it has them. Taints of others stay.</summary>
    /// <param name="evict">May pods be driven away from a node that is not ready? Not when no node is: the fault is then elsewhere.</param>
    public static IReadOnlyList<Taint>? Taints(Node node, bool evict, DateTimeOffset now)
    {
        var wanted = new List<(string Key, string Effect)>();
        evict |= Has(node, NotReadyKey, "NoExecute") || Has(node, UnreachableKey, "NoExecute");
        foreach (var (type, status, key) in TaintsByCondition)
        {
            if (node.Status.Conditions.FirstOrDefault(c => c.Type == type)?.Status != status)
                continue;
            wanted.Add((key, "NoSchedule"));
            if (type == "Ready" && evict)
                wanted.Add((key, "NoExecute"));
        }
        // A node that has not said anything yet keeps what admission, or its kubelet, gave it.
        if (!node.Status.Conditions.Any(c => c.Type == "Ready") && Has(node, NotReadyKey, "NoSchedule"))
            wanted.Add((NotReadyKey, "NoSchedule"));
        if (node.Spec.Unschedulable)
            wanted.Add((UnschedulableKey, "NoSchedule"));
        var taints = node.Spec.Taints.Where(t => !IsOurs(t) || wanted.Contains((t.Key, t.Effect))).ToList();
        taints.AddRange(wanted.Where(w => !Has(node, w.Key, w.Effect)).Select(w => new Taint { Key = w.Key, Effect = w.Effect, TimeAdded = now }));
        return taints.SequenceEqual(node.Spec.Taints) ? null : taints;
    }

    /// <summary>The status of a pod on a node that is not ready: not ready either; null when it says so already.</summary>
    public static PodStatus? NotReady(Pod pod, DateTimeOffset now) =>
        pod.Condition("Ready") is { Status: "True" } ready ? pod.Status with { Conditions = Conditions.Set(pod.Status.Conditions, ready with { Status = "False" }, now) } : null;

    private static bool Has(Node node, string key, string effect) => node.Spec.Taints.Any(t => t.Key == key && t.Effect == effect);

    private static bool IsOurs(Taint taint) => taint.Effect switch
    {
        "NoSchedule" => taint.Key == UnschedulableKey || TaintsByCondition.Any(t => t.Key == taint.Key),
        "NoExecute" => taint.Key is NotReadyKey or UnreachableKey,
        _ => false,
    };
}
