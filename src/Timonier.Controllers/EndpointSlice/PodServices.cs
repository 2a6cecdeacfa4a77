using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;
using Timonier.Client;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>Tells which Services are touched by changes of pods.</summary>
internal sealed class PodServices
{
    private readonly Informer<Service> _services;
    private readonly Action<NamespacedName> _touched;

    public PodServices(Informer<Service> services, Informer<Pod> pods, Action<NamespacedName> touched)
    {
        (_services, _touched) = (services, touched);
        pods.AddHandler(new() { Added = Touch, Deleted = Touch, Updated = Touch });
    }

    public void Touch(Pod pod)
    {
        foreach (var service in _services.List(pod.Metadata.Namespace))
        {
            if (service.Spec.Selector.Count > 0 && LabelMatcher.FromMap(service.Spec.Selector).Matches(pod.Metadata.Labels))
                _touched(NamespacedName.Of(service.Metadata));
        }
    }

    private void Touch(Pod before, Pod now)
    {
        var sameLabels = Same(before.Metadata.Labels, now.Metadata.Labels);
        if (sameLabels && View(before) == View(now))
            return;
        Touch(now);
        if (!sameLabels)
            Touch(before);
    }

    /// <summary>All of a pod that an endpoint shows: a change of anything else is nobody's business here.</summary>
    private static (string Addresses, bool Ready, bool Terminating, bool Ended, string Node, string Hostname, string Subdomain) View(Pod pod) =>
        (string.Join(',', PodEndpoints.Addresses(pod)), PodEndpoints.IsReady(pod), pod.Metadata.DeletionTimestamp is not null, pod.Status.Phase is "Failed" or "Succeeded", pod.Spec.NodeName, pod.Spec.Hostname, pod.Spec.Subdomain);

    private static bool Same(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) =>
        a.Count == b.Count && a.All(item => b.TryGetValue(item.Key, out var value) && value == item.Value);
}
