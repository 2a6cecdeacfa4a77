using Timonier.Api.Errors;
using Timonier.Api.Patches;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Validation;

/// <summary>What may change in an object that exists: a merge patch, and the first line of what it is told; empty when allowed.</summary>
public class UpdateTests
{
    private const string Deployment = """{"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""";
    private const string PodUpdates = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static TheoryData<string, string, string, string> Changes => new()
    {
        { "pods", """{"spec":{"containers":[{"name":"c","image":"i"}]}}""", """{"spec":{"tolerations":[{"key":"a","operator":"Exists"}],"activeDeadlineSeconds":9}}""", "" },
        { "pods", """{"spec":{"containers":[{"name":"c","image":"i"}]}}""", """{"spec":{"nodeName":"n"}}""", PodUpdates },
        { "pods", """{"spec":{"activeDeadlineSeconds":5,"containers":[{"name":"c","image":"i"}]}}""", """{"spec":{"activeDeadlineSeconds":6}}""", "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value" },
        { "pods", """{"spec":{"containers":[{"name":"c","image":"i"}]}}""", """{"spec":{"containers":[]}}""", "spec.containers: Required value" },
        { "deployments.apps", Deployment, """{"spec":{"replicas":3}}""", "" },
        { "deployments.apps", Deployment, """{"spec":{"selector":{"matchLabels":{"c":"d"}},"template":{"metadata":{"labels":{"c":"d"}}}}}""", "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"c\":\"d\"}}: field is immutable" },
        { "services", """{"spec":{"clusterIP":"10.96.1.1","ports":[{"port":80}]}}""", """{"spec":{"clusterIP":"10.96.1.2"}}""", "spec.clusterIPs[0]: Invalid value: [\"10.96.1.2\"]: may not change once set" },
        { "configmaps", """{"immutable":true,"data":{"a":"b"}}""", """{"data":{"a":"c"}}""", "data: Forbidden: field is immutable when `immutable` is set" },
        { "secrets", """{"type":"Opaque"}""", """{"type":"x/y"}""", "type: Invalid value: \"x/y\": field is immutable" },
        { "persistentvolumeclaims", """{"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"s","resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"volumeName":"v"}}""", "" },
        { "persistentvolumeclaims", """{"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"s","resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}""", "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims" },
        { "persistentvolumeclaims", """{"spec":{"volumeName":"v","accessModes":["ReadWriteOnce"],"storageClassName":"s","resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}""", "" },
        { "rolebindings.rbac.authorization.k8s.io", """{"roleRef":{"kind":"Role","name":"a","apiGroup":"rbac.authorization.k8s.io"}}""", """{"roleRef":{"name":"b"}}""", "roleRef: Invalid value: {\"kind\":\"Role\",\"name\":\"b\",\"apiGroup\":\"rbac.authorization.k8s.io\"}: cannot change roleRef" },
        { "storageclasses.storage.k8s.io", """{"provisioner":"a.b/c"}""", """{"provisioner":"d.e/f"}""", "provisioner: Forbidden: updates to provisioner are forbidden." },
        { "statefulsets.apps", """{"spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"serviceName":"t"}}""", "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden" },
        { "jobs.batch", """{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"completions":4}}""", "spec.completions: Invalid value: 4: field is immutable" },
        { "jobs.batch", """{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"parallelism":4,"suspend":true}}""", "" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Change_IsAllowedOrToldInUpstreamsWords(string resource, string given, string patch, string expected)
    {
        var strategy = Given.Strategies(new TestReader())[resource];
        var old = Given.Json(given);
        old.EnsureMap("metadata")["name"] = "x";
        old.EnsureMap("metadata")["uid"] = "uid";
        strategy.Default(old);
        strategy.PrepareForCreate(Given.Scope(resource), old);
        var scope = Given.Scope(resource, "patch");
        var changed = old.DeepClone();
        MergePatch.Apply(changed, Given.Json(patch));
        strategy.Default(changed);
        strategy.PrepareForUpdate(scope, changed, old);
        var errors = new FieldErrors();
        strategy.ValidateUpdate(scope, changed, old, errors);
        Assert.Equal(expected, Given.Lines(errors).Split('\n')[0]);
    }

    [Theory]
    [InlineData("pods", """{"spec":{"nodeName":"n","containers":[]}}""", false)]
    [InlineData("pods", """{"spec":{"priority":5,"containers":[]}}""", true)]
    [InlineData("deployments.apps", """{"spec":{"replicas":5}}""", true)]
    [InlineData("deployments.apps", """{"metadata":{"labels":{"a":"b"}},"spec":{}}""", false)]
    public void Generation_RisesWithWhatIsWanted(string resource, string changed, bool rises)
    {
        var old = Given.Json(resource == "pods" ? """{"spec":{"containers":[]}}""" : """{"spec":{}}""");
        Assert.Equal(rises, Given.Strategies(new TestReader())[resource].RaisesGeneration(Given.Json(changed), old));
    }

    [Fact]
    public void StatusUpdate_KeepsSpec_AndMainUpdateKeepsStatus()
    {
        var strategy = Given.Strategies(new TestReader())["deployments.apps"];
        var old = Given.Json("""{"metadata":{},"spec":{"replicas":1},"status":{"replicas":1}}""");
        var status = Given.Json("""{"metadata":{},"spec":{"replicas":9},"status":{"replicas":2}}""");
        strategy.PrepareForUpdate(Given.Scope("deployments.apps", "update", "status"), status, old);
        Given.AssertSame("""{"metadata":{},"spec":{"replicas":1},"status":{"replicas":2}}""", status);
        var main = Given.Json("""{"metadata":{},"spec":{"replicas":9},"status":{"replicas":2}}""");
        strategy.PrepareForUpdate(Given.Scope("deployments.apps", "update"), main, old);
        Given.AssertSame("""{"metadata":{},"spec":{"replicas":9},"status":{"replicas":1}}""", main);
    }
}
