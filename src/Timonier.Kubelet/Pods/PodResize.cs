using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// Changes the resources of running containers in place (KEP-1287). What a container runs with is remembered per container id; one that was
/// adopted is given its resources once more, which changes nothing when they are the same. One per pod.
/// </summary>
internal sealed class PodResize(PodServices services)
{
    private readonly Dictionary<string, Cri.V1.LinuxContainerResources> _applied = new(StringComparer.Ordinal);

    /// <summary>A container was just made with these.</summary>
    public void Started(string containerId, Cri.V1.LinuxContainerResources resources) => _applied[containerId] = resources;

    /// <summary>Gives each running container what its spec says now. The pod's own limits grow before, and shrink after.</summary>
    /// <returns>The containers that must be restarted for a change to take effect (their resizePolicy says so).</returns>
    public async Task<IReadOnlyList<RuntimeContainer>> SyncAsync(Pod pod, RuntimePod runtime, CancellationToken cancellationToken)
    {
        var restart = new List<RuntimeContainer>();
        var changes = new List<(RuntimeContainer Runtime, Cri.V1.LinuxContainerResources Resources)>();
        foreach (var (container, kind) in pod.Spec.AllContainers().Where(c => c.Kind is ContainerKind.Regular or ContainerKind.Sidecar))
        {
            if (runtime.Find(container.Name) is not { IsRunning: true } running)
                continue;
            var wanted = PodResources.ForContainer(pod, container, services.MemoryBytes);
            if (!_applied.TryGetValue(running.Id, out var applied))
                _applied[running.Id] = wanted;
            else if (MustRestart(container, applied, wanted))
                restart.Add(running);
            else if (!applied.Equals(wanted))
                changes.Add((running, wanted));
        }
        if (changes.Count > 0)
            await ApplyAsync(pod, changes, cancellationToken);
        foreach (var id in _applied.Keys.Except(runtime.Containers.Select(c => c.Id)).ToArray())
            _applied.Remove(id);
        return restart;
    }

    private async Task ApplyAsync(Pod pod, IReadOnlyList<(RuntimeContainer Runtime, Cri.V1.LinuxContainerResources Resources)> changes, CancellationToken cancellationToken)
    {
        services.Cgroups.Lift(pod);
        foreach (var (running, resources) in changes)
        {
            var update = resources.Clone();
            // The score of a running process is not changed. No limit is said by -1: zero would mean "as it is".
            update.OomScoreAdj = 0;
            if (update.CpuQuota == 0)
                (update.CpuPeriod, update.CpuQuota) = (PodResources.QuotaPeriodMicroseconds, -1);
            await services.Cri.UpdateContainerResourcesAsync(running.Id, update, cancellationToken);
            _applied[running.Id] = resources;
        }
        services.Cgroups.Create(pod);
    }

    private static bool MustRestart(Container container, Cri.V1.LinuxContainerResources applied, Cri.V1.LinuxContainerResources wanted)
    {
        var cpuChanged = applied.CpuShares != wanted.CpuShares || applied.CpuQuota != wanted.CpuQuota;
        var memoryChanged = applied.MemoryLimitInBytes != wanted.MemoryLimitInBytes;
        return container.ResizePolicy.Any(p => p.RestartPolicy == "RestartContainer" && ((p.ResourceName == PodResources.Cpu && cpuChanged) || (p.ResourceName == PodResources.Memory && memoryChanged)));
    }
}
