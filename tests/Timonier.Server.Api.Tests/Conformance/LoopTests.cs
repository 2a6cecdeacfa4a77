using Timonier.Api.Json;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>Conformance tests of 1.36 about loops that need no node; each summary names the upstream test.</summary>
public sealed class LoopTests(RawApi api) : IClassFixture<RawApi>
{
    private const string Space = "/api/v1/namespaces/default";
    private const string Slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

    /// <summary>"API Server should provide secure master service".</summary>
    [Fact]
    public async Task ServiceKubernetes_IsServedOverTls()
    {
        var ports = (JsonList)(await api.OkAsync("GET", Space + "/services/kubernetes")).GetPath("spec", "ports")!;
        Assert.True(RawApi.Holds(ports, new JsonList([new JsonMap { ["name"] = "https", ["protocol"] = "TCP", ["port"] = 443L }])), RawApi.Text(ports));
    }

    /// <summary>"EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete".</summary>
    [Fact]
    public async Task EndpointsOfAServiceWithoutSelector_AreMirrored()
    {
        await api.OkAsync("POST", Space + "/services", """{"metadata":{"name":"own"},"spec":{"ports":[{"name":"http","port":80}]}}""");
        await api.OkAsync("POST", Space + "/endpoints", """{"metadata":{"name":"own"},"subsets":[{"addresses":[{"ip":"10.1.2.3"}],"ports":[{"name":"http","port":80}]}]}""");
        await RawApi.UntilAsync(async () => await AddressesAsync("own") == "10.1.2.3:80");
        Assert.Equal("endpointslicemirroring-controller.k8s.io", ((JsonMap)(await SlicesAsync("own"))[0]!).GetPath("metadata", "labels", "endpointslice.kubernetes.io/managed-by"));
        await api.PatchAsync(Space + "/endpoints/own", """{"subsets":[{"addresses":[{"ip":"10.2.3.4"}],"ports":[{"name":"http","port":90}]}]}""");
        await RawApi.UntilAsync(async () => await AddressesAsync("own") == "10.2.3.4:90");
        await api.OkAsync("DELETE", Space + "/endpoints/own");
        await RawApi.UntilAsync(async () => (await SlicesAsync("own")).Count == 0);
    }

    /// <summary>"EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods", the same of "EndpointsController".</summary>
    [Fact]
    public async Task ServiceWhoseSelectorMatchesNothing_HasEmptyEndpointsThatGoWithIt()
    {
        await api.OkAsync("POST", Space + "/services", """{"metadata":{"name":"lonely"},"spec":{"selector":{"does-not-match":"anything"},"ports":[{"port":80}]}}""");
        await RawApi.UntilAsync(async () => (await SlicesAsync("lonely")).Count == 1 && (await api.SendAsync("GET", Space + "/endpoints/lonely")).Code == 200);
        Assert.Empty(((JsonMap)(await SlicesAsync("lonely"))[0]!).GetList("endpoints") ?? []);
        await api.OkAsync("DELETE", Space + "/services/lonely");
        await RawApi.UntilAsync(async () => (await SlicesAsync("lonely")).Count == 0 && (await api.SendAsync("GET", Space + "/endpoints/lonely")).Code == 404);
    }

