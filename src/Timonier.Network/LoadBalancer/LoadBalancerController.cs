using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;

namespace Timonier.Network.LoadBalancer;

/// <summary>
/// Gives a Service of type LoadBalancer the addresses of the nodes, where the proxy answers it. Another implementation's
/// class leaves the Service alone. Runs once per cluster.
/// </summary>
public sealed class LoadBalancerController : IControllerLoop, IDisposable
{
    private const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

    private readonly ApiClient _client;
    private readonly Informer<Service> _services;
    private readonly Informer<Node> _nodes;
    private readonly ControllerLoop<NamespacedName> _loop;

    public LoadBalancerController(ApiClient client, InformerFactory informers, TimeProvider time, ILoggerFactory loggers)
    {
        _client = client;
        _services = informers.For<Service>();
        _nodes = informers.For<Node>();
        _loop = new ControllerLoop<NamespacedName>(Name, ReconcileAsync, time, loggers.CreateLogger(Name), _services.WaitForSyncAsync, _nodes.WaitForSyncAsync) { Workers = 1 };
        _services.OnChange(service => _loop.Queue.Add(NamespacedName.Of(service.Metadata)));
        _nodes.AddHandler(new() { Added = _ => EnqueueAll(), Deleted = _ => EnqueueAll(), Updated = EnqueueIfMoved });
    }

    public string Name => "service-lb";

    public Task<bool> TryWorkAsync(CancellationToken cancellationToken = default) => _loop.TryWorkAsync(cancellationToken);

    public QueueFigures Figures => _loop.Figures;

    public Task RunAsync(CancellationToken cancellationToken) => _loop.RunAsync(cancellationToken);

    public void Dispose() => _loop.Dispose();

    /// <summary>The status that the Service should have, or null when it is right, or not ours to say.</summary>
    public static ServiceStatus? Decide(Service service, IReadOnlyList<Node> nodes)
    {
        var ours = service.Spec.Type == "LoadBalancer" && string.IsNullOrEmpty(service.Spec.LoadBalancerClass) && service.Metadata.DeletionTimestamp is null;
        if (!ours && (service.Spec.Type == "LoadBalancer" || service.Status.LoadBalancer.Ingress.Count == 0))
            return null;
        var addresses = ours ? nodes.Select(Address).OfType<string>().Distinct().Order(StringComparer.Ordinal).ToList() : [];
        if (service.Status.LoadBalancer.Ingress.Select(ingress => ingress.Ip).SequenceEqual(addresses))
            return null;
        return service.Status with
        {
            LoadBalancer = new() { Ingress = [.. addresses.Select(address => new LoadBalancerIngress { Ip = address, IpMode = "VIP" })] },
        };
    }

    /// <summary>Where the world reaches a node that is ready; null when it does not.</summary>
    private static string? Address(Node node)
    {
        var ready = node.Status.Conditions.Any(condition => condition is { Type: "Ready", Status: "True" });
        if (!ready || node.Metadata.Labels.ContainsKey(ExcludeLabel))
            return null;
        var addresses = node.Status.Addresses;
        return (addresses.FirstOrDefault(address => address.Type == "ExternalIP") ?? addresses.FirstOrDefault(address => address.Type == "InternalIP"))?.Address;
    }

    private void EnqueueIfMoved(Node before, Node after)
    {
        if (Address(before) != Address(after))
            EnqueueAll();
    }

    private void EnqueueAll()
    {
        foreach (var service in _services.List().Where(service => service.Spec.Type == "LoadBalancer"))
            _loop.Queue.Add(NamespacedName.Of(service.Metadata));
    }

    private async Task ReconcileAsync(NamespacedName name, CancellationToken cancellation)
    {
        if (_services.Get(name) is { } service && Decide(service, _nodes.List()) is { } status)
            await _client.UpdateStatusAsync(service with { Status = status }, cancellation);
    }
}
