using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// Decides what a pod needs: a pure function of its spec, what the runtime has, and the probes' results. Upstream: computePodActions.
/// Backoff is not its subject: a start that is named here may have to wait.
/// </summary>
internal sealed class PodDecision
{
    private readonly Pod _pod;
    private readonly RuntimePod _runtime;
    private readonly IProbeResults _probes;
    private readonly List<ContainerKill> _kill = [];
    private readonly List<ContainerStart> _start = [];

    private PodDecision(Pod pod, RuntimePod runtime, IProbeResults probes) => (_pod, _runtime, _probes) = (pod, runtime, probes);

    public static PodActions Decide(Pod pod, RuntimePod runtime, IProbeResults probes) => new PodDecision(pod, runtime, probes).Decide();

    private PodActions Decide()
    {
        var latest = _runtime.Sandboxes.Count > 0 ? _runtime.Sandboxes[0] : null;
        var usable = latest is { Ready: true } && _runtime.Sandboxes.Count(s => s.Ready) == 1 && (_pod.IsHostNetwork() || latest.Ips.Count > 0);
        return usable ? InSandbox(latest!) : NewSandbox(latest);
    }

    private PodActions NewSandbox(RuntimeSandbox? latest)
    {
        var attempt = latest is null ? 0 : latest.Attempt + 1;
        var mayRestart = _pod.Spec.RestartPolicy != PodSpecs.Never || _pod.Spec.Containers.Any(c => c.RestartPolicy is PodSpecs.Always or PodSpecs.OnFailure);
        // A pod that is not to be restarted has had its one life: what is left of it is stopped.
        if (!mayRestart && attempt != 0 && _runtime.Containers.Count > 0)
            return new PodActions { KillPod = true };
        var containers = _pod.Spec.Containers.Where(c => !(PodSpecs.EffectivePolicy(_pod, c, ContainerKind.Regular) == PodSpecs.OnFailure && _runtime.Find(c.Name) is { State: RuntimeState.Exited, ExitCode: 0 })).ToArray();
        if (containers.Length == 0)
            return new PodActions { KillPod = true };
        if (_pod.Spec.InitContainers.Count > 0)
            AddStart(_pod.Spec.InitContainers[0], InitKind(0));
        else
            Array.ForEach(containers, c => AddStart(c, ContainerKind.Regular));
        return new PodActions { KillPod = latest is not null, CreateSandbox = true, Attempt = attempt, Start = _start };
    }

    private PodActions InSandbox(RuntimeSandbox sandbox)
    {
        foreach (var ephemeral in _pod.Spec.EphemeralContainers)
        {
            if (_runtime.Find(ephemeral.Name) is null)
                AddStart(PodSpecs.AsContainer(ephemeral), ContainerKind.Ephemeral);
        }
        if (!InitContainers(out var failed))
        {
            return failed
                ? new PodActions { KillPod = true }
                : new PodActions { SandboxId = sandbox.Id, Kill = _kill, Start = _start };
        }
        var sidecarStarts = _start.Count;
        var kept = 0;
        foreach (var container in _pod.Spec.Containers)
            kept += RegularContainer(container) ? 1 : 0;
        var isOver = kept == 0 && _start.Count == sidecarStarts;
        return isOver ? new PodActions { KillPod = true } : new PodActions { SandboxId = sandbox.Id, Kill = _kill, Start = _start };
    }

    /// <returns>True if the container runs and stays.</returns>
    private bool RegularContainer(Container container)
    {
        var status = _runtime.Find(container.Name);
        if (status is not { IsRunning: true })
        {
            if (!PodSpecs.ShouldRestart(_pod, container, ContainerKind.Regular, status))
                return false;
            // Whatever it is: two of the same name must not run at once.
            if (status is { State: RuntimeState.Unknown })
                _kill.Add(new(status, $"Container {container.Name} is in unknown state, will be restarted"));
            AddStart(container, ContainerKind.Regular);
            return false;
        }
        return KeepRunning(container, ContainerKind.Regular, status);
    }

