using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.DaemonSets;

/// <summary>Keeps one pod on each node that should have one.</summary>
internal sealed class DaemonSetController : Controller<NamespacedName>
{
    /// <summary>Pods created or deleted in one go (upstream's BurstReplicas).</summary>
    private const int BurstReplicas = 250;

    private readonly EventRecorder _events;
    private readonly Informer<DaemonSet> _sets;
    private readonly Informer<Node> _nodes;
    private readonly Informer<ControllerRevision> _revisions;
    private readonly Claims<DaemonSet, Pod> _podClaims;
    private readonly Claims<DaemonSet, ControllerRevision> _revisionClaims;
    private readonly RevisionHistory _history;
    private readonly PodControl _podControl;
    private readonly Expectations<NamespacedName> _expectations;
    private readonly FailedPodBackoff _backoff;

    public DaemonSetController(ControllerContext context) : base("daemonset-controller", context)
    {
        _events = context.Events.Recorder(Name);
        _sets = Follow<DaemonSet>();
        _nodes = Follow<Node>();
        var pods = Follow<Pod>().WithOwnerIndex();
        _revisions = Follow<ControllerRevision>().WithOwnerIndex();
        (_podClaims, _revisionClaims) = (new(Client, pods), new(Client, _revisions));
        _history = new(Client, DaemonPods.HashLabel);
        _podControl = new(Client, _events);
        (_expectations, _backoff) = (new(Time), new(Time));
        _sets.OnChange(set => Queue.Add(NamespacedName.Of(set.Metadata)));
        _nodes.AddHandler(new() { Added = _ => EnqueueAll(), Updated = OnNodeUpdated, Deleted = _ => EnqueueAll() });
        new OwnerEvents<DaemonSet, Pod>(_sets, SelectorOf, Queue.Add)
        {
            Added = (set, _) => _expectations.CreationObserved(NamespacedName.Of(set.Metadata)),
            Deleted = (set, pod) => _expectations.DeletionObserved(NamespacedName.Of(set.Metadata), pod.Metadata.Uid),
        }.Follow(pods);
    }

    private static LabelMatcher SelectorOf(DaemonSet set) => LabelMatcher.FromSelector(set.Spec.Selector);

    private void EnqueueAll()
    {
        foreach (var set in _sets.List())
            Queue.Add(NamespacedName.Of(set.Metadata));
    }

    /// <summary>Nodes report every few seconds; only labels and taints decide where daemons go.</summary>
    private void OnNodeUpdated(Node old, Node now)
    {
        var same = old.Metadata.Labels.Count == now.Metadata.Labels.Count && old.Metadata.Labels.All(l => now.Metadata.Labels.TryGetValue(l.Key, out var value) && value == l.Value)
            && old.Spec.Taints.SequenceEqual(now.Spec.Taints);
        if (!same)
            EnqueueAll();
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_sets.Get(key) is not { } set)
        {
            _expectations.Forget(key);
            return;
        }
        if (SelectorOf(set).Requirements.Count == 0)
        {
            _events.Event(set, EventRecorder.Warning, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
            return;
        }
        if (set.Metadata.DeletionTimestamp is not null)
            return;
        var revisions = await _revisionClaims.ClaimAsync(set, SelectorOf(set), null, cancellationToken);
        var (newest, collisions) = await _history.EnsureAsync(set, set.Spec.Template, revisions, set.Status.CollisionCount, cancellationToken);
        var hash = newest.Metadata.Labels.GetValueOrDefault(DaemonPods.HashLabel, "");

        var satisfied = _expectations.Satisfied(key);
        var pods = await _podClaims.ClaimAsync(set, SelectorOf(set), null, cancellationToken);
        var state = new DaemonState(set, hash, _nodes.List(), [.. pods.Where(p => !(p.IsTerminating() && p.IsTerminal()))], Now);
        Exception? failure = null;
        if (satisfied)
        {
            (var acted, failure) = await DoAsync(key, state, DaemonPlan.Manage(state), cancellationToken);
            // After a change the pods seen are not the pods there are; the update goes on when they have been read again.
            if (!acted && set.Spec.UpdateStrategy.Type != "OnDelete")
                (_, failure) = await DoAsync(key, state, DaemonPlan.RollingUpdate(state), cancellationToken);
            await _history.TruncateAsync(revisions.Where(r => r.Metadata.Uid != newest.Metadata.Uid), r => pods.Any(p => DaemonPods.HashOf(p) == r.Metadata.Labels.GetValueOrDefault(DaemonPods.HashLabel)), set.Spec.RevisionHistoryLimit ?? 10, cancellationToken);
        }
        var status = DaemonStatus.Compute(state, collisions);
        if (!Trees.Same(set.Status, status))
            await Client.UpdateStatusAsync(set with { Status = status }, cancellationToken);
        if (pods.Select(p => p.AvailableIn(set.Spec.MinReadySeconds, state.Now)).Where(t => t is not null).Min() is { } wait)
            Queue.AddAfter(key, wait);
        if (failure is not null and not ApiException { IsNamespaceTerminating: true })
            throw failure;
    }

    private async Task<(bool Acted, Exception? Failure)> DoAsync(NamespacedName key, DaemonState state, DaemonSteps steps, CancellationToken cancellationToken)
    {
        var toDelete = steps.Delete.Where(p => MayDelete(key, state.Set, p)).Take(BurstReplicas).ToList();
        var create = Math.Min(steps.Create.Count, BurstReplicas);
        if (create + toDelete.Count == 0)
            return (false, null);
        _expectations.Expect(key, create, toDelete.Select(p => p.Metadata.Uid));
        var (created, failure) = await SlowStart.RunAsync(create, i => _podControl.CreateAsync(state.Set, DaemonPods.New(state.Set, steps.Create[i], state.Hash), cancellationToken));
        _expectations.CreationObserved(key, create - created);
        foreach (var pod in toDelete)
        {
            try
            {
                if (!await _podControl.DeleteAsync(state.Set, pod, cancellationToken))
                    _expectations.DeletionObserved(key, pod.Metadata.Uid);
            }
            catch (ApiException e)
            {
                _expectations.DeletionObserved(key, pod.Metadata.Uid);
                failure ??= e;
            }
        }
        return (true, failure);
    }

    private bool MayDelete(NamespacedName key, DaemonSet set, Pod pod)
    {
        var about = $"{pod.Metadata.Namespace}/{pod.Metadata.Name} on node {pod.Spec.NodeName}";
        if (pod.Status.Phase == "Failed")
        {
            var wait = _backoff.Next(set.Metadata.Uid, DaemonPods.NodeOf(pod));
            if (wait > TimeSpan.Zero)
            {
                Queue.AddAfter(key, wait);
                return false;
            }
            _events.Event(set, EventRecorder.Warning, "FailedDaemonPod", $"Found failed daemon pod {about}, will try to kill it");
        }
        else if (pod.Status.Phase == "Succeeded")
            _events.Event(set, EventRecorder.Normal, "SucceededDaemonPod", $"Found succeeded daemon pod {about}, will try to delete it");
        return true;
    }
}
