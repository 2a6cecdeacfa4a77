using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.ReplicaSets;

/// <summary>Keeps as many pods of a template as wanted: for ReplicaSets and, by the same code, ReplicationControllers.</summary>
internal sealed class ReplicaController<T> : Controller<NamespacedName> where T : class, IKind<T>
{
    /// <summary>Pods created or deleted in one go (upstream's BurstReplicas).</summary>
    private const int BurstReplicas = 500;

    private readonly ReplicaKind<T> _kind;
    private readonly Informer<T> _sets;
    private readonly Informer<Pod> _pods;
    private readonly Claims<T, Pod> _claims;
    private readonly PodControl _podControl;
    private readonly Expectations<NamespacedName> _expectations;

    public ReplicaController(ControllerContext context, ReplicaKind<T> kind, string name) : base(name, context, workers: 5)
    {
        _kind = kind;
        _sets = Follow<T>().WithOwnerIndex();
        _pods = Follow<Pod>().WithOwnerIndex();
        _claims = new(context.Client, _pods);
        _podControl = new(context.Client, context.Events.Recorder(name));
        _expectations = new(context.Time);
        _sets.OnChange(set => Queue.Add(NamespacedName.Of(set.Metadata)));
        new OwnerEvents<T, Pod>(_sets, kind.Selector, Queue.Add)
        {
            Added = (set, _) => _expectations.CreationObserved(NamespacedName.Of(set.Metadata)),
            Deleted = (set, pod) => _expectations.DeletionObserved(NamespacedName.Of(set.Metadata), pod.Metadata.Uid),
        }.Follow(_pods);
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_sets.Get(key) is not { } set)
        {
            _expectations.Forget(key);
            return;
        }
        // Asked before the pods are read: an event that comes in between must not make an old list look complete.
        var satisfied = _expectations.Satisfied(key);
        var pods = await _claims.ClaimAsync(set, _kind.Selector(set), pod => !pod.IsTerminal(), cancellationToken);
        Exception? failure = null;
        if (satisfied && set.Metadata.DeletionTimestamp is null)
            failure = await ManageAsync(key, set, [.. pods.Where(p => p.IsActive())], cancellationToken);
        await UpdateStatusAsync(key, set, pods, failure, cancellationToken);
        if (failure is not null && failure is not ApiException { IsNamespaceTerminating: true })
            throw failure;
    }

    private async Task<Exception?> ManageAsync(NamespacedName key, T set, List<Pod> active, CancellationToken cancellationToken)
    {
        var missing = _kind.Replicas(set) - active.Count;
        if (missing > 0)
            return await CreatePodsAsync(key, set, Math.Min(missing, BurstReplicas), cancellationToken);
        return missing < 0 ? await DeletePodsAsync(key, set, active, Math.Min(-missing, BurstReplicas), cancellationToken) : null;
    }

    private async Task<Exception?> CreatePodsAsync(NamespacedName key, T set, int count, CancellationToken cancellationToken)
    {
        _expectations.ExpectCreations(key, count);
        var pod = PodControl.FromTemplate(_kind.Template(set), set);
        var (created, error) = await SlowStart.RunAsync(count, _ => _podControl.CreateAsync(set, pod, cancellationToken));
        _expectations.CreationObserved(key, count - created);
        return error;
    }

    private async Task<Exception?> DeletePodsAsync(NamespacedName key, T set, List<Pod> active, int count, CancellationToken cancellationToken)
    {
        var toDelete = PodRanking.ToDelete(active, RelatedPods(set), count, Now);
        _expectations.ExpectDeletions(key, toDelete.Select(p => p.Metadata.Uid));
        Exception? failure = null;
        foreach (var pod in toDelete)
        {
            try
            {
                if (!await _podControl.DeleteAsync(set, pod, cancellationToken))
                    _expectations.DeletionObserved(key, pod.Metadata.Uid);
            }
            catch (ApiException e)
            {
                _expectations.DeletionObserved(key, pod.Metadata.Uid);
                failure ??= e;
            }
        }
        return failure;
    }

    /// <summary>The pods of all sets with the same owner: a rollout moves pods between them, and they should stay spread.</summary>
    private IEnumerable<Pod> RelatedPods(T set)
    {
        var owner = Ownership.ControllerOf(set.Metadata);
        var sets = owner is null ? [set] : _sets.ControlledBy(owner.Uid);
        return sets.SelectMany(s => _pods.ControlledBy(s.Metadata.Uid));
    }

    private async Task UpdateStatusAsync(NamespacedName key, T set, List<Pod> pods, Exception? failure, CancellationToken cancellationToken)
    {
        var (before, minReady, now) = (_kind.Status(set), _kind.MinReadySeconds(set), Now);
        var status = ReplicaStatus.Compute(before, _kind.Template(set), _kind.Replicas(set), minReady, pods, failure?.Message, now) with { ObservedGeneration = set.Metadata.Generation };
        if (_kind.Status(_kind.WithStatus(set, status)) is var written && !Trees.Same(before, written))
            await Client.UpdateStatusAsync(_kind.WithStatus(set, status), cancellationToken);
        if (pods.Where(p => p.IsActive()).Select(p => p.AvailableIn(minReady, now)).Where(t => t is not null).Min() is { } wait)
            Queue.AddAfter(key, wait);
    }
}

internal static class ReplicaController
{
    public static ReplicaController<ReplicaSet> ForReplicaSets(ControllerContext context) => new(context, ReplicaKind.ReplicaSets, "replicaset-controller");

    public static ReplicaController<ReplicationController> ForReplicationControllers(ControllerContext context) => new(context, ReplicaKind.ReplicationControllers, "replication-controller");
}
