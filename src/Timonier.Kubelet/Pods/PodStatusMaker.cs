using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>Makes the status that the kubelet reports for a pod: a pure function. Upstream: generateAPIPodStatus.</summary>
internal static class PodStatusMaker
{
    public static PodStatus Make(PodStatusInput input)
    {
        var pod = input.Pod;
        var before = pod.Status;
        var inits = ContainerStatuses.Make(input, pod.Spec.AllContainers().Where(c => c.Kind is ContainerKind.Init or ContainerKind.Sidecar), before.InitContainerStatuses);
        // Init containers are reported in the order in which they run.
        inits = [.. pod.Spec.InitContainers.Select(c => inits.First(s => s.Name == c.Name))];
        var regulars = ContainerStatuses.Make(input, pod.Spec.Containers.Select(c => (c, ContainerKind.Regular)), before.ContainerStatuses);
        var phase = PodPhase.Of(pod.Spec, inits, regulars, input.Terminated);
        if (input.FailedBecause is not null || before.Phase == "Failed")
            phase = "Failed";
        else if (before.Phase == "Succeeded")
            phase = "Succeeded";
        var ips = Ips(input, before);
        return before with
        {
            ObservedGeneration = pod.Metadata.Generation,
            Phase = phase,
            Reason = input.FailedBecause?.Reason ?? before.Reason,
            Message = input.FailedBecause?.Message ?? before.Message,
            HostIP = input.HostIps.Count > 0 ? input.HostIps[0] : before.HostIP,
            HostIPs = [.. input.HostIps.Select(i => new HostIP { Ip = i })],
            PodIP = ips.Count > 0 ? ips[0] : "",
            PodIPs = [.. ips.Select(i => new PodIP { Ip = i })],
            StartTime = before.StartTime ?? input.Now,
            InitContainerStatuses = inits,
            ContainerStatuses = regulars,
            EphemeralContainerStatuses = ContainerStatuses.Make(input, pod.Spec.EphemeralContainers.Select(c => (PodSpecs.AsContainer(c), ContainerKind.Ephemeral)), before.EphemeralContainerStatuses),
            Conditions = PodConditions.Make(input, phase, inits, regulars),
        };
    }

    private static IReadOnlyList<string> Ips(PodStatusInput input, PodStatus before)
    {
        if (input.Pod.IsHostNetwork())
            return input.HostIps;
        // The address is reported also after the sandbox has gone, until another takes its place.
        var latest = input.Runtime.ReadySandbox ?? input.Runtime.Sandboxes.FirstOrDefault(s => s.Ips.Count > 0);
        return latest is { Ips.Count: > 0 } ? latest.Ips : [.. before.PodIPs.Select(i => i.Ip)];
    }

    /// <summary>Our status, with what others wrote taken from <paramref name="theirs"/>.</summary>
    public static PodStatus Rebase(PodStatus ours, PodStatus theirs) => ours with
    {
        QosClass = theirs.QosClass,
        NominatedNodeName = theirs.NominatedNodeName,
        Resize = theirs.Resize,
        ResourceClaimStatuses = theirs.ResourceClaimStatuses,
        Conditions = PodConditions.Rebase(ours.Conditions, theirs.Conditions),
    };

    /// <summary>Do the two say the same? Records compare lists by identity, so they are compared as they are written.</summary>
    public static bool AreEqual(PodStatus a, PodStatus b) => ReferenceEquals(a, b) || Encode(a).AsSpan().SequenceEqual(Encode(b));

    private static byte[] Encode(PodStatus status)
    {
        using var buffer = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer))
            status.Write(writer);
        return buffer.ToArray();
    }
}

/// <summary>Upstream: getPhase.</summary>
internal static class PodPhase
{
    public static string Of(PodSpec spec, IReadOnlyList<ContainerStatus> inits, IReadOnlyList<ContainerStatus> regulars, bool isTerminated)
    {
        int pendingInits = 0, failedInits = 0;
        foreach (var (container, status) in spec.InitContainers.Zip(inits))
            CountInit(container, status, ref pendingInits, ref failedInits);
        int waiting = 0, running = 0, stopped = 0, succeeded = 0;
        foreach (var status in regulars)
        {
            if (status.State.Running is not null)
                running++;
            else if (status.State.Terminated is { } terminated)
                (stopped, succeeded) = (stopped + 1, succeeded + (terminated.ExitCode == 0 ? 1 : 0));
            else if (status.State.Waiting is not null && status.LastState.Terminated is not null)
                stopped++;
            else
                waiting++;
        }
        if (failedInits > 0 && spec.RestartPolicy == PodSpecs.Never)
            return "Failed";
        if (isTerminated)
            return stopped == succeeded && waiting == 0 && failedInits == 0 && pendingInits == 0 ? "Succeeded" : "Failed";
        if ((pendingInits > 0 && running + stopped == 0) || waiting > 0)
            return "Pending";
        if (running > 0)
            return "Running";
        return stopped == 0 ? "Pending" : Ended(spec, stopped == succeeded);
    }

    private static string Ended(PodSpec spec, bool allSucceeded) => spec.RestartPolicy switch
    {
        PodSpecs.Always => "Running",
        _ when allSucceeded => "Succeeded",
        PodSpecs.Never => "Failed",
        _ => "Running",
    };

    private static void CountInit(Container container, ContainerStatus status, ref int pending, ref int failed)
    {
        if (PodSpecs.IsSidecar(container))
        {
            pending += status.Started == true || status.LastState.Terminated is not null || status.State.Terminated is not null ? 0 : 1;
            return;
        }
        var ended = status.State.Terminated ?? (status.State.Waiting is not null ? status.LastState.Terminated : null);
        if (ended is null)
            pending++;
        else if (ended.ExitCode != 0)
            failed++;
    }
}
