using System.Numerics;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Metrics.V1beta1;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Computed;

/// <summary>The usage of nodes and pods (metrics.k8s.io), as the kubelets measure it: what kubectl top and the autoscaler read.</summary>
internal sealed class ResourceMetrics(INodeConnections nodes, IObjectReader reader, TimeProvider time)
{
    /// <summary>A node that does not answer is left out (metrics-server's timeout of a scrape).</summary>
    private static readonly TimeSpan NodeLimit = TimeSpan.FromSeconds(10);

    public IReadOnlyList<IComputedResource> Resources => [new NodeResource(this), new PodResource(this)];

    private async Task<NodeStats?> AskAsync(string nodeName, CancellationToken cancel)
    {
        if (nodeName.Length == 0 || nodes.Find(nodeName) is not { } connection)
            return null;
        using var limit = new CancellationTokenSource(NodeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            return await connection.GetStatsAsync(either.Token);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested && e is OperationCanceledException or NodeRequestException or IOException or HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Null while there is only one sample: a rate needs two.</summary>
    private NodeMetrics? Of(Node node, NodeStats? stats) => stats?.Usage.CpuNanoCores is null ? null : new()
    {
        Metadata = Metadata(node.Metadata), Timestamp = stats.Usage.Time, Window = stats.Usage.Window, Usage = Usage(stats.Usage),
    };

    private PodMetrics? Of(Pod pod, IReadOnlyDictionary<string, NodeStats?> byNode)
    {
        var stats = byNode.GetValueOrDefault(pod.Spec.NodeName)?.Pods.FirstOrDefault(p => p.Uid == pod.Metadata.Uid);
        // A pod of which one container has no figure has none: half a sum would mislead.
        if (pod.Status.Phase != "Running" || stats is null || stats.Containers.Count == 0 || stats.Containers.Any(c => c.Usage.CpuNanoCores is null))
            return null;
        var oldest = stats.Containers.MinBy(c => c.Usage.Time)!.Usage;
        return new()
        {
            Metadata = Metadata(pod.Metadata), Timestamp = oldest.Time, Window = oldest.Window,
            Containers = [.. stats.Containers.Select(c => new ContainerMetrics { Name = c.Name, Usage = Usage(c.Usage) })],
        };
    }

    private ObjectMeta Metadata(ObjectMeta of) => new() { Name = of.Name, Namespace = of.Namespace, Labels = of.Labels, CreationTimestamp = time.GetUtcNow() };

    private static Dictionary<string, Quantity> Usage(UsageStats usage) => new(StringComparer.Ordinal)
    {
        ["cpu"] = Quantity.FromNano(new BigInteger(usage.CpuNanoCores ?? 0)),
        // In whole Ki, as metrics-server writes it: the figure is then short, and no less true.
        ["memory"] = Quantity.FromBytes((long)(usage.MemoryWorkingSetBytes & ~1023ul)),
    };

    private static JsonMap Tree(IKind value) => JsonParser.ParseMap(JsonWrite.ToBytes(value));

    private sealed class NodeResource(ResourceMetrics metrics) : IComputedResource
    {
        public string Group => NodeMetrics.Resource.Group;
        public string Resource => NodeMetrics.Resource.Resource;

        public async ValueTask<JsonMap?> GetAsync(string @namespace, string name, CancellationToken cancel) =>
            metrics.Reader.Get<Node>("", name) is { } node && metrics.Of(node, await metrics.AskAsync(name, cancel)) is { } found ? Tree(found) : null;

        public async ValueTask<IReadOnlyList<JsonMap>> ListAsync(string @namespace, CancellationToken cancel)
        {
            var all = metrics.Reader.List<Node>().ToList();
            var stats = await Task.WhenAll(all.Select(node => metrics.AskAsync(node.Metadata.Name, cancel)));
            return [.. all.Select((node, i) => metrics.Of(node, stats[i])).OfType<NodeMetrics>().Select(Tree)];
        }
    }

    private sealed class PodResource(ResourceMetrics metrics) : IComputedResource
    {
        public string Group => PodMetrics.Resource.Group;
        public string Resource => PodMetrics.Resource.Resource;

        public async ValueTask<JsonMap?> GetAsync(string @namespace, string name, CancellationToken cancel) =>
            metrics.Reader.Get<Pod>(@namespace, name) is { } pod ? (await OfAsync([pod], cancel)).FirstOrDefault() : null;

        public async ValueTask<IReadOnlyList<JsonMap>> ListAsync(string @namespace, CancellationToken cancel) =>
            await OfAsync([.. metrics.Reader.List<Pod>(@namespace.Length == 0 ? null : @namespace)], cancel);

        private async Task<List<JsonMap>> OfAsync(List<Pod> pods, CancellationToken cancel)
        {
            var names = pods.Select(p => p.Spec.NodeName).Distinct().ToList();
            var stats = await Task.WhenAll(names.Select(name => metrics.AskAsync(name, cancel)));
            var byNode = names.Zip(stats).ToDictionary(n => n.First, n => n.Second);
            return [.. pods.Select(pod => metrics.Of(pod, byNode)).OfType<PodMetrics>().Select(Tree)];
        }
    }

    private IObjectReader Reader => reader;
}
