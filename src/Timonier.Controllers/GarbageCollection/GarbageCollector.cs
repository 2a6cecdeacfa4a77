using Timonier.Api.Apiextensions.V1;
using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Client;
using Timonier.Controllers.Discovery;

namespace Timonier.Controllers.GarbageCollection;

/// <summary>
/// Deletes what nobody owns any more, over all resources that the server has: in the background, before the owner
/// (finalizer foregroundDeletion), or not at all (finalizer orphan). Absence in a cache is no evidence: before anything
/// is deleted, the server is asked for the object and its owners.
/// </summary>
internal sealed class GarbageCollector : Controller<GcKey>
{
    /// <summary>What is remembered of owners that do not exist; a uid is never used again (upstream's absentOwnerCache).</summary>
    private const int AbsentMax = 500;
    private static readonly TimeSpan FirstSyncLimit = TimeSpan.FromSeconds(30);

    // A new kind is in discovery a moment after its definition is established; asked for so often, each time later.
    private const int RefreshesMax = 8;
    private static readonly GcKey Refresh = new(GcWork.Refresh, "");

    private readonly OwnerGraph _graph = new();
    private readonly ResourceMonitors _monitors;
    private readonly EventRecorder _events;
    private readonly Lock _lock = new();
    private readonly HashSet<(string Uid, string Namespace)> _absent = [];
    private readonly Informer<PartialObject> _definitions;
    private readonly Informer<PartialObject> _services;

    /// <summary>Before the first lists are complete every owner not yet listed would look absent, and be asked for.</summary>
    private readonly TaskCompletionSource _graphIsWhole = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _refreshes;
    private CancellationToken _stopping;

