using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Scheduling.V1;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Admission;

public class PodAdmissionTests
{
    private readonly TestReader _reader = new(
        Given.Object<Namespace>("""{"metadata":{"name":"ns"},"status":{"phase":"Active"}}"""),
        Given.Object<Namespace>("""{"metadata":{"name":"going"},"status":{"phase":"Terminating"}}"""),
        Given.Object<ServiceAccount>("""{"metadata":{"name":"default","namespace":"ns"},"imagePullSecrets":[{"name":"pull"}]}"""),
        Given.Object<PriorityClass>("""{"metadata":{"name":"high"},"value":1000,"preemptionPolicy":"Never"}"""));

    [Fact]
    public async Task NewPod_GetsAccountTokenPriorityAndTolerations()
    {
        var pod = await AdmitAsync("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}],"priorityClassName":"high"}}""");
        var spec = (JsonMap)pod["spec"]!;
        Assert.Equal("default", spec["serviceAccountName"]);
        Assert.Equal("default", spec["serviceAccount"]);
        Assert.Equal(1000L, spec["priority"]);
        Assert.Equal("Never", spec["preemptionPolicy"]);
        Given.AssertSame("""[{"name":"pull"}]""", spec["imagePullSecrets"]);
        Given.AssertSame("""[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]""", spec["tolerations"]);
        var volume = (JsonMap)spec.GetList("volumes")![0]!;
        var name = volume.GetString("name")!;
        Assert.Matches("^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$", name);
        Given.AssertSame($$$$"""[{"name":"{{{{name}}}}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]""", ((JsonMap)spec.GetList("containers")![0]!)["volumeMounts"]);
    }

    [Theory]
    [InlineData("""{"automountServiceAccountToken":false,"containers":[{"name":"c"}]}""")]
    [InlineData("""{"containers":[{"name":"c","volumeMounts":[{"name":"own","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}]}""")]
    public async Task TokenNotWanted_NoVolume(string spec)
    {
        var pod = await AdmitAsync($$$$"""{"metadata":{"name":"p"},"spec":{{{{spec}}}}}""");
        Assert.Null(pod.GetPath("spec", "volumes"));
    }

    [Theory]
    [InlineData("ns", """{"serviceAccountName":"nobody"}""", "pods \"p\" is forbidden: error looking up service account ns/nobody: serviceaccount \"nobody\" not found")]
    [InlineData("ns", """{"priorityClassName":"none"}""", "pods \"p\" is forbidden: no PriorityClass with name none was found")]
    [InlineData("ns", """{"priority":5}""", "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name")]
    [InlineData("missing", "{}", "namespaces \"missing\" not found")]
    [InlineData("going", "{}", "pods \"p\" is forbidden: unable to create new content in namespace going because it is being terminated")]
    public async Task Refused_InUpstreamsWords(string @namespace, string spec, string message)
    {
        var refusal = await Assert.ThrowsAsync<ApiException>(() => AdmitAsync($$$$"""{"metadata":{"name":"p"},"spec":{{{{spec}}}}}""", @namespace));
        Assert.Equal(message, refusal.Message);
        Assert.Equal(@namespace == "going", refusal.IsNamespaceTerminating);
    }

    [Fact]
    public async Task DefaultNamespace_IsNotDeleted()
    {
        var scope = Given.Scope("namespaces", "delete", name: "default", @namespace: "");
        var refusal = await Assert.ThrowsAsync<ApiException>(async () => await Chain().AdmitAsync(new() { Scope = scope, Operation = "DELETE" }, default));
        Assert.Equal("namespaces \"default\" is forbidden: this namespace may not be deleted", refusal.Message);
    }

    private AdmissionChain Chain() => Given.Chain(_reader);

    private async Task<JsonMap> AdmitAsync(string pod, string @namespace = "ns")
    {
        var obj = Given.Json(pod);
        await Chain().AdmitAsync(new() { Scope = Given.Scope("pods", name: "p", @namespace: @namespace), Operation = "CREATE", Object = obj }, default);
        return obj;
    }
}
