using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>What a node may do with pods, and for which pods it gets tokens. Source: plugin/pkg/admission/noderestriction.</summary>
internal sealed class NodePodRestriction(IObjectReader reader, IAuthorizer authorizer)
{
    public void Check(AdmissionAttributes attributes, string node)
    {
        var scope = attributes.Scope;
        switch (scope.Subresource)
        {
            case "" when attributes.IsCreate():
                MirrorPod(attributes, node);
                break;
            case "" when attributes.Operation == "DELETE":
                if (reader.Get<Pod>(scope.Namespace, scope.Name) is { } pod && pod.Spec.NodeName != node)
                    throw attributes.Forbidden($"node \"{node}\" can only delete pods with spec.nodeName set to itself");
                break;
            case "":
                throw attributes.Forbidden($"unexpected operation \"{attributes.Operation}\", node \"{node}\" can only create and delete mirror pods");
            case "status":
                Status(attributes, node);
                break;
            case "eviction":
                if (reader.Get<Pod>(scope.Namespace, scope.Name) is { } evicted && evicted.Spec.NodeName != node)
                    throw attributes.Forbidden($"node {node} can only evict pods with spec.nodeName set to itself");
                break;
            default:
                throw attributes.Forbidden($"unexpected pod subresource \"{scope.Subresource}\", only 'status' and 'eviction' are allowed");
        }
    }

    private static void Status(AdmissionAttributes attributes, string node)
    {
        bool Same(params string[] path) => JsonTree.DeepEquals(attributes.OldObject?.GetPath(path), attributes.Object?.GetPath(path));
        if (attributes.OldObject?.GetPath("spec", "nodeName") as string != node)
            throw attributes.Forbidden($"node \"{node}\" can only update pod status for pods with spec.nodeName set to itself");
        if (!Same("metadata", "labels"))
            throw attributes.Forbidden($"node \"{node}\" cannot update labels through pod status");
        // Upstream's word, spelling included.
        if (!Same("status", "resourceClaimStatuses"))
            throw attributes.Forbidden($"node \"{node}\" cannot update resource claim statues");
        if (!Same("status", "extendedResourceClaimStatus"))
            throw attributes.Forbidden($"node \"{node}\" cannot update extended resource claim status");
    }

    private void MirrorPod(AdmissionAttributes attributes, string node)
    {
        var pod = attributes.Object!;
        if (!pod.IsMirrorPod())
            throw attributes.Forbidden($"pod does not have \"kubernetes.io/config.mirror\" annotation, node \"{node}\" can only create mirror pods");
        if (pod.Spec().Text("nodeName") != node)
            throw attributes.Forbidden($"node \"{node}\" can only create pods with spec.nodeName set to itself");
        var owners = pod.GetMap("metadata").Maps("ownerReferences").ToList();
        if (owners.Count > 1)
            throw attributes.Forbidden($"node \"{node}\" can only create pods with a single owner reference set to itself");
        if (owners.Count == 0 || owners[0].Text("apiVersion") != "v1" || owners[0].Text("kind") != "Node" || owners[0].Text("name") != node)
            throw attributes.Forbidden($"node \"{node}\" can only create pods with an owner reference set to itself");
        if (owners[0].GetBool("controller") != true)
            throw attributes.Forbidden($"node \"{node}\" can only create pods with a controller owner reference set to itself");
        if (owners[0].GetBool("blockOwnerDeletion") == true)
            throw attributes.Forbidden($"node \"{node}\" must not set blockOwnerDeletion on an owner reference");
        var uid = reader.Get<Node>("", node)?.Metadata.Uid ?? throw ApiException.NotFound("", "nodes", node);
        if (owners[0].Text("uid") != uid)
            throw attributes.Forbidden($"node {node} UID mismatch: expected {owners[0].Text("uid")} got {uid}");
        if (Reference(JsonWrite.FromBytes<Pod>(JsonEncoder.Encode(pod))) is { } what)
            throw attributes.Forbidden($"node \"{node}\" can not create pods that reference {what}");
    }

