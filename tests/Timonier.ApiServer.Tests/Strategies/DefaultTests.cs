using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.Strategies;

public class DefaultTests
{
    private const string PodSpecDefaults = "\"dnsPolicy\":\"ClusterFirst\",\"restartPolicy\":\"Always\",\"securityContext\":{},\"terminationGracePeriodSeconds\":30,\"schedulerName\":\"default-scheduler\"";
    private const string ContainerDefaults = "\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\"";

    [Theory]
    [InlineData("pods", """{"metadata":{},"spec":{"containers":[{"name":"a","image":"nginx"}]}}""",
        $$$$"""{"metadata":{},"spec":{"containers":[{"name":"a","image":"nginx","imagePullPolicy":"Always",{{{{ContainerDefaults}}}}}],{{{{PodSpecDefaults}}}},"enableServiceLinks":true}}""")]
    [InlineData("pods", """{"spec":{"serviceAccount":"s","hostNetwork":true,"containers":[{"name":"a","image":"r:5000/nginx:1","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}]}}""",
        $$$$"""{"spec":{"serviceAccount":"s","serviceAccountName":"s","hostNetwork":true,"containers":[{"name":"a","image":"r:5000/nginx:1","imagePullPolicy":"IfNotPresent",{{{{ContainerDefaults}}}},"ports":[{"containerPort":80,"hostPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}}}],{{{{PodSpecDefaults}}}},"enableServiceLinks":true}}""")]
    [InlineData("deployments.apps", """{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"r:5000/nginx"}]}}}}""",
        $$$$"""{"spec":{"replicas":1,"revisionHistoryLimit":10,"progressDeadlineSeconds":600,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"template":{"spec":{"containers":[{"name":"a","image":"r:5000/nginx","imagePullPolicy":"Always",{{{{ContainerDefaults}}}}}],{{{{PodSpecDefaults}}}} } } } }""")]
    [InlineData("services", """{"spec":{"ports":[{"port":80}]}}""",
        """{"spec":{"type":"ClusterIP","sessionAffinity":"None","internalTrafficPolicy":"Cluster","ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"],"ports":[{"port":80,"protocol":"TCP","targetPort":80}]}}""")]
    [InlineData("services", """{"spec":{"clusterIP":"None"}}""",
        """{"spec":{"clusterIP":"None","type":"ClusterIP","sessionAffinity":"None","internalTrafficPolicy":"Cluster","ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv4","IPv6"]}}""")]
    [InlineData("services", """{"spec":{"type":"ExternalName","externalName":"a.b"}}""", """{"spec":{"type":"ExternalName","externalName":"a.b","sessionAffinity":"None"}}""")]
    [InlineData("secrets", """{"stringData":{"a":"b"}}""", """{"type":"Opaque","data":{"a":"Yg=="}}""")]
    [InlineData("namespaces", """{"metadata":{"name":"n"}}""", """{"metadata":{"name":"n","labels":{"kubernetes.io/metadata.name":"n"}},"status":{"phase":"Active"}}""")]
    public void AbsentFields_AreFilledIn(string resource, string given, string expected)
    {
        var strategy = For(resource);
        var obj = Given.Json(given);
        strategy.Default(obj);
        Given.AssertSame(expected, obj);
        strategy.Default(obj);
        Given.AssertSame(expected, obj);
    }

    [Theory]
    [InlineData("""{"name":"v"}""", """{"name":"v","emptyDir":{}}""")]
    [InlineData("""{"name":"v","secret":{"secretName":"s"}}""", """{"name":"v","secret":{"secretName":"s","defaultMode":420}}""")]
    [InlineData("""{"name":"v","hostPath":{"path":"/x"}}""", """{"name":"v","hostPath":{"path":"/x","type":""}}""")]
    [InlineData("""{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}""",
        """{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":3600}}],"defaultMode":420}}""")]
    [InlineData("""{"name":"v","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.name"}}]}}""",
        """{"name":"v","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.name","apiVersion":"v1"}}],"defaultMode":420}}""")]
    public void Volume_GetsItsDefaults(string given, string expected)
    {
        var pod = Given.Json($$$$"""{"spec":{"volumes":[{{{{given}}}}]}}""");
        For("pods").Default(pod);
        Given.AssertSame($"[{expected}]", pod.GetPath("spec", "volumes"));
    }

    [Theory]
    [InlineData("""{"containers":[{"name":"a"}]}""", "BestEffort")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}}]}""", "Burstable")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1000m","memory":"1Gi"}}}]}""", "Guaranteed")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1","memory":"1Gi"}}},{"name":"b"}]}""", "Burstable")]
    public void NewPod_HasPhaseAndQosClass(string spec, string qos)
    {
        var pod = Given.Json($$$$"""{"spec":{{{{spec}}}},"status":{"phase":"Running"}}""");
        For("pods").PrepareForCreate(Given.Scope("pods"), pod);
        Given.AssertSame($$$$"""{"phase":"Pending","qosClass":"{{{{qos}}}}"}""", pod["status"]);
    }

    [Theory]
    [InlineData("""{"spec":{"terminationGracePeriodSeconds":30}}""", null, 0)]
    [InlineData("""{"spec":{"terminationGracePeriodSeconds":30,"nodeName":"n"}}""", null, 30)]
    [InlineData("""{"spec":{"terminationGracePeriodSeconds":30,"nodeName":"n"}}""", 5L, 5)]
    [InlineData("""{"spec":{"terminationGracePeriodSeconds":30,"nodeName":"n"},"status":{"phase":"Failed"}}""", 5L, 0)]
    [InlineData("""{"spec":{"terminationGracePeriodSeconds":-1,"nodeName":"n"}}""", null, 1)]
    public void DeletedPod_WaitsForItsGracePeriod(string pod, long? requested, long expected) =>
        Assert.Equal(expected, For("pods").GracePeriodSeconds(Given.Json(pod), requested));

    private static Strategy For(string resource) => Given.Strategies(new TestReader())[resource];
}
