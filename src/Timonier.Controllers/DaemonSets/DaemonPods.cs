using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.DaemonSets;

/// <summary>Which nodes a DaemonSet is for, and its pods on them. Pure.</summary>
internal static class DaemonPods
{
    public const string HashLabel = "controller-revision-hash";
    private const string TemplateGeneration = "deprecated.daemonset.template.generation";

    /// <summary>A daemon is wanted most where a node is in trouble: it stays, and comes, in spite of these taints.</summary>
    private static readonly Toleration[] Tolerations =
    [
        Tolerate("node.kubernetes.io/not-ready", "NoExecute"), Tolerate("node.kubernetes.io/unreachable", "NoExecute"), Tolerate("node.kubernetes.io/disk-pressure", "NoSchedule"),
        Tolerate("node.kubernetes.io/memory-pressure", "NoSchedule"), Tolerate("node.kubernetes.io/pid-pressure", "NoSchedule"), Tolerate("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];

    private static readonly Toleration NoNetwork = Tolerate("node.kubernetes.io/network-unavailable", "NoSchedule");

    public static string HashOf(Pod pod) => pod.Metadata.Labels.GetValueOrDefault(HashLabel, "");

    public static bool AllowsSurge(DaemonSet set) => set.Spec.UpdateStrategy is { Type: "RollingUpdate", RollingUpdate.MaxSurge: { IsZero: false } surge } && surge.ToString() != "0%";

    /// <summary>Should a daemon be started on the node, and may one that is there stay?</summary>
    public static (bool Run, bool Stay) Fits(DaemonSet set, Node node)
    {
        var spec = set.Spec.Template.Spec;
        if ((spec.NodeName.Length > 0 && spec.NodeName != node.Metadata.Name) || !NodeFit.MatchesAffinity(spec, node))
            return (false, false);
        var tolerations = WithTolerations(spec);
        if (NodeFit.Untolerated(node.Spec.Taints, tolerations, "NoSchedule", "NoExecute") is null)
            return (true, true);
        return (false, NodeFit.Untolerated(node.Spec.Taints, tolerations, "NoExecute") is null);
    }

    /// <summary>The pod for a node. The scheduler places it, bound to that node by affinity.</summary>
    public static Pod New(DaemonSet set, string node, string hash)
    {
        var pod = PodControl.FromTemplate(set.Spec.Template, set);
        var labels = pod.Metadata.Labels.With(HashLabel, hash);
        if (set.Metadata.Annotations.TryGetValue(TemplateGeneration, out var generation))
            labels = labels.With("pod-template-generation", generation);
        return pod with { Metadata = pod.Metadata with { Labels = labels }, Spec = pod.Spec with { Tolerations = WithTolerations(pod.Spec), Affinity = OnNode(pod.Spec.Affinity, node) } };
    }

    /// <summary>The node that a pod is on or is meant for; empty when neither is known.</summary>
    public static string NodeOf(Pod pod)
    {
        if (pod.Spec.NodeName.Length > 0)
            return pod.Spec.NodeName;
        var terms = pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms ?? [];
        return terms.SelectMany(t => t.MatchFields).FirstOrDefault(f => f is { Key: "metadata.name", Operator: "In", Values.Count: 1 })?.Values[0] ?? "";
    }

    private static Affinity OnNode(Affinity? affinity, string node)
    {
        NodeSelectorRequirement[] field = [new() { Key = "metadata.name", Operator = "In", Values = [node] }];
        var required = affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
        NodeSelector selector = required is { NodeSelectorTerms.Count: > 0 }
            ? new() { NodeSelectorTerms = [.. required.NodeSelectorTerms.Select(t => t with { MatchFields = field })] }
            : new() { NodeSelectorTerms = [new() { MatchFields = field }] };
        return (affinity ?? Affinity.Empty) with { NodeAffinity = (affinity?.NodeAffinity ?? NodeAffinity.Empty) with { RequiredDuringSchedulingIgnoredDuringExecution = selector } };
    }

    private static IReadOnlyList<Toleration> WithTolerations(PodSpec spec)
    {
        var added = spec.HostNetwork ? Tolerations.Append(NoNetwork) : Tolerations;
        return [.. spec.Tolerations, .. added.Where(a => !spec.Tolerations.Any(t => t.Key == a.Key && t.Effect == a.Effect && t.Operator == a.Operator))];
    }

    private static Toleration Tolerate(string key, string effect) => new() { Key = key, Operator = "Exists", Effect = effect };
}
