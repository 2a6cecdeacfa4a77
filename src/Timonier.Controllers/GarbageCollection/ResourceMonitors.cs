using Timonier.Api.Schema;
using Timonier.Client;
using Timonier.Controllers.Discovery;

namespace Timonier.Controllers.GarbageCollection;

/// <summary>Follows the metadata of every resource whose objects can be deleted, as discovery comes and goes.</summary>
internal sealed class ResourceMonitors(InformerFactory informers, Action<GraphNode> observed, Action<GraphNode> gone, Action<GroupVersionResource> unserved)
{
    /// <summary>Events own nothing and nothing owns them; there are many (upstream's ignored resources).</summary>
    private static readonly string[] Ignored = ["events"];

    private readonly Dictionary<GroupVersionResource, Monitor> _monitors = [];
    private readonly Dictionary<(string Group, string Kind), ServedResource> _byKind = [];
    private readonly Lock _lock = new();

    /// <summary>Starts to follow what is new, and stops what is not served any more.</summary>
    /// <returns>The informers that were started.</returns>
    public IReadOnlyList<Informer<PartialObject>> Update(ServedResources served, CancellationToken cancellationToken)
    {
        var wanted = served.Resources.Where(r => r.Deletable && !Ignored.Contains(r.Resource.Resource)).ToDictionary(r => r.Resource);
        var started = new List<Informer<PartialObject>>();
        lock (_lock)
        {
            foreach (var resource in served.Resources)
                _byKind[(resource.Resource.Group, resource.Kind)] = resource;
            foreach (var (resource, monitor) in _monitors.Where(m => !wanted.ContainsKey(m.Key)).ToList())
            {
                // Silence of a server is no evidence that its resources are gone.
                if (served.Stale.Contains(resource.Group.Length == 0 ? resource.Version : $"{resource.Group}/{resource.Version}"))
                    continue;
                _monitors.Remove(resource);
                monitor.Stop.Cancel();
                unserved(resource);
            }
            foreach (var resource in wanted.Values.Where(r => !_monitors.ContainsKey(r.Resource)))
                started.Add(Start(resource, cancellationToken));
        }
        return started;
    }

    public ServedResource? Find(string group, string kind)
    {
        lock (_lock)
            return _byKind.GetValueOrDefault((group, kind));
    }

    /// <summary>Is the resource of this name ("things.example.com") served?</summary>
    public bool Serves(string groupResource)
    {
        lock (_lock)
            return _monitors.Keys.Any(r => $"{r.Resource}.{r.Group}" == groupResource);
    }

    public async Task StopAsync()
    {
        List<Monitor> monitors;
        lock (_lock)
            monitors = [.. _monitors.Values];
        foreach (var monitor in monitors)
        {
            await monitor.Stop.CancelAsync();
            await monitor.Running;
            monitor.Stop.Dispose();
        }
    }

    private Informer<PartialObject> Start(ServedResource resource, CancellationToken cancellationToken)
    {
        var informer = informers.CreateMetadata(resource.Resource);
        GraphNode Node(PartialObject value) => new(resource.Resource, resource.Kind, value.Metadata);
        informer.AddHandler(new() { Added = value => observed(Node(value)), Updated = (_, value) => observed(Node(value)), Deleted = value => gone(Node(value)) });
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _monitors[resource.Resource] = new(informer.RunAsync(stop.Token), stop);
        return informer;
    }

    private sealed record Monitor(Task Running, CancellationTokenSource Stop);
}
