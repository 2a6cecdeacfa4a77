using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Disruption;

/// <summary>Takes back the condition DisruptionTarget from pods that were to be disrupted and, two minutes later, are not.</summary>
internal sealed class StaleDisruptionController : Controller<NamespacedName>
{
    private const string Target = "DisruptionTarget";

    private readonly Informer<Pod> _pods;

    public StaleDisruptionController(ControllerContext context) : base("stale-pod-disruption-controller", context, workers: 1)
    {
        _pods = Follow<Pod>();
        _pods.AddHandler(new() { Added = Look, Updated = (_, pod) => Look(pod) });
    }

    /// <summary>When the condition is stale; null: there is nothing to wait for.</summary>
    internal static DateTimeOffset? StaleAt(Pod pod) =>
        !pod.IsTerminating() && !pod.IsTerminal() && pod.Condition(Target) is { Status: "True", LastTransitionTime: { } since } ? since + DisruptionDecision.DeletionTimeout : null;

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_pods.Get(key) is not { } pod || StaleAt(pod) is not { } due)
            return;
        if (due > Now)
            Queue.AddAfter(key, due - Now);
        else
            await Client.UpdateStatusAsync(pod with { Status = pod.Status with { Conditions = Conditions.Set(pod.Status.Conditions, new PodCondition { Type = Target, Status = "False" }, Now) } }, cancellationToken);
    }

    private void Look(Pod pod)
    {
        if (StaleAt(pod) is { } due)
            Queue.AddAfter(NamespacedName.Of(pod.Metadata), due - Now);
    }
}
