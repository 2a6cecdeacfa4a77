using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>Keeps the EndpointSlices of Services that select pods.</summary>
internal sealed class EndpointSliceController : Controller<NamespacedName>
{
    internal const string ManagedBy = "endpointslice-controller.k8s.io";
    private const string NodeIndex = "spec.nodeName";

    private readonly Informer<Service> _services;
    private readonly Informer<Pod> _pods;
    private readonly Informer<Node> _nodes;
    private readonly SliceWriter _writer;

    public EndpointSliceController(ControllerContext context) : base("endpointslice-controller", context, workers: 5)
    {
        (_services, _pods, _nodes) = (Follow<Service>(), Follow<Pod>(), Follow<Node>());
        _writer = new(Client, Follow<Slice>(), Time, ManagedBy, Queue.Add);
        _services.OnChange(service => Queue.Add(NamespacedName.Of(service.Metadata)));
        var services = new PodServices(_services, _pods, Queue.Add);
        _pods.AddIndex(NodeIndex, pod => [pod.Spec.NodeName]);
        // A pod may be seen before its node.
        _nodes.AddHandler(new() { Added = node => _pods.ByIndex(NodeIndex, node.Metadata.Name).ToList().ForEach(services.Touch) });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_services.Get(key) is not { Metadata.DeletionTimestamp: null } service)
        {
            // The garbage collector deletes the slices of a Service that is gone.
            _writer.Forget(key);
            return;
        }
        if (service.Spec.Selector.Count == 0 || service.Spec.Type == "ExternalName" || !_writer.IsCurrent(key))
            return;
        var selector = LabelMatcher.FromMap(service.Spec.Selector);
        var pods = _pods.List(key.Namespace).Where(pod => selector.Matches(pod.Metadata.Labels));
        var groups = PodEndpoints.Groups(service, pods, name => _nodes.Get("", name));
        await _writer.ApplyAsync(key, SliceReconciler.Decide(Owner(service), _writer.Of(key), groups), cancellationToken);
    }

    internal static SliceOwner Owner(Service service)
    {
        var labels = SliceLabels.Of(service.Metadata.Labels, service.Metadata.Name, ManagedBy);
        if (PodEndpoints.IsHeadless(service))
            labels[SliceLabels.Headless] = "";
        return new(service.Metadata.Namespace, service.Metadata.Name, Ownership.ReferenceTo(service), labels, Frozen<string>.EmptyMap);
    }
}
