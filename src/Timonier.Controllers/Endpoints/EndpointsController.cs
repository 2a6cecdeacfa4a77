using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.EndpointSlice;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.Endpoints;

/// <summary>Keeps the Endpoints of Services that select pods: the older form, which clients still read.</summary>
internal sealed class EndpointsController : Controller<NamespacedName>
{
    private readonly Informer<Service> _services;
    private readonly Informer<Pod> _pods;
    private readonly Informer<V1.Endpoints> _endpoints;

    public EndpointsController(ControllerContext context) : base("endpoint-controller", context, workers: 5)
    {
        (_services, _pods, _endpoints) = (Follow<Service>(), Follow<Pod>(), Follow<V1.Endpoints>());
        _services.OnChange(service => Queue.Add(NamespacedName.Of(service.Metadata)));
        _ = new PodServices(_services, _pods, Queue.Add);
        // Ours may be left of a Service that went while nobody looked.
        _endpoints.AddHandler(new() { Added = EnqueueOurs, Updated = (_, now) => EnqueueOurs(now), Deleted = value => Queue.Add(NamespacedName.Of(value.Metadata)) });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        var known = _endpoints.Get(key);
        if (_services.Get(key) is not { } service)
        {
            if (known is not null)
                await DeleteAsync(known, cancellationToken);
            return;
        }
        if (service.Spec.Selector.Count == 0 || service.Metadata.DeletionTimestamp is not null)
            return;
        var selector = LabelMatcher.FromMap(service.Spec.Selector);
        if (EndpointsDecision.Decide(service, _pods.List(key.Namespace).Where(pod => selector.Matches(pod.Metadata.Labels)), known) is not { } wanted)
            return;
        try
        {
            _ = known is null ? await Client.CreateAsync(wanted, cancellationToken) : await Client.UpdateAsync(wanted, cancellationToken);
        }
        catch (ApiException e) when (e.IsNamespaceTerminating)
        {
            // Nobody needs them any more.
        }
    }

    private void EnqueueOurs(V1.Endpoints value)
    {
        if (value.Metadata.Labels.GetValueOrDefault(EndpointsDecision.ManagedByLabel) == EndpointsDecision.ManagedBy)
            Queue.Add(NamespacedName.Of(value.Metadata));
    }

    private async Task DeleteAsync(V1.Endpoints known, CancellationToken cancellationToken)
    {
        try
        {
            await Client.DeleteAsync<V1.Endpoints>(known.Metadata.Namespace, known.Metadata.Name, new() { Preconditions = new() { Uid = known.Metadata.Uid } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }
}
