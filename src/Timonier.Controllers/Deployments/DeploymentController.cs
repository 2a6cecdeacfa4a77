using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Deployments;

/// <summary>Brings the pods of a Deployment from one template to the next, by scaling its ReplicaSets.</summary>
internal sealed class DeploymentController : Controller<NamespacedName>
{
    private readonly EventRecorder _events;
    private readonly Informer<Deployment> _deployments;
    private readonly Informer<ReplicaSet> _sets;
    private readonly Informer<Pod> _pods;
    private readonly Claims<Deployment, ReplicaSet> _claims;
    private readonly DeploymentWrites _writes;

    public DeploymentController(ControllerContext context) : base("deployment-controller", context, workers: 5)
    {
        _events = context.Events.Recorder(Name);
        _deployments = Follow<Deployment>();
        _sets = Follow<ReplicaSet>().WithOwnerIndex();
        _pods = Follow<Pod>().WithOwnerIndex();
        _claims = new(context.Client, _sets);
        _writes = new(context.Client, _events, context.Time);
        _deployments.OnChange(d => Queue.Add(NamespacedName.Of(d.Metadata)));
        var fromSets = new OwnerEvents<Deployment, ReplicaSet>(_deployments, d => LabelMatcher.FromSelector(d.Spec.Selector), Queue.Add);
        fromSets.Follow(_sets);
        _pods.AddHandler(new() { Deleted = pod => OnPodDeleted(pod, fromSets) });
    }

    /// <summary>A Recreate rollout waits for the last old pod, which no ReplicaSet's status tells in time.</summary>
    private void OnPodDeleted(Pod pod, OwnerEvents<Deployment, ReplicaSet> fromSets)
    {
        if (Ownership.ControllerOf(pod.Metadata) is { Kind: "ReplicaSet" } owner && _sets.Get(pod.Metadata.Namespace, owner.Name) is { } set
            && set.Metadata.Uid == owner.Uid && fromSets.Resolve(set) is { } deployment && !RolloutMath.IsRolling(deployment))
            Queue.Add(NamespacedName.Of(deployment.Metadata));
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_deployments.Get(key) is not { } deployment)
            return;
        var selector = LabelMatcher.FromSelector(deployment.Spec.Selector);
        if (selector.Requirements.Count == 0)
        {
            _events.Event(deployment, EventRecorder.Warning, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
            if (deployment.Status.ObservedGeneration < deployment.Metadata.Generation)
                await Client.UpdateStatusAsync(deployment with { Status = deployment.Status with { ObservedGeneration = deployment.Metadata.Generation } }, cancellationToken);
            return;
        }
        var claimed = await _claims.ClaimAsync(deployment, selector, null, cancellationToken);
        var sets = DeploymentSets.Of(deployment, claimed);
        if (deployment.Metadata.DeletionTimestamp is not null)
        {
            await _writes.UpdateStatusAsync(deployment, RolloutStatus.Compute(deployment, sets.All, sets.Newest, Now), cancellationToken);
            return;
        }
        deployment = await _writes.UpdatePausedConditionAsync(deployment, cancellationToken);
        if (deployment.Spec.Paused || sets.IsScaling(deployment))
            await ScaleAsync(deployment, sets, cancellationToken);
        else if (RolloutMath.IsRolling(deployment))
            await RollAsync(deployment, sets, cancellationToken);
        else
            await RecreateAsync(deployment, sets, cancellationToken);
    }

    /// <summary>Only sizes: of a paused Deployment, or of one whose size changed in the middle of a rollout.</summary>
    private async Task ScaleAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        if (sets.Newest is not null)
            (deployment, sets) = await _writes.EnsureNewestAsync(deployment, sets, cancellationToken);
        if (sets.ActiveOrLatest() is { } only)
            sets = await _writes.ScaleAsync(deployment, sets, [(only, RolloutMath.Replicas(deployment))], cancellationToken);
        else if (sets.IsSaturated(deployment))
            sets = await _writes.ScaleAsync(deployment, sets, sets.ActiveOlds.Select(s => (s, 0)), cancellationToken);
        else if (RolloutMath.IsRolling(deployment))
            sets = await _writes.ScaleAsync(deployment, sets, RolloutMath.ProportionalSizes(deployment, [.. sets.All.Where(s => RolloutMath.Replicas(s) > 0)]), cancellationToken);
        if (deployment.Spec.Paused)
            await _writes.CleanUpAsync(deployment, sets, cancellationToken);
        await _writes.UpdateStatusAsync(deployment, RolloutStatus.Compute(deployment, sets.All, sets.Newest, Now), cancellationToken);
    }

    private async Task RollAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        (deployment, sets) = await _writes.EnsureNewestAsync(deployment, sets, cancellationToken);
        if (sets.Newest is not { } newest)
            return;
        var size = RolloutMath.Replicas(newest) > RolloutMath.Replicas(deployment) ? RolloutMath.Replicas(deployment) : RolloutMath.NewSize(deployment, sets.All, RolloutMath.Replicas(newest));
        // One step at a time: what follows from it is seen in the next status.
        if (size != RolloutMath.Replicas(newest))
            sets = await _writes.ScaleAsync(deployment, sets, [(newest, size)], cancellationToken);
        else if (RolloutMath.OldSizes(deployment, newest, [.. sets.ActiveOlds]) is { Count: > 0 } smaller)
            sets = await _writes.ScaleAsync(deployment, sets, smaller, cancellationToken);
        await FinishAsync(deployment, sets, cancellationToken);
    }

    private async Task RecreateAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        if (sets.Newest is not null)
            (deployment, sets) = await _writes.EnsureNewestAsync(deployment, sets, cancellationToken);
        if (sets.ActiveOlds.Any())
            sets = await _writes.ScaleAsync(deployment, sets, sets.ActiveOlds.Select(s => (s, 0)).ToList(), cancellationToken);
        else if (!OldPodsRun(sets))
        {
            (deployment, sets) = await _writes.EnsureNewestAsync(deployment, sets, cancellationToken);
            if (sets.Newest is not { } newest)
                return;
            if (RolloutMath.Replicas(newest) != RolloutMath.Replicas(deployment))
                sets = await _writes.ScaleAsync(deployment, sets, [(newest, RolloutMath.Replicas(deployment))], cancellationToken);
        }
        await FinishAsync(deployment, sets, cancellationToken);
    }

    private bool OldPodsRun(DeploymentSets sets) =>
        sets.Olds.Any(s => s.Status.Replicas > 0 || _pods.ControlledBy(s.Metadata.Uid).Any(p => !p.IsTerminal()));

    private async Task FinishAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        if (RolloutStatus.IsComplete(deployment, deployment.Status))
            await _writes.CleanUpAsync(deployment, sets, cancellationToken);
        var now = Now;
        var status = RolloutStatus.ComputeRollout(deployment, sets.All, sets.Newest, now);
        await _writes.UpdateStatusAsync(deployment, status, cancellationToken);
        if (RolloutStatus.DeadlineIn(deployment, status, now) is { } wait)
            Queue.AddAfter(NamespacedName.Of(deployment.Metadata), wait);
    }
}
