using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.PodGc;

/// <summary>Deletes pods that have nobody to end them: of nodes that are gone, never scheduled, or too many that have ended.</summary>
internal sealed class PodGcController : Controller<NamespacedName>
{
    internal const string NodeIndex = "spec.nodeName";

    // A node that is deleted may be created again by its kubelet (upstream's quarantine time).
    private static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(40);

    /// <summary>Stands for all ended pods.</summary>
    private static readonly NamespacedName Ended = new("", "");

    private readonly Informer<Pod> _pods;
    private readonly Informer<Node> _nodes;
    private readonly int _terminatedMax;
    private int _ended;

    public PodGcController(ControllerContext context, int terminatedMax = PodGcDecision.TerminatedMax) : base("pod-garbage-collector-controller", context, workers: 1)
    {
        _terminatedMax = terminatedMax;
        (_pods, _nodes) = (Follow<Pod>(), Follow<Node>());
        _pods.AddIndex(NodeIndex, pod => [pod.Spec.NodeName]);
        _pods.AddHandler(new()
        {
            Added = pod => { Look(pod); Count(null, pod); },
            Updated = (before, pod) => { Look(pod); Count(before, pod); },
            Deleted = pod => Count(pod, null),
        });
        _nodes.AddHandler(new() { Deleted = node => _pods.ByIndex(NodeIndex, node.Metadata.Name).ToList().ForEach(Look) });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (key == Ended)
        {
            foreach (var pod in PodGcDecision.Surplus(_pods.List(), _terminatedMax))
                await DeleteAsync(pod, cancellationToken);
            return;
        }
        if (_pods.Get(key) is not { } candidate)
            return;
        if (PodGcDecision.IsUnscheduledTerminating(candidate))
            await DeleteAsync(candidate, cancellationToken);
        else if (IsOrphaned(candidate) && await Client.TryGetAsync<Node>("", candidate.Spec.NodeName, cancellationToken) is null)
        {
            if (PodGcDecision.Orphaned(candidate, Now) is { } status)
                await Client.UpdateStatusAsync(candidate with { Status = status }, cancellationToken);
            await DeleteAsync(candidate, cancellationToken);
        }
    }

    private bool IsOrphaned(Pod pod) => pod.Spec.NodeName.Length > 0 && _nodes.Get("", pod.Spec.NodeName) is null;

    private void Look(Pod pod)
    {
        if (PodGcDecision.IsUnscheduledTerminating(pod))
            Queue.Add(NamespacedName.Of(pod.Metadata));
        else if (IsOrphaned(pod))
            Queue.AddAfter(NamespacedName.Of(pod.Metadata), Quarantine);
    }

    private void Count(Pod? before, Pod? now)
    {
        _ended += (now?.IsTerminal() == true ? 1 : 0) - (before?.IsTerminal() == true ? 1 : 0);
        if (_ended > _terminatedMax)
            Queue.Add(Ended);
    }

    private async Task DeleteAsync(Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            await Client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, new() { GracePeriodSeconds = 0, Preconditions = new() { Uid = pod.Metadata.Uid } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }
}