    private bool KeepRunning(Container container, ContainerKind kind, RuntimeContainer status)
    {
        var restart = PodSpecs.EffectivePolicy(_pod, container, kind) != PodSpecs.Never;
        TimeSpan? grace = null;
        string message;
        if (status.Hash.Length > 0 && status.Hash != PodNames.ContainerHash(container))
            (message, restart) = ($"Container {container.Name} definition changed", true);
        else if (_probes.LivenessFailed(status.Id))
            (message, grace) = ($"Container {container.Name} failed liveness probe", ProbeGrace(container.LivenessProbe));
        else if (_probes.StartupFailed(status.Id))
            (message, grace) = ($"Container {container.Name} failed startup probe", ProbeGrace(container.StartupProbe));
        else
            return true;
        _kill.Add(new(status, restart ? message + ", will be restarted" : message, grace));
        if (restart)
            AddStart(container, kind);
        // A container that is about to be killed for good still counts as there: its end brings the next decision.
        return !restart;
    }

    private static TimeSpan? ProbeGrace(Probe? probe) =>
        probe?.TerminationGracePeriodSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Starts init containers one after the other, and keeps the sidecars among them running.</summary>
    /// <returns>True if the regular containers may run.</returns>
    private bool InitContainers(out bool failed)
    {
        failed = false;
        var inits = _pod.Spec.InitContainers;
        if (inits.Count == 0)
            return true;
        // A regular container was made: initialization is over, even if the init containers were removed since.
        var initialized = _pod.Spec.Containers.Any(c => _runtime.Find(c.Name) is not null);
        var frontier = initialized ? inits.Count : LastWithStatus(inits);
        for (var i = 0; i < Math.Min(frontier, inits.Count); i++)
        {
            if (PodSpecs.IsSidecar(inits[i]))
                Sidecar(inits[i]);
        }
        if (initialized)
            return true;
        if (frontier < 0)
        {
            AddStart(inits[0], InitKind(0));
            return false;
        }
        var current = inits[frontier];
        var done = PodSpecs.IsSidecar(current) ? Sidecar(current) : InitContainer(current, out failed);
        if (!done)
            return false;
        if (frontier == inits.Count - 1)
            return true;
        AddStart(inits[frontier + 1], InitKind(frontier + 1));
        return false;
    }

    private int LastWithStatus(IReadOnlyList<Container> inits)
    {
        for (var i = inits.Count - 1; i >= 0; i--)
        {
            if (_runtime.Find(inits[i].Name) is not null)
                return i;
        }
        return -1;
    }

    /// <returns>True if it has succeeded.</returns>
    private bool InitContainer(Container container, out bool failed)
    {
        failed = false;
        var status = _runtime.Find(container.Name)!;
        if (status.IsRunning)
            return false;
        if (status is { State: RuntimeState.Exited, ExitCode: 0 })
            return true;
        failed = !PodSpecs.ShouldRestart(_pod, container, ContainerKind.Init, status) && _pod.Metadata.DeletionTimestamp is null;
        if (!failed)
            AddStart(container, ContainerKind.Init);
        return false;
    }

    /// <returns>True if it runs and has started, so that the next may start.</returns>
    private bool Sidecar(Container container)
    {
        var status = _runtime.Find(container.Name);
        if (status is { IsRunning: true })
            return KeepRunning(container, ContainerKind.Sidecar, status) && _probes.Started(status.Id, container);
        if (status is { State: RuntimeState.Unknown })
            _kill.Add(new(status, $"Init container {container.Name} is in unknown state, will be restarted"));
        AddStart(container, ContainerKind.Sidecar);
        return false;
    }

    private ContainerKind InitKind(int index) => PodSpecs.IsSidecar(_pod.Spec.InitContainers[index]) ? ContainerKind.Sidecar : ContainerKind.Init;

    private void AddStart(Container container, ContainerKind kind) =>
        _start.Add(new(container, kind, _runtime.Find(container.Name) is { } before ? before.RestartCount + 1 : 0));
}
