using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.StatefulSets;

/// <summary>Keeps numbered pods, each with a name and storage of its own.</summary>
internal sealed class StatefulSetController : Controller<NamespacedName>
{
    private const string HashLabel = "controller.kubernetes.io/hash";

    private readonly Informer<StatefulSet> _sets;
    private readonly Informer<Pod> _pods;
    private readonly Informer<ControllerRevision> _revisions;
    private readonly Claims<StatefulSet, Pod> _podClaims;
    private readonly Claims<StatefulSet, ControllerRevision> _revisionClaims;
    private readonly RevisionHistory _history;
    private readonly StatefulWrites _writes;

    public StatefulSetController(ControllerContext context) : base("statefulset-controller", context)
    {
        _sets = Follow<StatefulSet>();
        _pods = Follow<Pod>().WithOwnerIndex();
        _revisions = Follow<ControllerRevision>().WithOwnerIndex();
        _podClaims = new(Client, _pods);
        _revisionClaims = new(Client, _revisions);
        _history = new(Client, HashLabel);
        _writes = new(Client, context.Events.Recorder(Name), Follow<PersistentVolumeClaim>());
        _sets.OnChange(set => Queue.Add(NamespacedName.Of(set.Metadata)));
        new OwnerEvents<StatefulSet, Pod>(_sets, SelectorOf, Queue.Add).Follow(_pods);
    }

    private static LabelMatcher SelectorOf(StatefulSet set) => LabelMatcher.FromSelector(set.Spec.Selector);

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_sets.Get(key) is not { } set)
            return;
        var revisions = await _revisionClaims.ClaimAsync(set, SelectorOf(set), null, cancellationToken);
        var pods = await _podClaims.ClaimAsync(set, SelectorOf(set), pod => StatefulPods.OrdinalOf(set, pod) is not null, cancellationToken);
        var (update, collisions) = await _history.EnsureAsync(set, set.Spec.Template, revisions, set.Status.CollisionCount, cancellationToken);
        var current = revisions.Find(r => r.Metadata.Name == set.Status.CurrentRevision) ?? update;
        var state = new StatefulState(set, pods, current.Metadata.Name, update.Metadata.Name, ordinal => _writes.ClaimsAreStale(set, ordinal), Now);

        await UpdateStatusAsync(state, collisions, cancellationToken);
        foreach (var step in StatefulPlan.Make(state))
        {
            var template = step.Revision == current.Metadata.Name ? RevisionData.TemplateOf(current) : set.Spec.Template;
            await _writes.DoAsync(set, step, template ?? set.Spec.Template, cancellationToken);
        }
        await _history.TruncateAsync(revisions.Where(r => r.Metadata.Uid != update.Metadata.Uid), r => r == current || pods.Any(p => StatefulPods.RevisionOf(p) == r.Metadata.Name), set.Spec.RevisionHistoryLimit ?? 10, cancellationToken);
        if (pods.Select(p => p.AvailableIn(set.Spec.MinReadySeconds, state.Now)).Where(t => t is not null).Min() is { } wait)
            Queue.AddAfter(key, wait);
    }

    private async Task UpdateStatusAsync(StatefulState state, int? collisions, CancellationToken cancellationToken)
    {
        var status = StatefulStatus.Compute(state, collisions);
        if (!Trees.Same(state.Set.Status, status))
            await Client.UpdateStatusAsync(state.Set with { Status = status }, cancellationToken);
    }
}
