using System.Collections.Concurrent;
using Timonier.Api.Coordination.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.PodGc;

namespace Timonier.Controllers.NodeLifecycle;

/// <summary>
/// Watches that nodes are heard of (their lease, or their heartbeat): a silent one becomes Unknown, is tainted, and its
/// pods are said not to be ready. A node that is heard of costs nothing but one look per grace period.
/// </summary>
internal sealed class NodeLifecycleController : Controller<string>
{
    private const string LeaseNamespace = "kube-node-lease";

    // Upstream: --node-monitor-grace-period, 50 s since 1.32, and --node-startup-grace-period.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(50);

    /// <summary>For a node that was never heard of.</summary>
    private static readonly TimeSpan StartupGrace = TimeSpan.FromSeconds(60);

    /// <summary>Nodes whose pods begin to be driven away, per second (upstream's --node-eviction-rate).</summary>
    private const double EvictionRate = 0.1;

    private readonly Informer<Node> _nodes;
    private readonly Informer<Lease> _leases;
    private readonly Informer<Pod> _pods;
    private readonly EventRecorder _events;
    private readonly TokenBucket _evictions;

    /// <summary>When, by our clock, a node was last heard of, and what it said: clocks of machines differ.</summary>
    private readonly ConcurrentDictionary<string, (DateTimeOffset At, DateTimeOffset? Heartbeat, DateTimeOffset? Renewed)> _heard = new();

    public NodeLifecycleController(ControllerContext context) : base("node-lifecycle-controller", context, workers: 1)
    {
        (_nodes, _leases, _pods) = (Follow<Node>(), Follow<Lease>(new(LeaseNamespace)), Follow<Pod>());
        _events = context.Events.Recorder("node-controller");
        _evictions = new(EvictionRate, 1, Time);
        _pods.AddIndex(PodGcController.NodeIndex, pod => [pod.Spec.NodeName]);
        _nodes.AddHandler(new()
        {
            Added = node => { Say(node, "RegisteredNode", $"Node {node.Metadata.Name} event: Registered Node {node.Metadata.Name} in Controller"); Queue.Add(node.Metadata.Name); },
            Updated = (before, node) => { if (Facts(before) != Facts(node)) Queue.Add(node.Metadata.Name); },
            Deleted = node => { Say(node, "RemovingNode", $"Node {node.Metadata.Name} event: Removing Node {node.Metadata.Name} from Controller"); Queue.Add(node.Metadata.Name); },
        });
        _pods.AddHandler(new() { Added = Look, Updated = (_, pod) => Look(pod) });
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_nodes.Get("", key) is not { Metadata.DeletionTimestamp: null } node)
        {
            _heard.TryRemove(key, out _);
            return;
        }
        var left = SilenceLeft(node);
        if (left > TimeSpan.Zero)
            Queue.AddAfter(key, left);
        else if (NodeHealth.Silent(node, Now) is { } conditions)
        {
            if (NodeHealth.Ready(node) == "True")
                Say(node, "NodeNotReady", $"Node {key} status is now: NodeNotReady");
            node = await Client.UpdateStatusAsync(node with { Status = node.Status with { Conditions = conditions } }, cancellationToken);
        }
        await TaintAsync(node, cancellationToken);
        if (NodeHealth.Ready(node) != "True")
            await MarkPodsAsync(node, cancellationToken);
        else if (_nodes.List().Count > 1)
            foreach (var other in _nodes.List().Where(n => NodeHealth.Ready(n) != "True"))
                Queue.Add(other.Metadata.Name);
    }

    /// <summary>How long the node may go on being silent.</summary>
    private TimeSpan SilenceLeft(Node node)
    {
        var heartbeat = node.Status.Conditions.FirstOrDefault(c => c.Type == "Ready")?.LastHeartbeatTime;
        var renewed = _leases.Get(LeaseNamespace, node.Metadata.Name)?.Spec.RenewTime;
        var heard = _heard.AddOrUpdate(node.Metadata.Name, _ => (Now, heartbeat, renewed), (_, known) => known.Heartbeat == heartbeat && known.Renewed == renewed ? known : (Now, heartbeat, renewed));
        return heard.At + (heartbeat is null && renewed is null ? StartupGrace : Grace) - Now;
    }

    private async Task TaintAsync(Node node, CancellationToken cancellationToken)
    {
        var evict = NodeHealth.Ready(node) != "True" && _nodes.List().Any(n => NodeHealth.Ready(n) == "True" && n.Metadata.Name != node.Metadata.Name);
        var taints = NodeHealth.Taints(node, evict, Now);
        if (taints is not null && taints.Count(IsEviction) > node.Spec.Taints.Count(IsEviction) && !_evictions.TryTake())
        {
            Queue.AddAfter(node.Metadata.Name, TimeSpan.FromSeconds(1 / EvictionRate));
            taints = NodeHealth.Taints(node, evict: false, Now);
        }
        if (taints is not null)
            await Client.PatchAsync<Node>("", node.Metadata.Name, PatchBody.Merge(new()
            {
                ["metadata"] = new JsonMap { ["resourceVersion"] = node.Metadata.ResourceVersion },
                ["spec"] = new JsonMap { ["taints"] = new JsonList(taints.Select(t => Trees.Of(t))) },
            }), cancellationToken: cancellationToken);
    }

    private async Task MarkPodsAsync(Node node, CancellationToken cancellationToken)
    {
        foreach (var pod in _pods.ByIndex(PodGcController.NodeIndex, node.Metadata.Name))
        {
            if (NodeHealth.NotReady(pod, Now) is not { } status)
                continue;
            await Client.UpdateStatusAsync(pod with { Status = status }, cancellationToken);
            _events.Event(pod, EventRecorder.Warning, "NodeNotReady", "Node is not ready");
        }
    }

    /// <summary>A pod that becomes ready on a node that is not: the node's kubelet cannot have said so.</summary>
    private void Look(Pod pod)
    {
        if (pod.IsReady() && _nodes.Get("", pod.Spec.NodeName) is { } node && NodeHealth.Ready(node) != "True")
            Queue.Add(node.Metadata.Name);
    }

    private static bool IsEviction(Taint taint) => taint.Effect == "NoExecute";

    /// <summary>What of a node matters here: a heartbeat alone is no news, it is read when the grace period is over.</summary>
    private static string Facts(Node node) =>
        string.Join(',', node.Status.Conditions.Select(c => c.Type + c.Status)) + node.Spec.Unschedulable + string.Join(',', node.Spec.Taints.Select(t => t.Key + t.Effect)) + node.Metadata.DeletionTimestamp;

    private void Say(Node node, string reason, string message) => _events.Event(node, EventRecorder.Normal, reason, message);
}
