using Microsoft.Extensions.Logging;
using Timonier.Api.Coordination.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Eviction;

namespace Timonier.Kubelet.Nodes;

/// <summary>
/// Says that this node is there and well: registers it, renews its lease every ten seconds, and writes its status when it changes, or after
/// five minutes. Upstream: kubelet_node_status.go, component-helpers' lease controller.
/// </summary>
/// <param name="pressures">The pressure conditions that are True just now.</param>
internal sealed class NodeRegistrar(
    KubeletOptions options, NodeFacts facts, ApiClient client, ICri cri, Func<IReadOnlyList<string>> pressures, EventRecorder events, TimeProvider time, ILogger logger)
{
    private const string LeaseNamespace = "kube-node-lease";

    // nodeLeaseDurationSeconds 40; renewed at a quarter of it. nodeStatusReportFrequency 5 min.
    private const int LeaseSeconds = 40;
    private static readonly TimeSpan RenewPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StatusPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan NotReadyPause = TimeSpan.FromMilliseconds(250);

    // Upstream: nodeStatusMaxImages.
    private const int ImagesMax = 50;

    private static readonly (string Type, string BadReason, string BadMessage, string BadEvent, string GoodReason, string GoodMessage, string GoodEvent)[] Pressures =
    [
        (NodePressure.Memory, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "NodeHasInsufficientMemory", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", "NodeHasSufficientMemory"),
        (NodePressure.Disk, "KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure"),
        (NodePressure.Pid, "KubeletHasInsufficientPID", "kubelet has insufficient PID available", "NodeHasInsufficientPID", "KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasSufficientPID"),
    ];

    private Node? _node;
    private Lease? _lease;
    private DateTimeOffset _statusWritten;

    /// <summary>The newest known state of the node's own object; null before registration.</summary>
    public Node? Node => _node;

    /// <summary>Runs until cancelled. The API server may be away for a while at any time.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var pause = RenewPause;
            try
            {
                // Others write to the node too; upstream's kubelet looks as often.
                if (_node is not null)
                    _node = await client.GetAsync<Node>("", options.NodeName, cancellationToken);
                var status = await StatusAsync(cancellationToken);
                if (_node is null)
                    await RegisterAsync(status, cancellationToken);
                if (IsNews(status))
                    await WriteStatusAsync(status, cancellationToken);
                await RenewLeaseAsync(cancellationToken);
                // The network comes up a moment after the first start: look again soon, so that the node is ready as soon as it is.
                if (!IsReady(_node!.Status))
                    pause = NotReadyPause;
            }
            catch (Exception e) when (e is ApiException or CriException)
            {
                logger.LogWarning("node {Node} could not be reported: {Message}", options.NodeName, e.Message);
                pause = RetryPause;
                _node = e is ApiException { IsNotFound: true } ? null : _node;
                _lease = null;
            }
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private async Task RegisterAsync(NodeStatus status, CancellationToken cancellationToken)
    {
        _node = await client.TryGetAsync<Node>("", options.NodeName, cancellationToken);
        var labels = Labels();
        if (_node is null)
        {
            _node = await client.CreateAsync(new Node { Metadata = new() { Name = options.NodeName, Labels = labels }, Spec = new() { ProviderID = "" , Taints = options.Taints }, Status = status }, cancellationToken);
            events.Event(Reference(options.NodeName), EventRecorder.Normal, "Starting", "Starting kubelet.");
            return;
        }
        var merged = new Dictionary<string, string>(_node.Metadata.Labels, StringComparer.Ordinal);
        foreach (var (name, value) in labels)
            merged[name] = value;
        if (merged.Count != _node.Metadata.Labels.Count || merged.Any(l => _node.Metadata.Labels[l.Key] != l.Value))
            _node = await client.UpdateAsync(_node with { Metadata = _node.Metadata with { Labels = merged } }, cancellationToken);
    }

    private Dictionary<string, string> Labels()
    {
        var labels = new Dictionary<string, string>(options.Labels, StringComparer.Ordinal);
        foreach (var prefix in (string[])["kubernetes.io/", "beta.kubernetes.io/"])
        {
            labels[prefix + "arch"] = facts.SystemInfo.Architecture;
            labels[prefix + "os"] = facts.SystemInfo.OperatingSystem;
        }
        labels["kubernetes.io/hostname"] = options.NodeName;
        return labels;
    }

    private async Task<NodeStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var images = await cri.ListImagesAsync(cancellationToken);
        return (_node?.Status ?? NodeStatus.Empty) with
        {
            Capacity = Merge(_node?.Status.Capacity ?? facts.Capacity, facts.Capacity),
            Allocatable = Allocatable(_node?.Status.Capacity ?? facts.Capacity),
            Addresses = [.. facts.Addresses.Select(a => new NodeAddress { Type = "InternalIP", Address = a }), new() { Type = "Hostname", Address = facts.Hostname }],
            DaemonEndpoints = new() { KubeletEndpoint = new() { Port = options.Port } },
            NodeInfo = facts.SystemInfo,
            Images = [.. images.OrderByDescending(i => i.Size).Take(ImagesMax).Select(i => new ContainerImage { Names = [.. i.RepoDigests, .. i.RepoTags], SizeBytes = (long)i.Size })],
            Conditions = await ConditionsAsync(cancellationToken),
            RuntimeHandlers = [],
        };
    }

    private async Task<IReadOnlyList<NodeCondition>> ConditionsAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var runtime = await cri.StatusAsync(cancellationToken);
        var bad = runtime.Conditions.Where(c => !c.Status).ToArray();
        var problems = bad.Select(c => c.Type == "NetworkReady" ? $"container runtime network not ready: NetworkReady=false reason:{c.Reason} message:{c.Message}" : $"container runtime status check may not have completed yet: {c.Message}");
        NodeCondition[] conditions =
        [
            .. Pressures.Select(p => pressures().Contains(p.Type)
                ? new NodeCondition { Type = p.Type, Status = "True", Reason = p.BadReason, Message = p.BadMessage }
                : new NodeCondition { Type = p.Type, Status = "False", Reason = p.GoodReason, Message = p.GoodMessage }),
            bad.Length == 0
                ? new() { Type = "Ready", Status = "True", Reason = "KubeletReady", Message = "kubelet is posting ready status" }
                : new() { Type = "Ready", Status = "False", Reason = "KubeletNotReady", Message = string.Join(", ", problems) },
        ];
        var before = _node?.Status.Conditions ?? [];
        return [.. before.Where(b => conditions.All(c => c.Type != b.Type)), .. conditions.Select(WithTimes)];

        NodeCondition WithTimes(NodeCondition condition)
        {
            var known = before.FirstOrDefault(b => b.Type == condition.Type);
            return condition with { LastHeartbeatTime = now, LastTransitionTime = known?.Status == condition.Status ? known.LastTransitionTime : now };
        }
    }

    private bool IsNews(NodeStatus status) =>
        time.GetUtcNow() - _statusWritten >= StatusPause
        || !status.Conditions.Select(Key).SequenceEqual(_node!.Status.Conditions.Select(Key))
        || !status.Images.SelectMany(i => i.Names).SequenceEqual(_node.Status.Images.SelectMany(i => i.Names))
        || !status.Addresses.SequenceEqual(_node.Status.Addresses)
        || status.NodeInfo != _node.Status.NodeInfo
        || status.DaemonEndpoints != _node.Status.DaemonEndpoints
        || !status.Allocatable.OrderBy(a => a.Key, StringComparer.Ordinal).SequenceEqual(_node.Status.Allocatable.OrderBy(a => a.Key, StringComparer.Ordinal));

    private static (string, string, string, string) Key(NodeCondition condition) => (condition.Type, condition.Status, condition.Reason, condition.Message);

    private async Task WriteStatusAsync(NodeStatus status, CancellationToken cancellationToken)
    {
        var before = _node!.Status;
        var current = await client.GetAsync<Node>("", options.NodeName, cancellationToken);
        // Others write here too (attached volumes; extended resources in capacity): theirs stay.
        status = status with { Capacity = Merge(current.Status.Capacity, facts.Capacity), Allocatable = Allocatable(current.Status.Capacity), VolumesAttached = current.Status.VolumesAttached };
        _node = await client.UpdateStatusAsync(current with { Status = status }, cancellationToken);
        _statusWritten = time.GetUtcNow();
        if (!IsReady(before) && IsReady(status))
            StatusEvent("NodeReady");
        foreach (var p in Pressures.Where(p => IsTrue(before, p.Type) != IsTrue(status, p.Type)))
            StatusEvent(IsTrue(status, p.Type) ? p.BadEvent : p.GoodEvent);
    }

    private void StatusEvent(string reason) => events.Event(Reference(options.NodeName), EventRecorder.Normal, reason, $"Node {options.NodeName} status is now: {reason}");

    /// <summary>Events about a node are found by its name, which takes the place of the uid there, as upstream's do.</summary>
    public static ObjectReference Reference(string nodeName) => new() { Kind = Api.Core.V1.Node.KindName, Name = nodeName, Uid = nodeName };

    /// <summary>What others add to the capacity (extended resources have a domain in their name) can be used whole.</summary>
    private Dictionary<string, Timonier.Api.Quantity> Allocatable(IReadOnlyDictionary<string, Timonier.Api.Quantity> capacity) =>
        Merge(capacity.Where(c => c.Key.Contains('/')).ToDictionary(c => c.Key, c => c.Value), facts.Allocatable);

    private static Dictionary<string, Timonier.Api.Quantity> Merge(IReadOnlyDictionary<string, Timonier.Api.Quantity> theirs, IReadOnlyDictionary<string, Timonier.Api.Quantity> ours)
    {
        var merged = new Dictionary<string, Timonier.Api.Quantity>(theirs, StringComparer.Ordinal);
        foreach (var (name, value) in ours)
            merged[name] = value;
        return merged;
    }

    private static bool IsReady(NodeStatus status) => IsTrue(status, "Ready");

    private static bool IsTrue(NodeStatus status, string condition) => status.Conditions.Any(c => c.Type == condition && c.Status == "True");

    private async Task RenewLeaseAsync(CancellationToken cancellationToken)
    {
        var spec = new LeaseSpec { HolderIdentity = options.NodeName, LeaseDurationSeconds = LeaseSeconds, RenewTime = time.GetUtcNow() };
        _lease ??= await client.TryGetAsync<Lease>(LeaseNamespace, options.NodeName, cancellationToken);
        if (_lease is not null)
        {
            _lease = await client.UpdateAsync(_lease with { Spec = spec }, cancellationToken);
            return;
        }
        var owner = new Timonier.Api.Meta.V1.OwnerReference { ApiVersion = Api.Core.V1.Node.ApiVersion, Kind = Api.Core.V1.Node.KindName, Name = options.NodeName, Uid = _node!.Metadata.Uid };
        _lease = await client.CreateAsync(new Lease { Metadata = new() { Namespace = LeaseNamespace, Name = options.NodeName, OwnerReferences = [owner] }, Spec = spec }, cancellationToken);
    }
}
