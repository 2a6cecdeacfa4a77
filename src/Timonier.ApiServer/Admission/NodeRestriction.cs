using Timonier.Api.Json;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>A node writes about itself and its own pods only. What it may read is the node authorizer's.</summary>
internal sealed class NodeRestriction(IObjectReader reader, IAuthorizer authorizer) : IMutatingAdmission
{
    private const string UserPrefix = "system:node:";

    private readonly NodePodRestriction _pods = new(reader, authorizer);

    // Labels below kubernetes.io that a node may set on itself.
    private static readonly HashSet<string> OwnLabels = new(StringComparer.Ordinal)
    {
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region", "kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "kubernetes.io/os", "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "node.kubernetes.io/windows-build",
    };

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var user = attributes.Scope.User;
        if (!user.Name.StartsWith(UserPrefix, StringComparison.Ordinal) || !user.Groups.Contains("system:nodes"))
            return;
        var node = user.Name[UserPrefix.Length..];
        if (node.Length == 0)
            throw attributes.Forbidden($"could not determine node from user \"{user.Name}\"");
        switch (attributes.Scope.Resource.GroupResource)
        {
            case "pods": _pods.Check(attributes, node); break;
            case "nodes": Nodes(attributes, node); break;
            case "persistentvolumeclaims":
                ClaimStatus(attributes, node);
                break;
            case "serviceaccounts" when attributes.IsFor("serviceaccounts", "token") && attributes.IsCreate():
                await _pods.CheckTokenAsync(attributes, node, cancel);
                break;
            case "leases.coordination.k8s.io":
                if (attributes.Scope.Namespace != "kube-node-lease")
                    throw attributes.Forbidden("can only access leases in the \"kube-node-lease\" system namespace");
                if (attributes.NameOrGenerateName() != node)
                    throw attributes.Forbidden("can only access node lease with the same name as the requesting node");
                break;
            case "csinodes.storage.k8s.io":
                if (attributes.NameOrGenerateName() != node)
                    throw attributes.Forbidden("can only access CSINode with the same name as the requesting node");
                break;
            case "resourceslices.resource.k8s.io":
                Slice(attributes, node);
                break;
            case "certificatesigningrequests.certificates.k8s.io" when attributes.IsCreate():
                Certificate(attributes, node);
                break;
        }
    }

    private static void Nodes(AdmissionAttributes attributes, string node)
    {
        if (attributes.NameOrGenerateName() != node)
            throw attributes.Forbidden($"node \"{node}\" is not allowed to modify node \"{attributes.NameOrGenerateName()}\"");
        if (attributes.Object is not { } obj)
            return;
        if (obj.GetPath("spec", "configSource") is { } source && !JsonTree.DeepEquals(source, attributes.OldObject?.GetPath("spec", "configSource")))
            throw attributes.Forbidden(attributes.IsCreate() ? $"node \"{node}\" is not allowed to create pods with a non-nil configSource" : $"node \"{node}\" is not allowed to update configSource to a new non-nil configSource");
        var labels = obj.GetPath("metadata", "labels") as JsonMap ?? [];
        var old = attributes.OldObject?.GetPath("metadata", "labels") as JsonMap ?? [];
        var refused = labels.Keys.Concat(old.Keys).Distinct().Where(k => !Equals(labels[k], old[k]) && !MayLabel(k)).Order(StringComparer.Ordinal).ToList();
        if (refused.Count > 0)
            throw attributes.Forbidden(attributes.IsCreate()
                ? $"node \"{node}\" is not allowed to set the following labels: {string.Join(", ", refused)}"
                : $"is not allowed to modify labels: {string.Join(", ", refused)}");
        if (attributes.IsUpdate() && !JsonTree.DeepEquals(obj.GetPath("metadata", "ownerReferences"), attributes.OldObject?.GetPath("metadata", "ownerReferences")))
            throw attributes.Forbidden($"node \"{node}\" is not allowed to modify ownerReferences");
        if (attributes.IsUpdate() && !JsonTree.DeepEquals(obj.GetPath("spec", "taints"), attributes.OldObject?.GetPath("spec", "taints")))
            throw attributes.Forbidden($"node \"{node}\" is not allowed to modify taints");
    }

    private static bool MayLabel(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var domain = slash < 0 ? "" : key[..slash];
        if (Below(domain, "node-restriction.kubernetes.io"))
            return false;
        if (!Below(domain, "kubernetes.io") && !Below(domain, "k8s.io"))
            return true;
        return OwnLabels.Contains(key) || Below(domain, "kubelet.kubernetes.io") || Below(domain, "node.kubernetes.io");
    }

    private static bool Below(string domain, string parent) => domain == parent || domain.EndsWith("." + parent, StringComparison.Ordinal);

    /// <summary>A node tells how far the resizing of a claim has come, and nothing else.</summary>
    private static void ClaimStatus(AdmissionAttributes attributes, string node)
    {
        if (attributes.Scope.Subresource != "status")
            throw attributes.Forbidden("may only update PVC status");
        if (!attributes.IsUpdate())
            throw attributes.Forbidden($"unexpected operation \"{attributes.Operation}\"");
        if (!JsonTree.DeepEquals(WithoutResize(attributes.OldObject!), WithoutResize(attributes.Object!)))
            throw attributes.Forbidden($"node \"{node}\" is not allowed to update fields other than status.capacity and status.conditions");
    }

    private static JsonMap WithoutResize(JsonMap claim)
    {
        var rest = claim.DeepClone();
        foreach (var key in (string[])["resourceVersion", "managedFields"])
            rest.EnsureMap("metadata").Remove(key);
        foreach (var key in (string[])["capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"])
            rest.EnsureMap("status").Remove(key);
        return rest;
    }

    /// <summary>What a create makes, and what each single one of many deletes takes, the authorizer can't know.</summary>
    private static void Slice(AdmissionAttributes attributes, string node)
    {
        var slice = attributes.IsCreate() ? attributes.Object : attributes.Operation == "DELETE" ? attributes.OldObject : null;
        if (slice is not null && slice.Spec().Text("nodeName") != node)
            throw attributes.Forbidden($"can only {(attributes.IsCreate() ? "create" : "delete")} ResourceSlice with the same NodeName as the requesting node");
    }

    private static void Certificate(AdmissionAttributes attributes, string node)
    {
        var spec = attributes.Object!.Spec();
        if (spec.Text("signerName") is not (CertificateSigning.KubeletServing or CertificateSigning.KubeletClient))
            return;
        var request = new byte[spec.Text("request").Length];
        if (!Convert.TryFromBase64String(spec.Text("request"), request, out var length) || SigningRequest.Parse(request[..length]) is not { } parsed)
            throw attributes.Forbidden("unable to parse csr");
        if (parsed.CommonName != UserPrefix + node)
            throw attributes.Forbidden($"can only create a node CSR with CN={UserPrefix}{node}");
    }
}
