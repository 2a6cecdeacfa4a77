using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.State;

/// <summary>A pod with all that filters and scores ask of it again and again, computed once.</summary>
public sealed class PodInfo
{
    // What a pod that requests nothing is taken to use when nodes are compared (upstream's non-zero requests).
    private const long CpuMilliDefault = 100;
    private const long MemoryBytesDefault = 200L << 20;

    public PodInfo(Pod pod)
    {
        Pod = pod;
        Requests = ResourceVector.Requests(pod.Spec);
        CpuMilliForScore = Requests["cpu"] is var cpu and > 0 ? cpu : CpuMilliDefault * pod.Spec.Containers.Count;
        MemoryBytesForScore = Requests["memory"] is var memory and > 0 ? memory : MemoryBytesDefault * pod.Spec.Containers.Count;
        HostPorts = [.. pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always"))
            .SelectMany(c => c.Ports).Where(p => p.HostPort > 0).Select(p => new HostPort(p.HostIP, p.HostPort, p.Protocol))];
        var affinity = pod.Spec.Affinity;
        RequiredAffinity = Terms(affinity?.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution);
        RequiredAntiAffinity = Terms(affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution);
        PreferredAffinity = WeightedTerms(affinity?.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution, 1);
        PreferredAntiAffinity = WeightedTerms(affinity?.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution, -1);
    }

    public Pod Pod { get; }
    public string Namespace => Pod.Metadata.Namespace;
    public string Uid => Pod.Metadata.Uid;
    public int Priority => Pod.Spec.Priority ?? 0;
    public ResourceVector Requests { get; }
    public long CpuMilliForScore { get; }
    public long MemoryBytesForScore { get; }
    public IReadOnlyList<HostPort> HostPorts { get; }
    public IReadOnlyList<PodTerm> RequiredAffinity { get; }
    public IReadOnlyList<PodTerm> RequiredAntiAffinity { get; }

    /// <summary>Preferred terms; a term of anti-affinity has a negative weight.</summary>
    public IReadOnlyList<PodTerm> PreferredAffinity { get; }
    public IReadOnlyList<PodTerm> PreferredAntiAffinity { get; }

    public bool HasAffinity => RequiredAffinity.Count + RequiredAntiAffinity.Count + PreferredAffinity.Count + PreferredAntiAffinity.Count > 0;

    private PodTerm[] Terms(IReadOnlyList<PodAffinityTerm>? terms) => [.. (terms ?? []).Select(t => new PodTerm(t, Pod, 1))];

    private PodTerm[] WeightedTerms(IReadOnlyList<WeightedPodAffinityTerm>? terms, int sign) => [.. (terms ?? []).Select(t => new PodTerm(t.PodAffinityTerm, Pod, sign * t.Weight))];
}

/// <summary>A port of the node that a pod takes; an empty address is all of them.</summary>
public readonly record struct HostPort(string Address, int Port, string Protocol)
{
    public bool ConflictsWith(HostPort other) =>
        Port == other.Port && ProtocolOrDefault == other.ProtocolOrDefault && (IsAny || other.IsAny || Address == other.Address);

    private bool IsAny => Address is "" or "0.0.0.0" or null;

    private string ProtocolOrDefault => string.IsNullOrEmpty(Protocol) ? "TCP" : Protocol;
}
