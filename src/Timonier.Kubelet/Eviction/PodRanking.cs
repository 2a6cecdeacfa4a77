using System.Globalization;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Eviction;

/// <summary>How much of the scarce resource one container of a pod uses.</summary>
internal readonly record struct ContainerUse(string Name, long Used);

/// <summary>A pod that may have to go. <see cref="Used"/> is the pod's whole use, which is more than its containers' where volumes count.</summary>
internal sealed record EvictionCandidate(Pod Pod, long Used, IReadOnlyList<ContainerUse> Containers);

/// <summary>Who goes first, and what is said of it: pure. Upstream: rankMemoryPressure, rankDiskPressureFunc, rankPIDPressure, evictionMessage.</summary>
internal static class PodRanking
{
    private const int SystemCriticalPriority = 2_000_000_000;

    /// <summary>First to go first: over its request, then of low priority, then furthest over its request. Critical pods never go.</summary>
    public static IReadOnlyList<EvictionCandidate> Order(IEnumerable<EvictionCandidate> candidates, EvictionSignal signal) =>
    [
        .. candidates.Where(c => !IsCritical(c.Pod))
            .OrderBy(c => signal != EvictionSignal.PidAvailable && c.Used > Request(c.Pod, signal) ? 0 : 1)
            .ThenBy(c => c.Pod.Spec.Priority ?? 0)
            .ThenByDescending(c => c.Used - Request(c.Pod, signal)),
    ];

    public static bool IsCritical(Pod pod) => pod.Spec.Priority >= SystemCriticalPriority;

    public static string Message(EvictionCandidate candidate, EvictionThreshold threshold, SignalReading reading)
    {
        var resource = NodePressure.Resource(threshold.Signal);
        var text = $"The node was low on resource: {resource}. Threshold quantity: {threshold.Of(reading.Capacity)}, available: {Format(reading.Available, resource)}. ";
        foreach (var use in candidate.Containers)
        {
            var container = candidate.Pod.Spec.FindContainer(use.Name)?.Container;
            var request = container is null ? Quantity.Zero : PodResources.Get(container.Resources.Requests, resource);
            if (use.Used > request.Value)
                text += $"Container {use.Name} was using {Format(use.Used, resource)}, request is {request}, has larger consumption of {resource}. ";
        }
        return text;
    }

    private static long Request(Pod pod, EvictionSignal signal)
    {
        var resource = NodePressure.Resource(signal);
        return pod.Spec.Containers.Sum(c => PodResources.Get(c.Resources.Requests, resource).Value);
    }

    private static string Format(long value, string resource) =>
        resource is "memory" or "ephemeral-storage" ? Quantity.FromBytes(value).ToString() : value.ToString(CultureInfo.InvariantCulture);
}
