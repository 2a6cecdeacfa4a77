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

    private async Task<JsonList> SlicesAsync(string service) =>
        (await api.OkAsync("GET", $"{Slices}?labelSelector=kubernetes.io%2Fservice-name%3D{service}")).GetList("items")!;

    private async Task<string> AddressesAsync(string service) => string.Join(' ', (await SlicesAsync(service)).OfType<JsonMap>().SelectMany(s =>
        (s.GetList("endpoints") ?? []).OfType<JsonMap>().Select(e => $"{e.GetList("addresses")![0]}:{((JsonMap)s.GetList("ports")![0]!).GetInteger("port")}")));
}
