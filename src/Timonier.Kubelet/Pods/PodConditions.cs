using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>The conditions of a pod that the kubelet owns; those of others (readiness gates, DisruptionTarget) are kept. Upstream: status/generate.go.</summary>
internal static class PodConditions
{
    private const string Disruption = "DisruptionTarget";
    private static readonly string[] Owned = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

    public static IReadOnlyList<PodCondition> Make(PodStatusInput input, string phase, IReadOnlyList<ContainerStatus> inits, IReadOnlyList<ContainerStatus> regulars)
    {
        var containersReady = ContainersReady(input.Pod.Spec, phase, inits, regulars);
        PodCondition[] made =
        [
            new() { Type = Owned[0], Status = IsTrue(!input.Terminated && input.Runtime.ReadySandbox is { } s && (input.Pod.IsHostNetwork() || s.Ips.Count > 0)) },
            Initialized(input.Pod.Spec, phase, inits, regulars),
            Ready(input.Pod, containersReady),
            containersReady,
            input.Pod.Status.Conditions.FirstOrDefault(c => c.Type == Owned[4]) ?? new() { Type = Owned[4], Status = "True" },
        ];
        var others = input.Pod.Status.Conditions.Where(c => !Owned.Contains(c.Type));
        if (input.FailedBecause is { IsDisruption: true, Message: var message })
            others = [.. others.Where(c => c.Type != Disruption), WithTimes(new() { Type = Disruption, Status = "True", Reason = "TerminationByKubelet", Message = message }, input)];
        return [.. others, .. made.Select(c => WithTimes(c, input))];
    }

    /// <summary>The conditions to report: ours, and those of others as they are now. DisruptionTarget is written by several; what the kubelet said of it stands.</summary>
    public static IReadOnlyList<PodCondition> Rebase(IReadOnlyList<PodCondition> ours, IReadOnlyList<PodCondition> theirs)
    {
        var disruption = ours.FirstOrDefault(c => c is { Type: Disruption, Reason: "TerminationByKubelet" });
        var others = theirs.Where(c => !IsOwned(c.Type) && (disruption is null || c.Type != Disruption));
        return [.. others, .. disruption is null ? Array.Empty<PodCondition>() : [disruption], .. (ours.Count > 0 ? ours : theirs).Where(c => IsOwned(c.Type))];
    }

    public static bool IsOwned(string type) => Owned.Contains(type);

    /// <summary>Are the conditions that others wrote (readiness gates, DisruptionTarget) the same?</summary>
    public static bool OthersAreEqual(PodStatus a, PodStatus b) =>
        a.Conditions.Where(c => !IsOwned(c.Type)).Select(c => (c.Type, c.Status)).SequenceEqual(b.Conditions.Where(c => !IsOwned(c.Type)).Select(c => (c.Type, c.Status)));

    // The time of transition is when the status value changed, not when a message did.
    private static PodCondition WithTimes(PodCondition made, PodStatusInput input)
    {
        var before = input.Pod.Status.Conditions.FirstOrDefault(c => c.Type == made.Type);
        var time = before is not null && before.Status == made.Status ? before.LastTransitionTime : input.Now;
        return made with { LastTransitionTime = time, ObservedGeneration = input.Pod.Metadata.Generation };
    }

    private static PodCondition Initialized(PodSpec spec, string phase, IReadOnlyList<ContainerStatus> inits, IReadOnlyList<ContainerStatus> regulars)
    {
        if (phase == "Succeeded")
            return new() { Type = "Initialized", Status = "True", Reason = "PodCompleted" };
        if (regulars.Any(c => c.State.Running is not null || c.State.Terminated is { ContainerID.Length: > 0 } || c.LastState.Terminated is { ContainerID.Length: > 0 }))
            return new() { Type = "Initialized", Status = "True" };
        var incomplete = spec.InitContainers.Zip(inits).Where(i => PodSpecs.IsSidecar(i.First) ? i.Second.Started != true : !i.Second.Ready).Select(i => i.First.Name).ToArray();
        return incomplete.Length == 0
            ? new() { Type = "Initialized", Status = "True" }
            : new() { Type = "Initialized", Status = "False", Reason = "ContainersNotInitialized", Message = $"containers with incomplete status: {List(incomplete)}" };
    }

    private static PodCondition ContainersReady(PodSpec spec, string phase, IReadOnlyList<ContainerStatus> inits, IReadOnlyList<ContainerStatus> regulars)
    {
        if (phase == "Succeeded")
            return new() { Type = "ContainersReady", Status = "False", Reason = "PodCompleted" };
        if (phase == "Failed")
            return new() { Type = "ContainersReady", Status = "False", Reason = "PodFailed" };
        var sidecars = spec.InitContainers.Zip(inits).Where(i => PodSpecs.IsSidecar(i.First)).Select(i => i.Second);
        // In the order of the spec, as upstream lists them.
        var unready = sidecars.Concat(spec.Containers.Select(c => regulars.First(r => r.Name == c.Name))).Where(c => !c.Ready).Select(c => c.Name).ToArray();
        return unready.Length == 0
            ? new() { Type = "ContainersReady", Status = "True" }
            : new() { Type = "ContainersReady", Status = "False", Reason = "ContainersNotReady", Message = $"containers with unready status: {List(unready)}" };
    }

    private static PodCondition Ready(Pod pod, PodCondition containersReady)
    {
        if (containersReady.Status != "True")
            return containersReady with { Type = "Ready" };
        var unmet = new List<string>();
        foreach (var gate in pod.Spec.ReadinessGates)
        {
            var condition = pod.Status.Conditions.FirstOrDefault(c => c.Type == gate.ConditionType);
            if (condition is null)
                unmet.Add($"corresponding condition of pod readiness gate \"{gate.ConditionType}\" does not exist.");
            else if (condition.Status != "True")
                unmet.Add($"the status of pod readiness gate \"{gate.ConditionType}\" is not \"True\", but {condition.Status}");
        }
        return unmet.Count == 0
            ? new() { Type = "Ready", Status = "True" }
            : new() { Type = "Ready", Status = "False", Reason = "ReadinessGatesNotReady", Message = string.Join(", ", unmet) };
    }

    private static string IsTrue(bool value) => value ? "True" : "False";

    private static string List(string[] names) => $"[{string.Join(' ', names)}]";
}
