using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.Discovery;
using OwnerReference = Timonier.Api.Meta.V1.OwnerReference;

namespace Timonier.Controllers.Disruption;

/// <summary>How many replicas the controllers of some pods want: of the kinds that we know from their objects, of others from their scale subresource.</summary>
internal sealed class PodScale(ApiClient client, Informer<ReplicationController> replicationControllers, Informer<ReplicaSet> replicaSets, Informer<Deployment> deployments, Informer<StatefulSet> statefulSets, KindMapper kinds)
{
    /// <param name="unmanaged">Pods that have no controller.</param>
    /// <exception cref="InvalidOperationException">A controller does not exist or cannot be scaled.</exception>
    public async Task<int> SumAsync(IEnumerable<Pod> pods, List<string> unmanaged, CancellationToken cancellationToken)
    {
        var scales = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (Ownership.ControllerOf(pod.Metadata) is not { } controller)
                unmanaged.Add(pod.Metadata.Name);
            else
            {
                var (uid, replicas) = await OfAsync(pod.Metadata.Namespace, controller, cancellationToken)
                    ?? throw new InvalidOperationException($"found no controllers for pod \"{pod.Metadata.Name}\"");
                scales[uid] = replicas;
            }
        }
        return scales.Values.Sum();
    }

    private async Task<(string Uid, int Replicas)?> OfAsync(string @namespace, OwnerReference owner, CancellationToken cancellationToken)
    {
        switch (owner.Kind)
        {
            case "ReplicaSet" when replicaSets.Get(@namespace, owner.Name) is { } set && set.Metadata.Uid == owner.Uid:
                return Ownership.ControllerOf(set.Metadata) is { Kind: "Deployment" } parent && deployments.Get(@namespace, parent.Name) is { } deployment && deployment.Metadata.Uid == parent.Uid
                    ? (parent.Uid, deployment.Spec.Replicas ?? 1)
                    : (owner.Uid, set.Spec.Replicas ?? 1);
            case "StatefulSet" when statefulSets.Get(@namespace, owner.Name) is { } set && set.Metadata.Uid == owner.Uid:
                return (owner.Uid, set.Spec.Replicas ?? 1);
            case "ReplicationController" when replicationControllers.Get(@namespace, owner.Name) is { } controller && controller.Metadata.Uid == owner.Uid:
                return (owner.Uid, controller.Spec.Replicas ?? 1);
            default:
                return await ScaleOfAsync(@namespace, owner, cancellationToken);
        }
    }

    private async Task<(string Uid, int Replicas)?> ScaleOfAsync(string @namespace, OwnerReference owner, CancellationToken cancellationToken)
    {
        if (await kinds.FindAsync(owner.ApiVersion, owner.Kind, cancellationToken) is not { } resource)
            return null;
        try
        {
            var scale = await client.GetScaleAsync(resource.Resource, @namespace, owner.Name, cancellationToken);
            return scale.Metadata.Uid == owner.Uid ? (owner.Uid, scale.Spec.Replicas) : null;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Either there is no such object, or its kind has no scale.
            throw new InvalidOperationException($"{resource.Resource.GroupResource} does not implement the scale subresource", e);
        }
    }
}
