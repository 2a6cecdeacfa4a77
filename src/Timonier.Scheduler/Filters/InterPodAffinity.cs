using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Filters;

/// <summary>
/// Required pod affinity and anti-affinity: the pod's own terms against the pods that run, and the anti-affinity of
/// those that run against the pod. Matches are counted per topology value once per pod.
/// </summary>
public sealed class InterPodAffinity : IFilter
{
    public string Name => "InterPodAffinity";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state)
    {
        var anyTerms = pod.RequiredAffinity.Count + pod.RequiredAntiAffinity.Count > 0;
        if (!anyTerms && !state.Nodes.Any(n => n.PodsWithAffinity > 0))
            return null;
        var filter = new Prepared(pod, state);
        foreach (var node in state.Nodes)
        {
            if (!anyTerms && node.PodsWithAffinity == 0)
                continue;
            foreach (var other in node.Pods)
                filter.Assume(other, node, 1);
        }
        return filter;
    }

    private sealed class Prepared(PodInfo pod, ClusterState state) : INodeFilter
    {
        // How many running pods match, by topology key and value. Affinity wants a pod that matches all terms at once.
        private readonly Dictionary<(string Key, string Value), int> _affinity = [];
        private readonly Dictionary<(string Key, string Value), int> _antiAffinity = [];
        private readonly Dictionary<(string Key, string Value), int> _existingAntiAffinity = [];

        public void Assume(PodInfo other, NodeState node, int sign)
        {
            if (pod.RequiredAffinity.Count > 0 && pod.RequiredAffinity.All(t => t.Matches(other.Pod, state.NamespaceLabels)))
                Count(_affinity, pod.RequiredAffinity, node, sign);
            Count(_antiAffinity, pod.RequiredAntiAffinity.Where(t => t.Matches(other.Pod, state.NamespaceLabels)), node, sign);
            Count(_existingAntiAffinity, other.RequiredAntiAffinity.Where(t => t.Matches(pod.Pod, state.NamespaceLabels)), node, sign);
        }

        public Rejection? Filter(NodeState node)
        {
            if (pod.RequiredAffinity.Count > 0 && !AffinitySatisfied(node))
                return new("node(s) didn't match pod affinity rules", false);
            if (pod.RequiredAntiAffinity.Any(t => Any(_antiAffinity, t.TopologyKey, node)))
                return new("node(s) didn't match pod anti-affinity rules", true);
            foreach (var (topology, count) in _existingAntiAffinity)
            {
                if (count > 0 && node.Labels.TryGetValue(topology.Key, out var value) && value == topology.Value)
                    return new("node(s) didn't satisfy existing pods anti-affinity rules", true);
            }
            return null;
        }

        private bool AffinitySatisfied(NodeState node)
        {
            if (pod.RequiredAffinity.Any(t => !node.Labels.ContainsKey(t.TopologyKey)))
                return false;
            if (pod.RequiredAffinity.All(t => Any(_affinity, t.TopologyKey, node)))
                return true;
            // The first pod of a group that wants to be with its own kind must not wait for ever.
            return _affinity.Values.All(count => count == 0) && pod.RequiredAffinity.All(t => t.Matches(pod.Pod, state.NamespaceLabels));
        }

        private static bool Any(Dictionary<(string, string), int> counts, string key, NodeState node) =>
            node.Labels.TryGetValue(key, out var value) && counts.GetValueOrDefault((key, value)) > 0;

        private static void Count(Dictionary<(string, string), int> counts, IEnumerable<PodTerm> terms, NodeState node, int sign)
        {
            foreach (var term in terms)
            {
                if (node.Labels.TryGetValue(term.TopologyKey, out var value))
                    counts[(term.TopologyKey, value)] = counts.GetValueOrDefault((term.TopologyKey, value)) + sign;
            }
        }
    }
}
