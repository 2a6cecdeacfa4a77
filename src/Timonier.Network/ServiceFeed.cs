using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Client;
using Timonier.Network.Dns;
using Timonier.Network.Proxy;

namespace Timonier.Network;

/// <summary>
/// Carries Services, EndpointSlices and this node's pods from the informers to the DNS directory and the proxy. One key at a
/// time is read anew from the caches, so it does not matter which event came, or in which order.
/// </summary>
internal sealed class ServiceFeed : IDisposable
{
    private const string ByService = "service";
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string ZoneLabel = "topology.kubernetes.io/zone";

    private readonly NodeNetworkOptions _options;
    private readonly Informer<Service> _services;
    private readonly Informer<EndpointSlice> _slices;
    private readonly Informer<Pod> _pods;
    private readonly Informer<Node> _nodes;
    private readonly ServiceProxy _proxy;
    private readonly ControllerLoop<Key> _loop;

    /// <summary>What a key names; a change of the node itself concerns every Service.</summary>
    private enum Kind
    {
        Service,
        Pod,
        Node,
    }

    private readonly record struct Key(Kind Kind, NamespacedName Name);

    /// <summary>Written and read by the loop alone.</summary>
    private string _zone = "";

    public ServiceFeed(NodeNetworkOptions options, InformerFactory informers, ServiceProxy proxy, TimeProvider time, ILogger logger)
    {
        (_options, _proxy) = (options, proxy);
        _services = informers.For<Service>();
        _slices = informers.For<EndpointSlice>();
        _pods = informers.For<Pod>(new InformerScope(FieldSelector: "spec.nodeName=" + options.NodeName));
        _nodes = informers.For<Node>();
        Directory = new ServiceDirectory(() => IsSynced);
        _loop = new ControllerLoop<Key>("service-feed", ReconcileAsync, time, logger) { Workers = 1 };
        _slices.AddIndex(ByService, slice => ServiceOf(slice) is { } name ? [name.ToString()] : []);
    }

    public ServiceDirectory Directory { get; }

    /// <summary>Has everything that was there at the start reached the directory and the proxy?</summary>
    public bool IsSynced { get; private set; }

    /// <summary>Sets everything that is there, then follows changes until cancelled.</summary>
    public async Task RunAsync(Action synced, CancellationToken cancellation)
    {
        await Task.WhenAll(_services.WaitForSyncAsync(cancellation), _slices.WaitForSyncAsync(cancellation),
            _pods.WaitForSyncAsync(cancellation), _nodes.WaitForSyncAsync(cancellation));
        _services.OnChange(service => Enqueue(Kind.Service, NamespacedName.Of(service.Metadata)));
        _slices.AddHandler(new() { Added = EnqueueSlice, Deleted = EnqueueSlice, Updated = EnqueueSlices });
        _pods.OnChange(pod => Enqueue(Kind.Pod, NamespacedName.Of(pod.Metadata)));
        _nodes.OnChange(EnqueueNode);
        while (await _loop.TryWorkAsync(cancellation))
        {
        }
        IsSynced = true;
        synced();
        await _loop.RunAsync(cancellation);
    }

    public void Dispose() => _loop.Dispose();

    private void Enqueue(Kind kind, NamespacedName name) => _loop.Queue.Add(new Key(kind, name));

    private void EnqueueSlice(EndpointSlice slice)
    {
        if (ServiceOf(slice) is { } name)
            Enqueue(Kind.Service, name);
    }

    private void EnqueueSlices(EndpointSlice before, EndpointSlice after)
    {
        EnqueueSlice(before);
        EnqueueSlice(after);
    }

    /// <summary>Nodes report every few seconds; only our own zone concerns us.</summary>
    private void EnqueueNode(Node node)
    {
        if (node.Metadata.Name == _options.NodeName)
            Enqueue(Kind.Node, NamespacedName.Of(node.Metadata));
    }

    private static NamespacedName? ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels.TryGetValue(ServiceNameLabel, out var name) ? new NamespacedName(slice.Metadata.Namespace, name) : null;

    private Task ReconcileAsync(Key key, CancellationToken cancellation)
    {
        switch (key.Kind)
        {
            case Kind.Service: SetService(key.Name); break;
            case Kind.Pod: SetPod(key.Name); break;
            default: SetZone(); break;
        }
        return Task.CompletedTask;
    }

    private void SetService(NamespacedName name)
    {
        var service = _services.Get(name);
        var slices = service is null ? [] : _slices.ByIndex(ByService, name.ToString());
        Directory.Set(name.Namespace, name.Name, service, slices);
        var node = new ProxyNode(_options.NodeName, _zone, _options.ClusterNetwork, _options.DnsAddress);
        _proxy.Set($"service/{name}", service is null ? NftModel.Empty : ServiceRules.Build(service, slices, node));
    }

    private void SetPod(NamespacedName name) =>
        _proxy.Set($"pod/{name}", _pods.Get(name) is { } pod ? HostPortRules.Build(pod, _options.NodeName) : NftModel.Empty);

    private void SetZone()
    {
        var zone = _nodes.Get("", _options.NodeName)?.Metadata.Labels.GetValueOrDefault(ZoneLabel) ?? "";
        if (zone == _zone)
            return;
        _zone = zone;
        foreach (var service in _services.List())
            SetService(NamespacedName.Of(service.Metadata));
    }
}
