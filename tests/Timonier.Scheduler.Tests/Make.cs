using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Scheduler.Filters;
using Timonier.Scheduler.Scores;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Tests;

/// <summary>Nodes, pods and an algorithm for tests, in few words.</summary>
internal static class Make
{
    public static Node Node(string name, string cpu = "4", string memory = "8Gi", Dictionary<string, string>? labels = null, params Taint[] taints) => new()
    {
        Metadata = new() { Name = name, Labels = labels ?? new() { ["kubernetes.io/hostname"] = name } },
        Spec = new() { Taints = taints },
        Status = new() { Allocatable = new Dictionary<string, Quantity> { ["cpu"] = Quantity.Parse(cpu), ["memory"] = Quantity.Parse(memory), ["pods"] = new(110) } },
    };

    public static Pod Pod(string name, string cpu = "0", string memory = "0", int priority = 0, Dictionary<string, string>? labels = null, Func<PodSpec, PodSpec>? spec = null)
    {
        var requests = new Dictionary<string, Quantity>();
        if (cpu != "0")
            requests["cpu"] = Quantity.Parse(cpu);
        if (memory != "0")
            requests["memory"] = Quantity.Parse(memory);
        var plain = new PodSpec { SchedulerName = PodScheduler.DefaultName, Priority = priority, Containers = [new() { Name = "c", Image = "i", Resources = new() { Requests = requests } }] };
        return new() { Metadata = new() { Name = name, Namespace = "default", Uid = name, Labels = labels ?? [] }, Spec = spec?.Invoke(plain) ?? plain };
    }

    public static ClusterState State(params Node[] nodes)
    {
        var state = new ClusterState();
        foreach (var node in nodes)
            state.SetNode(node);
        return state;
    }

    public static Algorithm Algorithm(IVolumeLookup? volumes = null)
    {
        IFilter[] filters = [new NodeUnschedulable(), new NodeName(), new TaintToleration(), new NodeAffinityFilter(), new NodePorts(), new NodeResourcesFit(), new PodTopologySpread(), new InterPodAffinity(), .. volumes is null ? (IFilter[])[] : [new VolumeBinding(volumes), new VolumeRestrictions(volumes)]];
        IScore[] scores = [new TaintScore(), new NodeAffinityScore(), new PodTopologySpreadScore(), new InterPodAffinityScore(), new LeastAllocated(), new BalancedAllocation(), new ImageLocality()];
        return new Algorithm(filters, scores, new Random(1));
    }

    public static Affinity Apart(string key, string value, string topology = "kubernetes.io/hostname") => new() { PodAntiAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term(key, value, topology)] } };

    public static Affinity Together(string key, string value, string topology = "kubernetes.io/hostname") => new() { PodAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term(key, value, topology)] } };

    private static PodAffinityTerm Term(string key, string value, string topology) =>
        new() { LabelSelector = new LabelSelector { MatchLabels = new Dictionary<string, string> { [key] = value } }, TopologyKey = topology };
}
