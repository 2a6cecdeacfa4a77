using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>A node writes about itself and its own pods only. What it may read is the node authorizer's.</summary>
internal sealed class NodeRestriction(IObjectReader reader) : IMutatingAdmission
{
    private const string UserPrefix = "system:node:";

    // Labels below kubernetes.io that a node may set on itself.
    private static readonly HashSet<string> OwnLabels = new(StringComparer.Ordinal)
    {
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region", "kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "kubernetes.io/os", "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "node.kubernetes.io/windows-build",
    };

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var user = attributes.Scope.User;
        if (!user.Name.StartsWith(UserPrefix, StringComparison.Ordinal) || !user.Groups.Contains("system:nodes"))
            return ValueTask.CompletedTask;
        var node = user.Name[UserPrefix.Length..];
        if (node.Length == 0)
            throw attributes.Forbidden($"could not determine node from user \"{user.Name}\"");
        switch (attributes.Scope.Resource.GroupResource)
        {
            case "pods": Pods(attributes, node); break;
            case "nodes": Nodes(attributes, node); break;
            case "persistentvolumeclaims":
                if (attributes.Scope.Subresource != "status")
                    throw attributes.Forbidden("may only update PVC status");
                break;
            case "serviceaccounts" when attributes.IsFor("serviceaccounts", "token") && attributes.IsCreate():
                Token(attributes, node);
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
        }
        return ValueTask.CompletedTask;
    }

    private void Pods(AdmissionAttributes attributes, string node)
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
                if (attributes.OldObject?.GetPath("spec", "nodeName") as string != node)
                    throw attributes.Forbidden($"node \"{node}\" can only update pod status for pods with spec.nodeName set to itself");
                if (!JsonTree.DeepEquals(attributes.OldObject!.GetPath("metadata", "labels"), attributes.Object?.GetPath("metadata", "labels")))
                    throw attributes.Forbidden($"node \"{node}\" cannot update labels through pod status");
                break;
            case "eviction":
                if (reader.Get<Pod>(scope.Namespace, scope.Name) is { } evicted && evicted.Spec.NodeName != node)
                    throw attributes.Forbidden($"node {node} can only evict pods with spec.nodeName set to itself");
                break;
            default:
                throw attributes.Forbidden($"unexpected pod subresource \"{scope.Subresource}\", only 'status' and 'eviction' are allowed");
        }
    }

    private void MirrorPod(AdmissionAttributes attributes, string node)
    {
        var pod = attributes.Object!;
        if (!pod.IsMirrorPod())
            throw attributes.Forbidden($"pod does not have \"kubernetes.io/config.mirror\" annotation, node \"{node}\" can only create mirror pods");
        var spec = pod.Spec();
        if (spec.Text("nodeName") != node)
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
        var uid = reader.Get<Node>("", node)?.Metadata.Uid ?? throw Api.Errors.ApiException.NotFound("", "nodes", node);
        if (owners[0].Text("uid") != uid)
            throw attributes.Forbidden($"node {node} UID mismatch: expected {owners[0].Text("uid")} got {uid}");
        if (spec.Text("serviceAccountName").Length > 0)
            throw attributes.Forbidden($"node \"{node}\" can not create pods that reference a service account");
        var text = Encoding(pod);
        foreach (var (needle, what) in ((string, string)[])[("\"secretName\"", "secrets"), ("\"secretKeyRef\"", "secrets"), ("\"secretRef\"", "secrets"), ("\"imagePullSecrets\"", "secrets"), ("\"configMap\"", "configmaps"), ("\"configMapKeyRef\"", "configmaps"), ("\"configMapRef\"", "configmaps"), ("\"persistentVolumeClaim\"", "persistentvolumeclaims")])
        {
            if (text.Contains(needle, StringComparison.Ordinal))
                throw attributes.Forbidden($"node \"{node}\" can not create pods that reference {what}");
        }
    }

    // Every reference stands under one of a few field names, wherever in the spec.
    private static string Encoding(JsonMap pod) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(pod.Spec()));

    private static void Nodes(AdmissionAttributes attributes, string node)
    {
        if (attributes.NameOrGenerateName() != node)
            throw attributes.Forbidden($"node \"{node}\" is not allowed to modify node \"{attributes.NameOrGenerateName()}\"");
        if (attributes.Object is not { } obj)
            return;
        var labels = obj.GetPath("metadata", "labels") as JsonMap ?? [];
        var old = attributes.OldObject?.GetPath("metadata", "labels") as JsonMap ?? [];
        var refused = labels.Keys.Concat(old.Keys).Distinct().Where(k => !Equals(labels[k], old[k]) && !MayLabel(k)).Order(StringComparer.Ordinal).ToList();
        if (refused.Count > 0)
            throw attributes.Forbidden(attributes.IsCreate()
                ? $"node \"{node}\" is not allowed to set the following labels: {string.Join(", ", refused)}"
                : $"is not allowed to modify labels: {string.Join(", ", refused)}");
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

    private void Token(AdmissionAttributes attributes, string node)
    {
        var bound = attributes.Object?.GetPath("spec", "boundObjectRef") as JsonMap ?? [];
        if (bound.Text("apiVersion") != "v1" || bound.Text("kind") != "Pod" || bound.Text("name").Length == 0)
            throw attributes.Forbidden("node requested token not bound to a pod");
        if (bound.Text("uid").Length == 0)
            throw attributes.Forbidden("node requested token with a pod binding without a uid");
        var pod = reader.Get<Pod>(attributes.Scope.Namespace, bound.Text("name")) ?? throw Api.Errors.ApiException.NotFound("", "pods", bound.Text("name"));
        if (pod.Metadata.Uid != bound.Text("uid"))
            throw attributes.Forbidden($"the UID in the bound object reference ({bound.Text("uid")}) does not match the UID in record. The object might have been deleted and then recreated");
        if (pod.Spec.NodeName != node)
            throw attributes.Forbidden("node requested token bound to a pod scheduled on a different node");
    }
}
