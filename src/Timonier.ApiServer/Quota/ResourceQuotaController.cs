using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.Client;

namespace Timonier.ApiServer.Quota;

/// <summary>
/// Counts what the quotas of a namespace limit: when a quota is new or changed, when something that it counts goes, and a
/// moment after admission charged it, because the write that was charged may have failed.
/// </summary>
public sealed class ResourceQuotaController : IControllerLoop, IDisposable
{
    /// <summary>A write that was charged is made, or has failed, by then.</summary>
    private static readonly TimeSpan AfterCharge = TimeSpan.FromSeconds(10);

    private readonly ApiClient _client;
    private readonly InformerFactory _informers;
    private readonly ResourceRegistry _registry;
    private readonly Informer<ResourceQuota> _quotas;
    private readonly ControllerLoop<NamespacedName> _loop;

    /// <summary>Of resources that some quota counts and nobody else follows. Used by the one worker alone.</summary>
    private readonly Dictionary<string, Task> _counted = [];
    private CancellationToken _stopping;

    public ResourceQuotaController(ApiClient client, InformerFactory informers, ResourceRegistry registry, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _informers, _registry, _quotas) = (client, informers, registry, informers.For<ResourceQuota>());
        _loop = new(Name, ReconcileAsync, time, loggers.CreateLogger<ResourceQuotaController>(), _quotas.WaitForSyncAsync) { Workers = 1 };
        _quotas.AddHandler(new()
        {
            Added = quota => _loop.Queue.Add(NamespacedName.Of(quota.Metadata)),
            Updated = (_, quota) => _loop.Queue.AddAfter(NamespacedName.Of(quota.Metadata), QuotaRecount.Same(quota.Spec.Hard, quota.Status.Hard) ? AfterCharge : TimeSpan.Zero),
        });
        informers.For<Pod>().AddHandler(new() { Deleted = pod => Look("pods", pod.Metadata.Namespace), Updated = (before, pod) => { if (HasEnded(pod) && !HasEnded(before)) Look("pods", pod.Metadata.Namespace); } });
        informers.For<Service>().AddHandler(new() { Deleted = service => Look("services", service.Metadata.Namespace) });
        informers.For<PersistentVolumeClaim>().AddHandler(new() { Deleted = claim => Look("persistentvolumeclaims", claim.Metadata.Namespace) });
    }

    public string Name => "resourcequota-controller";

    public QueueFigures Figures => _loop.Figures;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _stopping = cancellationToken;
        await _loop.RunAsync(cancellationToken);
        await Task.WhenAll(_counted.Values);
    }

    public void Dispose() => _loop.Dispose();

    public Task<bool> TryWorkAsync(CancellationToken cancellationToken = default) => _loop.TryWorkAsync(cancellationToken);

    private async Task ReconcileAsync(NamespacedName key, CancellationToken cancel)
    {
        if (_quotas.Get(key) is not { Metadata.DeletionTimestamp: null } quota)
            return;
        var objects = new Dictionary<string, IReadOnlyList<JsonMap>>(StringComparer.Ordinal);
        foreach (var name in quota.Spec.Hard.Keys.Select(QuotaRecount.ResourceOf).Distinct())
        {
            if (_registry.Resources.FirstOrDefault(r => r.GroupResource == name && r.Namespaced) is not { } resource)
                continue;
            if (!QuotaRecount.IsMeasured(name))
                Follow(name, resource.Resource);
            objects[name] = await ListAsync(name, resource.Resource, key.Namespace, cancel);
        }
        if (QuotaRecount.Decide(quota, objects) is not { } status)
            return;
        try
        {
            await _client.UpdateStatusAsync(quota with { Status = status }, cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Deleted in the meantime.
        }
    }

    private async Task<IReadOnlyList<JsonMap>> ListAsync(string name, GroupVersionResource resource, string @namespace, CancellationToken cancel)
    {
        if (QuotaRecount.IsMeasured(name))
            return (await _client.ListTreesAsync(resource, @namespace, cancellationToken: cancel)).Items;
        // Their number is all that counts: one empty object stands for each.
        var list = await _client.ListMetadataAsync(resource, @namespace, cancellationToken: cancel);
        return [.. Enumerable.Repeat<JsonMap>([], list.Items.Count)];
    }

    private void Follow(string name, GroupVersionResource resource)
    {
        if (_counted.ContainsKey(name))
            return;
        var informer = _informers.CreateMetadata(resource);
        informer.AddHandler(new() { Deleted = item => Look(name, item.Metadata.Namespace) });
        _counted[name] = informer.RunAsync(_stopping);
    }

    private void Look(string resource, string @namespace)
    {
        foreach (var quota in _quotas.List(@namespace))
        {
            if (quota.Spec.Hard.Keys.Any(name => QuotaRecount.ResourceOf(name) == resource))
                _loop.Queue.Add(NamespacedName.Of(quota.Metadata));
        }
    }

    private static bool HasEnded(Pod pod) => pod.Status.Phase is "Succeeded" or "Failed";
}
