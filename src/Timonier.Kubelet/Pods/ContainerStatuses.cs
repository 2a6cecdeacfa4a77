using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>Why a container does not run: the reason and message of its waiting state ("CrashLoopBackOff", "ErrImagePull", ...).</summary>
internal sealed record WaitingReason(string Reason, string Message);

/// <summary>Why the kubelet itself ends a pod ("Evicted", "DeadlineExceeded", ...).</summary>
/// <param name="IsDisruption">The pod did nothing wrong: its status says so with the condition DisruptionTarget.</param>
/// <param name="Grace">Null: the pod's own grace period.</param>
internal sealed record PodFailure(string Reason, string Message, bool IsDisruption = false, TimeSpan? Grace = null);

/// <summary>Everything that a pod's status is made from.</summary>
internal sealed record PodStatusInput
{
    public required Pod Pod { get; init; }
    public required RuntimePod Runtime { get; init; }
    public required IProbeResults Probes { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>By container name: what kept it from starting at the last attempt.</summary>
    public IReadOnlyDictionary<string, WaitingReason> Waiting { get; init; } = new Dictionary<string, WaitingReason>();

    /// <summary>The node's addresses, the first being the one of the pod's hostIP.</summary>
    public IReadOnlyList<string> HostIps { get; init; } = [];

    /// <summary>The pod is being ended for good (deleted, evicted, past its deadline): nothing is started again.</summary>
    public bool Terminating { get; init; }

    /// <summary>The pod has no running process any more and will get none.</summary>
    public bool Terminated { get; init; }

    /// <summary>Not null: the kubelet itself ended the pod; its phase becomes Failed.</summary>
    public PodFailure? FailedBecause { get; init; }
}

/// <summary>The containerStatuses of a pod. Upstream: convertToAPIContainerStatuses and prober.UpdatePodStatus.</summary>
internal static class ContainerStatuses
{
    // What upstream reports for a container that vanished: 128 + SIGKILL.
    private const int VanishedExitCode = 137;

    public static IReadOnlyList<ContainerStatus> Make(PodStatusInput input, IEnumerable<(Container Container, ContainerKind Kind)> containers, IReadOnlyList<ContainerStatus> before) =>
        [.. containers.Select(c => Make(input, c.Container, c.Kind, before.FirstOrDefault(b => b.Name == c.Container.Name))).OrderBy(s => s.Name, StringComparer.Ordinal)];

    private static ContainerStatus Make(PodStatusInput input, Container container, ContainerKind kind, ContainerStatus? before)
    {
        var runtime = input.Runtime.Find(container.Name);
        var status = runtime is null ? Absent(input, container, before) : Present(input, container, runtime, before);
        if (MaySayWaiting(input, container, kind, runtime) && input.Waiting.TryGetValue(container.Name, out var waiting))
        {
            status = status with
            {
                LastState = status.State.Terminated is null ? status.LastState : status.State,
                State = new ContainerState { Waiting = new() { Reason = waiting.Reason, Message = waiting.Message } },
            };
        }
        return WithProbes(input, container, kind, status, runtime);
    }

    private static bool MaySayWaiting(PodStatusInput input, Container container, ContainerKind kind, RuntimeContainer? runtime) =>
        !input.Terminating && runtime is not { IsRunning: true } && PodSpecs.ShouldRestart(input.Pod, container, kind, runtime);

    private static ContainerStatus Absent(PodStatusInput input, Container container, ContainerStatus? before)
    {
        var status = new ContainerStatus { Name = container.Name, Image = container.Image };
        if (before is { State.Terminated: not null })
            return before;
        if (before is not null)
            status = status with { RestartCount = before.RestartCount, LastState = before.LastState };
        if (before is { State.Running: { } running } && !input.Terminated)
            status = status with { LastState = Vanished(before, running, "The container could not be located when the pod was deleted.  The container used to be Running") };
        if (before is { State.Running: { } wasRunning } && input.Terminated)
            return status with { ContainerID = before.ContainerID, ImageID = before.ImageID, State = Vanished(before, wasRunning, "The container could not be located when the pod was terminated") };
        if (input.Terminated)
        {
            // It never ran, and never will.
            return status with { State = new() { Terminated = new() { Reason = "ContainerStatusUnknown", Message = "The container could not be located when the pod was terminated", ExitCode = VanishedExitCode } } };
        }
        var reason = input.Pod.Spec.InitContainers.Count > 0 ? "PodInitializing" : "ContainerCreating";
        return status with { State = new() { Waiting = new() { Reason = reason } } };
    }

    private static ContainerState Vanished(ContainerStatus before, ContainerStateRunning running, string message) => new()
    {
        Terminated = new() { Reason = "ContainerStatusUnknown", Message = message, ExitCode = VanishedExitCode, ContainerID = before.ContainerID, StartedAt = running.StartedAt },
    };

    private static ContainerStatus Present(PodStatusInput input, Container container, RuntimeContainer runtime, ContainerStatus? before)
    {
        var previous = input.Runtime.FindPrevious(container.Name);
        var id = PodNames.IdPrefix + runtime.Id;
        var sameAsBefore = before?.ContainerID == id;
        var state = State(runtime);
        return new ContainerStatus
        {
            Name = container.Name,
            State = state,
            // The previous container may have been collected since: what was said of it stays true.
            LastState = previous is { State: RuntimeState.Exited } ? State(previous) : sameAsBefore ? before!.LastState : before?.State.Terminated is not null ? before.State : before?.LastState ?? ContainerState.Empty,
            RestartCount = runtime.RestartCount,
            Image = container.Image,
            ImageID = runtime.ImageId,
            ContainerID = id,
            AllocatedResources = container.Resources.Requests,
            Resources = state.Running is null ? null : container.Resources,
            VolumeMounts = [.. container.VolumeMounts.Select(m => new VolumeMountStatus { Name = m.Name, MountPath = m.MountPath, ReadOnly = m.ReadOnly, RecursiveReadOnly = m.ReadOnly ? m.RecursiveReadOnly ?? "Disabled" : null })],
        };
    }

    public static ContainerState State(RuntimeContainer container) => container.State switch
    {
        RuntimeState.Running => new() { Running = new() { StartedAt = container.StartedAt } },
        RuntimeState.Created => new() { Waiting = new() { Reason = "ContainerCreating" } },
        RuntimeState.Unknown => new()
        {
            Terminated = new() { ExitCode = VanishedExitCode, Reason = "ContainerStatusUnknown", Message = "The container could not be located when the pod was terminated", ContainerID = PodNames.IdPrefix + container.Id },
        },
        _ => new()
        {
            Terminated = new()
            {
                ExitCode = container.ExitCode,
                Reason = container.Reason,
                Message = container.Message,
                StartedAt = container.StartedAt,
                FinishedAt = container.FinishedAt,
                ContainerID = PodNames.IdPrefix + container.Id,
            },
        },
    };

    private static ContainerStatus WithProbes(PodStatusInput input, Container container, ContainerKind kind, ContainerStatus status, RuntimeContainer? runtime)
    {
        if (kind == ContainerKind.Ephemeral)
            return status;
        var started = status.State.Running is not null && input.Probes.Started(runtime!.Id, container);
        var ready = kind == ContainerKind.Init
            ? status.State.Terminated is { ExitCode: 0 } && runtime is not null
            : started && input.Probes.Ready(runtime!.Id, container);
        return status with { Started = started, Ready = ready };
    }
}