    /// <summary>What a mirror pod names that would give its node rights; null: nothing.</summary>
    private static string? Reference(Pod pod)
    {
        var named = NodeReferences.Named(pod).Where(r => r.Item2 is { Length: > 0 }).Select(r => r.Item1).ToHashSet();
        var sources = pod.Spec.Volumes.SelectMany(v => v.Projected?.Sources ?? []).ToList();
        return named.Contains(ReferenceKind.ServiceAccount) ? "a service account"
            : named.Contains(ReferenceKind.Secret) ? "secrets"
            : named.Contains(ReferenceKind.ConfigMap) ? "configmaps"
            : sources.Exists(s => s.ClusterTrustBundle is not null) ? "clustertrustbundles"
            : named.Contains(ReferenceKind.Claim) ? "persistentvolumeclaims"
            : pod.Spec.ResourceClaims.Count > 0 || named.Contains(ReferenceKind.ResourceClaim) ? "resourceclaims" : null;
    }

    public async ValueTask CheckTokenAsync(AdmissionAttributes attributes, string node, CancellationToken cancel)
    {
        var bound = attributes.Object?.GetPath("spec", "boundObjectRef") as JsonMap ?? [];
        if (bound.Text("apiVersion") != "v1" || bound.Text("kind") != "Pod" || bound.Text("name").Length == 0)
            throw attributes.Forbidden("node requested token not bound to a pod");
        if (bound.Text("uid").Length == 0)
            throw attributes.Forbidden("node requested token with a pod binding without a uid");
        var pod = reader.Get<Pod>(attributes.Scope.Namespace, bound.Text("name")) ?? throw ApiException.NotFound("", "pods", bound.Text("name"));
        if (pod.Metadata.Uid != bound.Text("uid"))
            throw attributes.Forbidden($"the UID in the bound object reference ({bound.Text("uid")}) does not match the UID in record. The object might have been deleted and then recreated");
        if (pod.Spec.NodeName != node)
            throw attributes.Forbidden("node requested token bound to a pod scheduled on a different node");
        await CheckAudienceAsync(attributes, pod, cancel);
    }

    /// <summary>A node asks for audiences that the pod itself asks for, or that somebody allowed it. Source: KEP-4412, ServiceAccountNodeAudienceRestriction.</summary>
    private async ValueTask CheckAudienceAsync(AdmissionAttributes attributes, Pod pod, CancellationToken cancel)
    {
        var audiences = (attributes.Object!.Spec().GetList("audiences") ?? []).OfType<string>().ToList();
        if (audiences.Count > 1)
            throw attributes.Forbidden("node may only request 0 or 1 audiences");
        var audience = audiences.FirstOrDefault("");
        if (pod.Spec.Volumes.Any(v => AudiencesOf(pod, v).Contains(audience)))
            return;
        var (user, scope) = (attributes.Scope.User, attributes.Scope);
        var asked = new AuthorizationAttributes { User = user, Verb = "request-serviceaccounts-token-audience", IsResource = true, Version = "v1", Resource = audience, Namespace = scope.Namespace, Name = scope.Name };
        if ((await authorizer.AuthorizeAsync(asked, cancel)).Decision != Decision.Allow)
            throw attributes.Forbidden($"audience \"{audience}\" not found in pod spec volume, {user.Name} is not authorized to request tokens for this audience");
    }

    private IEnumerable<string> AudiencesOf(Pod pod, Volume volume)
    {
        var projected = (volume.Projected?.Sources ?? []).Where(s => s.ServiceAccountToken is not null).Select(s => s.ServiceAccountToken!.Audience);
        var claim = volume.Ephemeral is not null ? $"{pod.Metadata.Name}-{volume.Name}" : volume.PersistentVolumeClaim?.ClaimName;
        var bound = claim is null ? null : reader.Get<PersistentVolumeClaim>(pod.Metadata.Namespace, claim)?.Spec.VolumeName;
        var driver = volume.Csi?.Driver ?? (bound is { Length: > 0 } ? reader.Get<PersistentVolume>("", bound)?.Spec.Csi?.Driver : null);
        var requested = driver is { Length: > 0 } ? reader.Get<CSIDriver>("", driver)?.Spec.TokenRequests.Select(r => r.Audience) : null;
        return projected.Concat(requested ?? []);
    }
}
