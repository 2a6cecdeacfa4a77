using Timonier.Api.Errors;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;
using Timonier.Client;
using Timonier.Controllers.Discovery;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.Namespace;

/// <summary>
/// Empties a namespace that is being deleted, and lets it go when nothing is left: pods first, so that nothing that
/// protects them (network policies, secrets) goes while they run (KEP-5080), then everything else that discovery knows.
/// </summary>
internal sealed class NamespaceController : Controller<string>
{
    private const string Finalizer = "kubernetes";

    // Upstream's guess for how long a finalizer of another takes.
    private const long FinalizerEstimateSeconds = 15;

    private readonly Informer<V1.Namespace> _namespaces;

    public NamespaceController(ControllerContext context) : base("namespace-controller", context, workers: 4)
    {
        _namespaces = Follow<V1.Namespace>();
        _namespaces.OnChange(value => Enqueue(value.Metadata.Name));
        // The last pod to go is what a namespace mostly waits for.
        Follow<V1.Pod>().AddHandler(new() { Deleted = pod => Enqueue(pod.Metadata.Namespace) });
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_namespaces.Get("", key) is not { } cached || !IsOurs(cached) || await Client.TryGetAsync<V1.Namespace>("", key, cancellationToken) is not { } value || !IsOurs(value))
            return;
        if (value.Status.Phase != "Terminating")
            value = await Client.UpdateStatusAsync(value with { Status = value.Status with { Phase = "Terminating" } }, cancellationToken);
        var content = await EmptyAsync(key, cancellationToken);
        var conditions = NamespaceConditions.Decide(value.Status.Conditions, content, Now);
        if (!conditions.SequenceEqual(value.Status.Conditions))
            value = await Client.UpdateStatusAsync(value with { Status = value.Status with { Conditions = conditions } }, cancellationToken);
        if (content.IsGone)
            await Client.UpdateSubresourceAsync(value with { Spec = value.Spec with { Finalizers = [.. value.Spec.Finalizers.Where(f => f != Finalizer)] } }, "finalize", cancellationToken);
        else
            Queue.AddAfter(key, RetryAfter(Now - (value.Metadata.DeletionTimestamp ?? Now), content.EstimateSeconds));
    }

    /// <summary>Soon at first, then ever more seldom, and never later than upstream asks again (half the estimate and a second).</summary>
    internal static TimeSpan RetryAfter(TimeSpan elapsed, long estimateSeconds)
    {
        var most = TimeSpan.FromSeconds((estimateSeconds / 2) + 1);
        var soon = TimeSpan.FromMilliseconds(Math.Max(50, elapsed.TotalMilliseconds / 8));
        return soon < most ? soon : most;
    }

    private static bool IsOurs(V1.Namespace value) => value.Metadata.DeletionTimestamp is not null && value.Spec.Finalizers.Contains(Finalizer);

    private void Enqueue(string name)
    {
        if (_namespaces.Get("", name) is { Metadata.DeletionTimestamp: not null })
            Queue.Add(name);
    }

    private async Task<NamespaceContent> EmptyAsync(string key, CancellationToken cancellationToken)
    {
        var content = new NamespaceContent();
        ServedResources served;
        try
        {
            served = await ApiDiscovery.DiscoverAsync(Client, cancellationToken);
        }
        catch (ApiException e)
        {
            content.DiscoveryFailures.Add(e.Message);
            return content;
        }
        content.DiscoveryFailures.AddRange(served.Stale.Select(s => $"{s}: stale GroupVersion discovery"));
        await EmptyAsync(key, V1.Pod.Resource, ["list", "deletecollection"], content, cancellationToken);
        if (content.Remaining.Count + content.Failures.Count > 0)
            return content;
        foreach (var resource in served.Resources.Where(r => r.Namespaced && r.Verbs.Contains("delete") && r.Verbs.Contains("list") && r.Resource != V1.Pod.Resource))
            await EmptyAsync(key, resource.Resource, resource.Verbs, content, cancellationToken);
        return content;
    }

    private async Task EmptyAsync(string key, GroupVersionResource resource, IReadOnlyList<string> verbs, NamespaceContent content, CancellationToken cancellationToken)
    {
        try
        {
            // Most resources have nothing in most namespaces: look before writing.
            var items = (await Client.ListMetadataAsync(resource, key, cancellationToken: cancellationToken)).Items;
            if (items.Any(item => item.Metadata.DeletionTimestamp is null))
            {
                await DeleteAsync(key, resource, verbs, items, cancellationToken);
                items = (await Client.ListMetadataAsync(resource, key, cancellationToken: cancellationToken)).Items;
            }
            if (items.Count > 0)
                content.Remains(resource, items.Count, items.SelectMany(i => i.Metadata.Finalizers), items.Max(Estimate));
        }
        catch (ApiException e) when (e.Code is 404 or 405)
        {
            // The resource went away since it was discovered: so did its objects.
        }
        catch (ApiException e)
        {
            content.Failures.Add($"{resource.GroupResource}: {e.Message}");
        }
    }

    private async Task DeleteAsync(string key, GroupVersionResource resource, IReadOnlyList<string> verbs, IReadOnlyList<PartialObject> items, CancellationToken cancellationToken)
    {
        var options = new DeleteOptions { PropagationPolicy = "Background" };
        if (verbs.Contains("deletecollection"))
        {
            await Client.DeleteCollectionAsync(resource, key, options: options, cancellationToken: cancellationToken);
            return;
        }
        foreach (var item in items.Where(i => i.Metadata.DeletionTimestamp is null))
        {
            try
            {
                await Client.DeleteTreeAsync(resource, key, item.Metadata.Name, options, cancellationToken);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Gone already.
            }
        }
    }

    private static long Estimate(PartialObject item) => item.Metadata.Finalizers.Count > 0 ? FinalizerEstimateSeconds : item.Metadata.DeletionGracePeriodSeconds ?? 0;
}