    /// <summary>"DisruptionController should block an eviction until the PDB is updated to allow it".</summary>
    [Fact]
    public async Task Eviction_WaitsForItsBudget()
    {
        const string Budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        await api.OkAsync("POST", Space + "/pods", """{"metadata":{"name":"guarded","labels":{"guard":"yes"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await api.PatchAsync(Space + "/pods/guarded/status", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}""");
        await api.OkAsync("POST", Budget, """{"metadata":{"name":"guard"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"guard":"yes"}}}}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Budget + "/guard")).GetPath("status", "currentHealthy") is 1L);
        const string Eviction = """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"guarded"}}""";
        var (code, status) = await api.SendAsync("POST", Space + "/pods/guarded/eviction", Eviction);
        Assert.Equal((429, "Cannot evict pod as it would violate the pod's disruption budget."), (code, status.GetString("message")));
        await api.PatchAsync(Budget + "/guard", """{"spec":{"minAvailable":0}}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Budget + "/guard")).GetPath("status", "disruptionsAllowed") is 1L);
        await api.OkAsync("POST", Space + "/pods/guarded/eviction", Eviction);
        await api.GoneAsync(Space + "/pods/guarded");
    }

    /// <summary>"SchedulerPreemption validates pod disruption condition is added to the preempted pod".</summary>
    [Fact]
    public async Task PreemptedPod_SaysThatItGoesForAnother()
    {
        await api.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"small","labels":{"only":"small"}},"spec":{"taints":[{"key":"only","effect":"NoSchedule"}]}}""");
        await api.PatchAsync("/api/v1/nodes/small/status", """{"status":{"capacity":{"cpu":"1","memory":"1Gi","pods":"10"},"allocatable":{"cpu":"1","memory":"1Gi","pods":"10"},"conditions":[{"type":"Ready","status":"True"}]}}""");
        await api.OkAsync("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"first"},"value":1000}""");
        const string Spec = """ "nodeSelector":{"only":"small"},"tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"600m"}}}] """;
        await api.OkAsync("POST", Space + "/pods", $$$"""{"metadata":{"name":"victim","finalizers":["example.com/test-finalizer"]},"spec":{ {{{Spec}}} }}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Space + "/pods/victim")).GetPath("spec", "nodeName") is "small");
        await api.OkAsync("POST", Space + "/pods", $$$"""{"metadata":{"name":"preemptor"},"spec":{"priorityClassName":"first",{{{Spec}}} }}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Space + "/pods/victim")).GetPath("metadata", "deletionTimestamp") is string);
        var condition = ((JsonList)(await api.OkAsync("GET", Space + "/pods/victim")).GetPath("status", "conditions")!).OfType<JsonMap>().Single(c => c.GetString("type") == "DisruptionTarget");
        Assert.Equal(("True", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"), (condition.GetString("status"), condition.GetString("reason"), condition.GetString("message")));
        await api.PatchAsync(Space + "/pods/victim", """{"metadata":{"finalizers":null}}""");
        await api.OkAsync("DELETE", Space + "/pods/victim?gracePeriodSeconds=0");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Space + "/pods/preemptor")).GetPath("spec", "nodeName") is "small");
    }

    /// <summary>KEP-3017: a running pod that is not ready is held back by a budget that is not healthy, unless the budget says AlwaysAllow.</summary>
    [Fact]
    public async Task EvictionOfAnUnhealthyPod_FollowsTheBudgetsPolicy()
    {
        const string Budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        await api.OkAsync("POST", Space + "/pods", """{"metadata":{"name":"ill","labels":{"ill":"yes"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await api.PatchAsync(Space + "/pods/ill/status", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"False"}]}}""");
        await api.OkAsync("POST", Budget, """{"metadata":{"name":"ill"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"ill":"yes"}},"unhealthyPodEvictionPolicy":"IfHealthyBudget"}}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Budget + "/ill")).GetPath("status", "observedGeneration") is 1L);
        const string Eviction = """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"ill"}}""";
        Assert.Equal(429, (await api.SendAsync("POST", Space + "/pods/ill/eviction", Eviction)).Code);
        await api.PatchAsync(Budget + "/ill", """{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}""");
        await api.OkAsync("POST", Space + "/pods/ill/eviction", Eviction);
        await api.GoneAsync(Space + "/pods/ill");
    }

    private async Task<JsonList> SlicesAsync(string service) =>
        (await api.OkAsync("GET", $"{Slices}?labelSelector=kubernetes.io%2Fservice-name%3D{service}")).GetList("items")!;

    private async Task<string> AddressesAsync(string service) => string.Join(' ', (await SlicesAsync(service)).OfType<JsonMap>().SelectMany(s =>
        (s.GetList("endpoints") ?? []).OfType<JsonMap>().Select(e => $"{e.GetList("addresses")![0]}:{((JsonMap)s.GetList("ports")![0]!).GetInteger("port")}")));
}
