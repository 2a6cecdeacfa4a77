using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Admission;

public sealed class NodeRestrictionTests
{
    private sealed class AllowAudience : IAuthorizer
    {
        public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) =>
            new(new Verdict(attributes is { Verb: "request-serviceaccounts-token-audience", Resource: "allowed", Name: "web", Namespace: "ns" } ? Decision.Allow : Decision.NoOpinion));
    }

    private readonly NodeRestriction _restriction = new(new TestReader(
        Given.Object<Node>("""{"metadata":{"name":"n1","uid":"node-uid"}}"""),
        Given.Object<Pod>("""
            {"metadata":{"name":"mine","namespace":"ns","uid":"u1"},"spec":{"nodeName":"n1","volumes":[{"name":"t","projected":{"sources":[{"serviceAccountToken":{"audience":"vault","path":"p"}},{"serviceAccountToken":{"path":"q"}}]}},
              {"name":"c","csi":{"driver":"inline.example.com"}},{"name":"d","persistentVolumeClaim":{"claimName":"data"}}]}}
            """),
        Given.Object<Pod>("""{"metadata":{"name":"theirs","namespace":"ns","uid":"u2"},"spec":{"nodeName":"n2"}}"""),
        Given.Object<CSIDriver>("""{"metadata":{"name":"inline.example.com"},"spec":{"tokenRequests":[{"audience":"inline"}]}}"""),
        Given.Object<CSIDriver>("""{"metadata":{"name":"disk.example.com"},"spec":{"tokenRequests":[{"audience":"disk"}]}}"""),
        Given.Object<PersistentVolumeClaim>("""{"metadata":{"name":"data","namespace":"ns"},"spec":{"volumeName":"pv"}}"""),
        Given.Object<PersistentVolume>("""{"metadata":{"name":"pv"},"spec":{"csi":{"driver":"disk.example.com","volumeHandle":"h"}}}""")), new AllowAudience());

    private async Task<string> AdmitAsync(string operation, string resource, string subresource, string name, string? obj, string? old = null)
    {
        var scope = Given.Scope(resource, operation == "CREATE" ? "create" : operation == "DELETE" ? "delete" : "update", subresource, name) with { User = new UserInfo("system:node:n1", ["system:nodes"]) };
        var attributes = new AdmissionAttributes { Scope = scope, Operation = operation, Object = obj is null ? null : Given.Json(obj), OldObject = old is null ? null : Given.Json(old) };
        try
        {
            await _restriction.AdmitAsync(attributes, default);
            return "";
        }
        catch (ApiException e)
        {
            return e.Message.Contains(" is forbidden: ", StringComparison.Ordinal) ? e.Message[(e.Message.IndexOf(" is forbidden: ", StringComparison.Ordinal) + 15)..] : e.Message;
        }
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(""" "serviceAccountName":"x", """, "node \"n1\" can not create pods that reference a service account")]
    [InlineData(""" "volumes":[{"name":"v","csi":{"driver":"d","nodePublishSecretRef":{"name":"s"}}}], """, "node \"n1\" can not create pods that reference secrets")]
    [InlineData(""" "imagePullSecrets":[{"name":"s"}], """, "node \"n1\" can not create pods that reference secrets")]
    [InlineData(""" "volumes":[{"name":"v","configMap":{"name":"s"}}], """, "node \"n1\" can not create pods that reference configmaps")]
    [InlineData(""" "volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"s"}}], """, "node \"n1\" can not create pods that reference persistentvolumeclaims")]
    [InlineData(""" "volumes":[{"name":"v","projected":{"sources":[{"clusterTrustBundle":{"name":"b","path":"p"}}]}}], """, "node \"n1\" can not create pods that reference clustertrustbundles")]
    [InlineData(""" "resourceClaims":[{"name":"c","resourceClaimName":"r"}], """, "node \"n1\" can not create pods that reference resourceclaims")]
    public async Task MirrorPod_NamesNothing(string spec, string refusal)
    {
        const string Pod = """{"metadata":{"name":"m","annotations":{"kubernetes.io/config.mirror":"h"},"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","uid":"node-uid","controller":true}]},"spec":{SPEC"nodeName":"n1","containers":[{"name":"c"}]}}""";
        Assert.Equal(refusal, await AdmitAsync("CREATE", "pods", "", "m", Pod.Replace("SPEC", spec, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("DELETE", "", "mine", "")]
    [InlineData("DELETE", "", "theirs", "node \"n1\" can only delete pods with spec.nodeName set to itself")]
    [InlineData("UPDATE", "", "mine", "unexpected operation \"UPDATE\", node \"n1\" can only create and delete mirror pods")]
    [InlineData("CREATE", "eviction", "mine", "")]
    [InlineData("CREATE", "eviction", "theirs", "node n1 can only evict pods with spec.nodeName set to itself")]
    [InlineData("UPDATE", "resize", "mine", "unexpected pod subresource \"resize\", only 'status' and 'eviction' are allowed")]
    public async Task Pods_OnlyItsOwn(string operation, string subresource, string name, string refusal) => Assert.Equal(refusal, await AdmitAsync(operation, "pods", subresource, name, "{}", "{}"));

    [Theory]
    [InlineData("""{"spec":{"nodeName":"n1"},"status":{"phase":"Running"}}""", "")]
    [InlineData("""{"metadata":{"labels":{"a":"b"}},"spec":{"nodeName":"n1"}}""", "node \"n1\" cannot update labels through pod status")]
    [InlineData("""{"spec":{"nodeName":"n1"},"status":{"resourceClaimStatuses":[{"name":"x"}]}}""", "node \"n1\" cannot update resource claim statues")]
    public async Task PodStatus_ChangesNoRights(string pod, string refusal) => Assert.Equal(refusal, await AdmitAsync("UPDATE", "pods", "status", "mine", pod, """{"spec":{"nodeName":"n1"}}"""));

    [Theory]
    [InlineData(""" "labels":{"kubernetes.io/hostname":"n1","mine":"x","foo.node.kubernetes.io/x":"y"} """, "")]
    [InlineData(""" "labels":{"node-role.kubernetes.io/control-plane":""} """, "is not allowed to modify labels: node-role.kubernetes.io/control-plane")]
    [InlineData(""" "labels":{"node-restriction.kubernetes.io/a":"","b.k8s.io/c":""} """, "is not allowed to modify labels: b.k8s.io/c, node-restriction.kubernetes.io/a")]
    [InlineData(""" "ownerReferences":[{"name":"x"}] """, "node \"n1\" is not allowed to modify ownerReferences")]
    public async Task Node_StaysWhatItIs(string metadata, string refusal) => Assert.Equal(refusal, await AdmitAsync("UPDATE", "nodes", "", "n1", "{\"metadata\":{" + metadata + "}}", "{\"metadata\":{}}"));

    [Fact]
    public async Task Node_OfAnotherAndTaints_AreNotForIt()
    {
        Assert.Equal("node \"n1\" is not allowed to modify node \"n2\"", await AdmitAsync("UPDATE", "nodes", "status", "n2", "{}", "{}"));
        Assert.Equal("node \"n1\" is not allowed to modify taints", await AdmitAsync("UPDATE", "nodes", "", "n1", "{}", """{"spec":{"taints":[{"key":"a"}]}}"""));
        Assert.Equal("node \"n1\" is not allowed to set the following labels: node-role.kubernetes.io/x", await AdmitAsync("CREATE", "nodes", "", "", """{"metadata":{"name":"n1","labels":{"node-role.kubernetes.io/x":""}}}"""));
    }

    [Theory]
    [InlineData("""{"metadata":{"resourceVersion":"2"},"spec":{"volumeName":"pv"},"status":{"phase":"Bound","capacity":{"storage":"2Gi"},"conditions":[{"type":"Resizing"}],"allocatedResourceStatuses":{"storage":"x"}}}""", "")]
    [InlineData("""{"metadata":{"labels":{"a":"b"}},"spec":{"volumeName":"pv"},"status":{"phase":"Bound"}}""", "node \"n1\" is not allowed to update fields other than status.capacity and status.conditions")]
    [InlineData("""{"metadata":{},"spec":{"volumeName":"pv"},"status":{"phase":"Lost"}}""", "node \"n1\" is not allowed to update fields other than status.capacity and status.conditions")]
    public async Task ClaimStatus_IsResizedOnly(string claim, string refusal) =>
        Assert.Equal(refusal, await AdmitAsync("UPDATE", "persistentvolumeclaims", "status", "data", claim, """{"metadata":{"resourceVersion":"1"},"spec":{"volumeName":"pv"},"status":{"phase":"Bound"}}"""));

    [Theory]
    [InlineData("mine", "u1", "", "")]
    [InlineData("mine", "u1", "\"vault\"", "")]
    [InlineData("mine", "u1", "\"inline\"", "")]
    [InlineData("mine", "u1", "\"disk\"", "")]
    [InlineData("mine", "u1", "\"allowed\"", "")]
    [InlineData("mine", "u1", "\"other\"", "audience \"other\" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience")]
    [InlineData("mine", "u1", "\"vault\",\"disk\"", "node may only request 0 or 1 audiences")]
    [InlineData("mine", "old", "", "the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated")]
    [InlineData("mine", "", "", "node requested token with a pod binding without a uid")]
    [InlineData("theirs", "u2", "", "node requested token bound to a pod scheduled on a different node")]
    public async Task Token_IsForAPodOfItsOwnAndWhatThatAsksFor(string pod, string uid, string audiences, string refusal) => Assert.Equal(refusal, await AdmitAsync("CREATE", "serviceaccounts", "token", "web",
        "{\"spec\":{\"audiences\":[" + audiences + "],\"boundObjectRef\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"" + pod + "\",\"uid\":\"" + uid + "\"}}}"));

    [Fact]
    public async Task SlicesOfOthers_AreNotForIt()
    {
        Assert.Equal("", await AdmitAsync("CREATE", "resourceslices.resource.k8s.io", "", "s", """{"spec":{"nodeName":"n1"}}"""));
        Assert.Equal("can only create ResourceSlice with the same NodeName as the requesting node", await AdmitAsync("CREATE", "resourceslices.resource.k8s.io", "", "s", """{"spec":{"nodeName":"n2"}}"""));
        Assert.Equal("can only delete ResourceSlice with the same NodeName as the requesting node", await AdmitAsync("DELETE", "resourceslices.resource.k8s.io", "", "s", null, """{"spec":{}}"""));
    }

    [Theory]
    [InlineData("system:node:n1", "kubernetes.io/kubelet-serving", "")]
    [InlineData("system:node:n2", "kubernetes.io/kube-apiserver-client-kubelet", "can only create a node CSR with CN=system:node:n1")]
    [InlineData("anybody", "example.com/signer", "")]
    [InlineData("", "kubernetes.io/kubelet-serving", "unable to parse csr")]
    public async Task Certificate_IsForItself(string name, string signer, string refusal)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = name.Length == 0 ? "nonsense" : new CertificateRequest($"O=system:nodes, CN={name}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        var request = new JsonMap { ["spec"] = new JsonMap { ["signerName"] = signer, ["request"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(pem)) } };
        Assert.Equal(refusal, await AdmitAsync("CREATE", "certificatesigningrequests.certificates.k8s.io", "", "c", Given.Text(request)));
    }
}
