using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Policy.V1;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.Discovery;

namespace Timonier.Controllers.Disruption;

/// <summary>Keeps the status of disruption budgets, by which evictions are allowed or refused.</summary>
internal sealed class DisruptionController : Controller<NamespacedName>
{
    private readonly Informer<PodDisruptionBudget> _budgets;
    private readonly Informer<Pod> _pods;
    private readonly PodScale _scale;
    private readonly EventRecorder _events;

    public DisruptionController(ControllerContext context) : base("disruption-controller", context, workers: 1)
    {
        (_budgets, _pods) = (Follow<PodDisruptionBudget>(), Follow<Pod>());
        _scale = new(Client, Follow<ReplicationController>(), Follow<ReplicaSet>(), Follow<Deployment>(), Follow<StatefulSet>(), new(Client, Time));
        _events = context.Events.Recorder("controllermanager");
        _budgets.AddHandler(new() { Added = budget => Queue.Add(NamespacedName.Of(budget.Metadata)), Updated = (_, budget) => Queue.Add(NamespacedName.Of(budget.Metadata)) });
        _pods.AddHandler(new() { Added = Look, Deleted = Look, Updated = (before, pod) => { Look(before); Look(pod); } });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_budgets.Get(key) is not { Metadata.DeletionTimestamp: null } budget)
            return;
        PodDisruptionBudgetStatus status;
        try
        {
            status = await DecideAsync(budget, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            _events.Event(budget, EventRecorder.Warning, "CalculateExpectedPodCountFailed", $"Failed to calculate the number of expected pods: {e.Message}");
            status = DisruptionDecision.Failed(budget, e.Message, Now);
        }
        if (!Trees.Same(status, budget.Status))
            await Client.UpdateStatusAsync(budget with { Status = status }, cancellationToken);
    }

    private async Task<PodDisruptionBudgetStatus> DecideAsync(PodDisruptionBudget budget, CancellationToken cancellationToken)
    {
        var selector = LabelMatcher.FromSelector(budget.Spec.Selector);
        var pods = _pods.List(budget.Metadata.Namespace).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        if (pods.Count == 0)
            _events.Event(budget, EventRecorder.Normal, "NoPods", "No matching pods found");
        List<string> unmanaged = [];
        var wanted = await DisruptionDecision.ExpectAsync(budget.Spec, pods.Count, () => _scale.SumAsync(pods, unmanaged, cancellationToken));
        if (unmanaged.Count > 0)
            _events.Event(budget, EventRecorder.Warning, "UnmanagedPods", $"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, "
                + "which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.");
        List<Pod> late = [];
        var disrupted = DisruptionDecision.Disrupted(budget.Status, pods, Now, late);
        foreach (var pod in late)
            _events.Event(pod, EventRecorder.Warning, "NotDeleted", $"Pod was expected by PDB {budget.Metadata.Namespace}/{budget.Metadata.Name} to be deleted but it wasn't");
        if (disrupted.Count > 0)
            Queue.AddAfter(NamespacedName.Of(budget.Metadata), disrupted.Values.Min() + DisruptionDecision.DeletionTimeout - Now + TimeSpan.FromMilliseconds(1));
        return DisruptionDecision.Status(budget, pods, wanted, disrupted, Now);
    }

    private void Look(Pod pod)
    {
        foreach (var budget in _budgets.List(pod.Metadata.Namespace))
        {
            if (LabelMatcher.FromSelector(budget.Spec.Selector).Matches(pod.Metadata.Labels))
                Queue.Add(NamespacedName.Of(budget.Metadata));
        }
    }
}