    public GarbageCollector(ControllerContext context) : base("garbage-collector-controller", context, workers: 8)
    {
        _events = context.Events.Recorder(Name);
        _monitors = new(context.Informers, node => Enqueue(_graph.Observe(node)), node => Enqueue(_graph.Remove(node.Metadata.Uid)), _graph.RemoveAll);
        _definitions = context.Informers.CreateMetadata(CustomResourceDefinition.Resource);
        _services = context.Informers.CreateMetadata(APIService.Resource);
        foreach (var source in new[] { _definitions, _services })
            source.OnChange(_ => { _refreshes = 0; Queue.Add(Refresh); });
    }

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        _stopping = cancellationToken;
        var sources = Task.WhenAll(_definitions.RunAsync(cancellationToken), _services.RunAsync(cancellationToken));
        Queue.Add(Refresh);
        await base.RunAsync(cancellationToken);
        await sources;
        await _monitors.StopAsync();
    }

    protected override async Task ReconcileAsync(GcKey key, CancellationToken cancellationToken)
    {
        if (key.Work == GcWork.Refresh)
        {
            await RefreshAsync(cancellationToken);
            _graphIsWhole.TrySetResult();
            return;
        }
        await _graphIsWhole.Task.WaitAsync(cancellationToken);
        await (key.Work == GcWork.Orphan ? OrphanAsync(key.Uid, cancellationToken) : DeleteAsync(key.Uid, cancellationToken));
    }

    private void Enqueue(IReadOnlyList<GcKey> keys)
    {
        foreach (var key in keys)
            Queue.Add(key);
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var served = await ApiDiscovery.DiscoverAsync(Client, cancellationToken);
        var started = _monitors.Update(served, _stopping);
        using var limit = new CancellationTokenSource(FirstSyncLimit, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await Task.WhenAll(started.Select(informer => informer.WaitForSyncAsync(either.Token)));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A resource whose server does not answer must not hold up the others.
        }
        var missing = _definitions.List().Any(d => d.Metadata.DeletionTimestamp is null && !_monitors.Serves(d.Metadata.Name));
        if ((missing || served.Stale.Count > 0) && _refreshes++ < RefreshesMax)
            Queue.AddAfter(Refresh, TimeSpan.FromSeconds(0.25 * (1 << _refreshes)));
    }

    private async Task DeleteAsync(string uid, CancellationToken cancellationToken)
    {
        if (_graph.Find(uid) is not { } node || !_graph.NeedsLook(node))
            return;
        if (await GetAsync(node, cancellationToken) is not { } item)
        {
            Enqueue(_graph.Remove(uid));
            return;
        }
        if (node.WaitsForDependents)
        {
            await LetGoAsync(node, item, cancellationToken);
            return;
        }
        var owners = new List<OwnerState>();
        foreach (var reference in item.OwnerReferences)
            owners.Add(await StateOfAsync(node, reference, cancellationToken));
        var action = GcDecision.Decide(item, owners, _graph.DependentsOf(uid));
        if (action.Owners is not null)
            await PatchAsync(node, item, "ownerReferences", new JsonList(action.Owners.Select(o => Common.Trees.Of(o))), cancellationToken);
        if (action.DeletePolicy is not null)
            await Client.DeleteTreeAsync(node.Resource, item.Namespace, item.Name, new() { PropagationPolicy = action.DeletePolicy, Preconditions = new() { Uid = uid } }, cancellationToken);
    }

    /// <summary>Removes the finalizer when no dependent is left that blocks; else sees to it that they go.</summary>
    private async Task LetGoAsync(GraphNode node, ObjectMeta item, CancellationToken cancellationToken)
    {
        var dependents = _graph.DependentsOf(item.Uid).Where(d => GcDecision.Blocks(d, item.Uid)).ToList();
        if (dependents.Count == 0)
            await RemoveFinalizerAsync(node, item, GcDecision.ForegroundFinalizer, cancellationToken);
        else
            Enqueue([.. dependents.Where(d => !d.IsDeleting).Select(d => new GcKey(GcWork.Delete, d.Metadata.Uid))]);
    }

    private async Task OrphanAsync(string uid, CancellationToken cancellationToken)
    {
        if (_graph.Find(uid) is not { Orphans: true } node)
            return;
        foreach (var dependent in _graph.DependentsOf(uid))
        {
            if (await GetAsync(dependent, cancellationToken) is { } item && item.OwnerReferences.Any(o => o.Uid == uid))
                await PatchAsync(dependent, item, "ownerReferences", new JsonList(item.OwnerReferences.Where(o => o.Uid != uid).Select(o => Common.Trees.Of(o))), cancellationToken);
        }
        if (await GetAsync(node, cancellationToken) is { } owner)
            await RemoveFinalizerAsync(node, owner, GcDecision.OrphanFinalizer, cancellationToken);
    }

    /// <summary>The object of the node as it is now; null when it is gone (another of its name is not it).</summary>
    private async Task<ObjectMeta?> GetAsync(GraphNode node, CancellationToken cancellationToken)
    {
        try
        {
            var found = await Client.GetMetadataAsync(node.Resource, node.Metadata.Namespace, node.Metadata.Name, cancellationToken);
            return found.Metadata.Uid == node.Metadata.Uid ? found.Metadata : null;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task<OwnerState> StateOfAsync(GraphNode node, OwnerReference reference, CancellationToken cancellationToken)
    {
        var slash = reference.ApiVersion.IndexOf('/');
        if (_monitors.Find(slash < 0 ? "" : reference.ApiVersion[..slash], reference.Kind) is not { } owner)
            throw new InvalidOperationException($"unable to get REST mapping for {reference.ApiVersion}/{reference.Kind}.");
        var @namespace = owner.Namespaced ? node.Metadata.Namespace : "";
        lock (_lock)
        {
            if (_absent.Contains((reference.Uid, @namespace)))
                return OwnerState.Absent;
        }
        // An object without namespace cannot be owned by one that has a namespace: the reference says nothing.
        if (owner.Namespaced && @namespace.Length == 0)
        {
            Report(node, $"ownerRef [{reference.ApiVersion}/{reference.Kind}, name: {reference.Name}, uid: {reference.Uid}] does not exist in namespace \"\"");
            return OwnerState.Solid;
        }
        try
        {
            var found = await Client.GetMetadataAsync(owner.Resource, @namespace, reference.Name, cancellationToken);
            if (found.Metadata.Uid == reference.Uid)
                return found.Metadata.DeletionTimestamp is not null && found.Metadata.Finalizers.Contains(GcDecision.ForegroundFinalizer) ? OwnerState.Waiting : OwnerState.Solid;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
        }
        if (_graph.Find(reference.Uid) is { } elsewhere && elsewhere.Metadata.Namespace != @namespace)
            Report(node, $"ownerRef [{reference.ApiVersion}/{reference.Kind}, namespace: {@namespace}, name: {reference.Name}, uid: {reference.Uid}] does not exist in namespace \"{@namespace}\"");
        lock (_lock)
        {
            if (_absent.Count >= AbsentMax)
                _absent.Clear();
            _absent.Add((reference.Uid, @namespace));
        }
        return OwnerState.Absent;
    }

    private void Report(GraphNode node, string message) =>
        _events.Event(new ObjectReference { ApiVersion = node.Resource.Group.Length == 0 ? node.Resource.Version : $"{node.Resource.Group}/{node.Resource.Version}", Kind = node.Kind, Namespace = node.Metadata.Namespace, Name = node.Metadata.Name, Uid = node.Metadata.Uid },
            EventRecorder.Warning, "OwnerRefInvalidNamespace", message);

    private Task RemoveFinalizerAsync(GraphNode node, ObjectMeta item, string finalizer, CancellationToken cancellationToken) =>
        item.Finalizers.Contains(finalizer) ? PatchAsync(node, item, "finalizers", new JsonList(item.Finalizers.Where(f => f != finalizer)), cancellationToken) : Task.CompletedTask;

    /// <summary>Replaces one list of the metadata, if the object is still as it was read.</summary>
    private Task<JsonMap> PatchAsync(GraphNode node, ObjectMeta item, string field, JsonList value, CancellationToken cancellationToken) =>
        Client.PatchTreeAsync(node.Resource, item.Namespace, item.Name, PatchBody.Merge(new()
        {
            ["metadata"] = new JsonMap { ["uid"] = item.Uid, ["resourceVersion"] = item.ResourceVersion, [field] = value },
        }), cancellationToken: cancellationToken);
}
