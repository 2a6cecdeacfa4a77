using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Controllers.NodeIpam;

/// <summary>Gives each node that has none a part of the cluster's pod network.</summary>
internal sealed class NodeIpamController : Controller<string>
{
    // Upstream's default of --node-cidr-mask-size for IPv4.
    private const int MaskSize = 24;

    private readonly Informer<Node> _nodes;
    private readonly CidrSet _parts;
    private readonly EventRecorder _events;

    /// <summary>Given away, and perhaps not in the cache yet. Used by the one worker alone.</summary>
    private readonly Dictionary<string, string> _given = [];

    public NodeIpamController(ControllerContext context, string clusterCidr) : base("node-ipam-controller", context, workers: 1)
    {
        _nodes = Follow<Node>();
        _events = context.Events.Recorder("cidrAllocator");
        _parts = new(IPNetwork.Parse(clusterCidr), MaskSize);
        _nodes.AddHandler(new()
        {
            Added = node => Look(node),
            Updated = (_, node) => Look(node),
            // What it had is free: perhaps another waits for it.
            Deleted = node => { Queue.Add(node.Metadata.Name); foreach (var other in _nodes.List()) Look(other); },
        });
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_nodes.Get("", key) is not { } node)
        {
            _given.Remove(key);
            return;
        }
        if (node.Spec.PodCIDR.Length > 0)
            return;
        var used = _nodes.List().SelectMany(n => n.Spec.PodCIDRs.Append(n.Spec.PodCIDR)).Concat(_given.Where(g => g.Key != key).Select(g => g.Value)).ToHashSet();
        if (_parts.FirstFree(used) is not { } part)
        {
            _events.Event(node, EventRecorder.Normal, "CIDRNotAvailable", $"Node {key} status is now: CIDRNotAvailable");
            return;
        }
        _given[key] = part;
        await Client.PatchAsync<Node>("", key, PatchBody.Merge(new()
        {
            ["metadata"] = new JsonMap { ["resourceVersion"] = node.Metadata.ResourceVersion },
            ["spec"] = new JsonMap { ["podCIDR"] = part, ["podCIDRs"] = new JsonList { part } },
        }), cancellationToken: cancellationToken);
    }

    private void Look(Node node)
    {
        if (node.Spec.PodCIDR.Length == 0)
            Queue.Add(node.Metadata.Name);
    }
}
