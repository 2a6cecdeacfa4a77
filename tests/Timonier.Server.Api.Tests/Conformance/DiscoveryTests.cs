using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>Discovery as the 1.36 conformance tests of AggregatedDiscovery and Discovery read it; each test is named by those it stands for.</summary>
public sealed class DiscoveryTests(RawApi api) : IClassFixture<RawApi>
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    /// <summary>Group, version and resources that upstream's aggregated discovery test looks for.</summary>
    private static readonly (string Group, string Version, string[] Resources)[] BuiltIn =
    [
        ("", "v1", ["namespaces", "pods", "services", "configmaps", "secrets", "nodes", "events"]),
        ("admissionregistration.k8s.io", "v1", ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]),
        ("apiextensions.k8s.io", "v1", ["customresourcedefinitions"]),
        ("apiregistration.k8s.io", "v1", ["apiservices"]),
        ("apps", "v1", ["deployments", "statefulsets", "daemonsets", "replicasets"]),
        ("authentication.k8s.io", "v1", ["tokenreviews"]),
        ("authorization.k8s.io", "v1", ["subjectaccessreviews"]),
        ("autoscaling", "v1", ["horizontalpodautoscalers"]),
        ("autoscaling", "v2", ["horizontalpodautoscalers"]),
        ("batch", "v1", ["jobs", "cronjobs"]),
        ("certificates.k8s.io", "v1", ["certificatesigningrequests"]),
        ("coordination.k8s.io", "v1", ["leases"]),
        ("discovery.k8s.io", "v1", ["endpointslices"]),
        ("networking.k8s.io", "v1", ["ingresses", "networkpolicies"]),
        ("node.k8s.io", "v1", ["runtimeclasses"]),
        ("policy", "v1", ["poddisruptionbudgets"]),
        ("scheduling.k8s.io", "v1", ["priorityclasses"]),
        ("storage.k8s.io", "v1", ["storageclasses", "csinodes"]),
    ];

    public static TheoryData<string> Forms => new("v2", "v2beta1");

    /// <summary>AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers; should support aggregated discovery interface.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public async Task AggregatedDiscovery_HasEveryBuiltInResource(string form)
    {
        var groups = (await ReadAsync("/api", form)).Concat(await ReadAsync("/apis", form)).ToDictionary(g => g.GetMap("metadata")!.GetString("name") ?? "");
        foreach (var (group, version, resources) in BuiltIn)
        {
            var found = groups[group].GetList("versions")!.OfType<JsonMap>().Single(v => v.GetString("version") == version);
            Assert.Equal("Current", found.GetString("freshness"));
            Assert.Empty(resources.Except(found.GetList("resources")!.OfType<JsonMap>().Select(r => r.GetString("resource")!)));
        }
    }

    /// <summary>AggregatedDiscovery should support raw aggregated discovery request for CRDs; should support aggregated discovery interface for CRDs.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public async Task AggregatedDiscovery_HasCustomResources(string form)
    {
        var group = $"agg-{form}.example.com";
        await api.OkAsync("POST", Definitions, $$$$"""{"metadata":{"name":"tests.{{{{group}}}}"},"spec":{"group":"{{{{group}}}}","scope":"Namespaced","names":{"plural":"tests","singular":"test","kind":"Test","listKind":"TestList","shortNames":["tt"]},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}},"subresources":{"status":{}}}]}}""");
        for (var i = 0; i < 200; i++)
        {
            if ((await ReadAsync("/apis", form)).FirstOrDefault(g => g.GetMap("metadata")!.GetString("name") == group) is { } found)
            {
                var resource = (JsonMap)((JsonMap)found.GetList("versions")![0]!).GetList("resources")![0]!;
                Assert.Equal(("tests", "Namespaced", "test"), (resource.GetString("resource"), resource.GetString("scope"), resource.GetString("singularResource")));
                Assert.Equal(("Test", group, "v1"), (resource.GetPath("responseKind", "kind"), resource.GetPath("responseKind", "group"), resource.GetPath("responseKind", "version")));
                Assert.Equal(["tt"], resource.GetList("shortNames")!.OfType<string>());
                Assert.Equal("status", ((JsonMap)Assert.Single(resource.GetList("subresources")!)!).GetString("subresource"));
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        Assert.Fail("the custom resource is not in discovery");
    }

    /// <summary>Discovery should validate PreferredVersion for each APIGroup.</summary>
    [Fact]
    public async Task PreferredVersion_OfEachGroup_IsOneOfItsVersions_AndServed()
    {
        var groups = (await api.OkAsync("GET", "/apis")).GetList("groups")!.OfType<JsonMap>().ToList();
        Assert.True(groups.Count > 15);
        foreach (var group in groups)
        {
            var name = group.GetString("name")!;
            var preferred = group.GetMap("preferredVersion")!;
            Assert.Equal($"{name}/{preferred.GetString("version")}", preferred.GetString("groupVersion"));
            Assert.Contains(group.GetList("versions")!.OfType<JsonMap>(), v => v.GetString("groupVersion") == preferred.GetString("groupVersion"));
            var own = await api.OkAsync("GET", "/apis/" + name);
            Assert.Equal(preferred.GetString("groupVersion"), own.GetPath("preferredVersion", "groupVersion"));
        }
    }

    /// <summary>Discovery should locate the groupVersion and a resource within each APIGroup.</summary>
    [Fact]
    public async Task GroupVersion_OfEachGroup_ListsItsResources()
    {
        foreach (var (group, version, resources) in BuiltIn)
        {
            var list = await api.OkAsync("GET", group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}");
            Assert.Equal(("APIResourceList", group.Length == 0 ? version : $"{group}/{version}"), (list.GetString("kind"), list.GetString("groupVersion")));
            Assert.Empty(resources.Except(list.GetList("resources")!.OfType<JsonMap>().Select(r => r.GetString("name")!)));
        }
    }

    /// <summary>The same groups and versions are APIServices, all of them available: kubectl get apiservices.</summary>
    [Fact]
    public async Task GroupVersions_AreApiServices()
    {
        foreach (var (group, version, _) in BuiltIn.Where(b => b.Group != "apiregistration.k8s.io"))
        {
            JsonMap? service = null;
            for (var i = 0; i < 600 && service is null; i++)
            {
                var (code, body) = await api.SendAsync("GET", $"/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}");
                service = code == 200 ? body : null;
                if (service is null)
                    await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
            var condition = (JsonMap)service!.GetMap("status")!.GetList("conditions")![0]!;
            Assert.Equal(("Available", "True", "Local"), (condition.GetString("type"), condition.GetString("status"), condition.GetString("reason")));
        }
    }

    private async Task<IEnumerable<JsonMap>> ReadAsync(string path, string form)
    {
        var list = JsonParser.ParseMap(await api.ReadAsync(path, $"application/json;g=apidiscovery.k8s.io;v={form};as=APIGroupDiscoveryList"));
        Assert.Equal(("APIGroupDiscoveryList", $"apidiscovery.k8s.io/{form}"), (list.GetString("kind"), list.GetString("apiVersion")));
        return list.GetList("items")!.OfType<JsonMap>();
    }
}
