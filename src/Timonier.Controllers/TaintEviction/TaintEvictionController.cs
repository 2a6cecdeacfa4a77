using System.Collections.Concurrent;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.PodGc;

namespace Timonier.Controllers.TaintEviction;

/// <summary>Deletes pods that do not tolerate their node's NoExecute taints, when the time that they tolerate them is over.</summary>
internal sealed class TaintEvictionController : Controller<NamespacedName>
{
    private readonly Informer<Node> _nodes;
    private readonly Informer<Pod> _pods;
    private readonly EventRecorder _events;

    /// <summary>Since when a pod has been seen with taints that it tolerates only for a time.</summary>
    private readonly ConcurrentDictionary<NamespacedName, (string Uid, DateTimeOffset Since)> _doomed = new();

    public TaintEvictionController(ControllerContext context) : base("taint-eviction-controller", context)
    {
        (_nodes, _pods) = (Follow<Node>(), Follow<Pod>());
        _events = context.Events.Recorder(Name);
        _pods.AddIndex(PodGcController.NodeIndex, pod => [pod.Spec.NodeName]);
        _pods.AddHandler(new()
        {
            Added = Look,
            Updated = (before, pod) => { if (before.Spec.NodeName != pod.Spec.NodeName || before.Spec.Tolerations.Count != pod.Spec.Tolerations.Count) Look(pod); },
            Deleted = pod => _doomed.TryRemove(NamespacedName.Of(pod.Metadata), out _),
        });
        _nodes.AddHandler(new() { Added = LookAtPods, Updated = (before, node) => { if (!Executing(before).SequenceEqual(Executing(node))) LookAtPods(node); } });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_pods.Get(key) is not { Metadata.DeletionTimestamp: null } pod || _nodes.Get("", pod.Spec.NodeName) is not { } node)
            return;
        if (TaintEvictionDecision.Stay(node.Spec.Taints, pod.Spec.Tolerations) is not { } stay)
        {
            if (_doomed.TryRemove(key, out _))
                _events.Event(pod, EventRecorder.Normal, "TaintManagerEviction", $"Cancelling deletion of Pod {key}");
            return;
        }
        var doomed = _doomed.AddOrUpdate(key, _ => (pod.Metadata.Uid, Now), (_, known) => known.Uid == pod.Metadata.Uid ? known : (pod.Metadata.Uid, Now));
        var left = doomed.Since + stay - Now;
        if (left > TimeSpan.Zero)
        {
            Queue.AddAfter(key, left);
            return;
        }
        _events.Event(pod, EventRecorder.Normal, "TaintManagerEviction", $"Marking for deletion Pod {key}");
        try
        {
            await Client.UpdateStatusAsync(pod with { Status = TaintEvictionDecision.Marked(pod, Now) }, cancellationToken);
            await Client.DeleteAsync<Pod>(key.Namespace, key.Name, new() { Preconditions = new() { Uid = pod.Metadata.Uid } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }

    private static IEnumerable<Taint> Executing(Node node) => node.Spec.Taints.Where(t => t.Effect == "NoExecute");

    private void Look(Pod pod)
    {
        if (pod.Spec.NodeName.Length > 0 && _nodes.Get("", pod.Spec.NodeName) is { } node && Executing(node).Any())
            Queue.Add(NamespacedName.Of(pod.Metadata));
    }

    private void LookAtPods(Node node)
    {
        foreach (var pod in _pods.ByIndex(PodGcController.NodeIndex, node.Metadata.Name))
        {
            var key = NamespacedName.Of(pod.Metadata);
            if (_doomed.ContainsKey(key) || Executing(node).Any())
                Queue.Add(key);
        }
    }
}
