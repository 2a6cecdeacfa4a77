using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>Conformance tests of 1.36 about rules of the API that need no node; each summary names the upstream test.</summary>
public sealed class ObjectRuleTests(RawApi api) : IClassFixture<RawApi>
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Strategic = "application/strategic-merge-patch+json";

    /// <summary>"ConfigMap should be immutable if `immutable` field is set", "Secrets should be immutable if `immutable` field is set".</summary>
    [Theory]
    [InlineData("configmaps", "ConfigMap", "v")]
    [InlineData("secrets", "Secret", "dg==")]
    public async Task ImmutableData_CannotBeChangedNorUnsealed(string plural, string kind, string value)
    {
        var path = $"/api/v1/namespaces/default/{plural}/sealed";
        await api.OkAsync("POST", path[..path.LastIndexOf('/')], $$$"""{"metadata":{"name":"sealed"},"data":{"a":"{{{value}}}"}}""");
        await api.PatchAsync(path, $$$"""{"data":{"b":"{{{value}}}"}}""");
        await api.PatchAsync(path, """{"immutable":true}""");
        foreach (var (patch, field) in ((string, string)[])[($$$"""{"data":{"c":"{{{value}}}"}}""", "data"), ("""{"immutable":false}""", "immutable")])
        {
            var (code, status) = await api.SendAsync("PATCH", path, patch, "application/merge-patch+json");
            Assert.Equal((422, $"{kind} \"sealed\" is invalid: {field}: Forbidden: field is immutable when `immutable` is set"), (code, status.GetString("message")));
        }
        await api.PatchAsync(path, """{"metadata":{"labels":{"still":"free"}}}""");
        await api.OkAsync("DELETE", path);
    }

    /// <summary>"RuntimeClass should reject a Pod requesting a non-existent / deleted RuntimeClass", "should schedule a Pod requesting a RuntimeClass and initialize its Overhead / without PodOverhead".</summary>
    [Fact]
    public async Task PodOfARuntimeClass_NeedsItAndGetsItsOverhead()
    {
        const string Classes = "/apis/node.k8s.io/v1/runtimeclasses";
        var (code, status) = await api.SendAsync("POST", Pods, Pod("none", "\"runtimeClassName\":\"heavy\""));
        Assert.Equal((403, "pods \"none\" is forbidden: pod rejected: RuntimeClass \"heavy\" not found"), (code, status.GetString("message")));
        await api.OkAsync("POST", Classes, """{"metadata":{"name":"heavy"},"handler":"h","overhead":{"podFixed":{"cpu":"10m","memory":"1Mi"}}}""");
        await api.OkAsync("POST", Classes, """{"metadata":{"name":"light"},"handler":"h"}""");
        var heavy = await api.OkAsync("POST", Pods, Pod("heavy", "\"runtimeClassName\":\"heavy\""));
        Assert.Equal("""{"cpu":"10m","memory":"1Mi"}""", RawApi.Text(heavy.GetPath("spec", "overhead")));
        var light = await api.OkAsync("POST", Pods, Pod("light", "\"runtimeClassName\":\"light\""));
        Assert.False(light.GetMap("spec")!.ContainsKey("overhead"));
        await api.OkAsync("DELETE", Classes + "/heavy");
        Assert.Equal(403, (await api.SendAsync("POST", Pods, Pod("late", "\"runtimeClassName\":\"heavy\""))).Code);
    }

    /// <summary>"Namespaces should apply a finalizer to a Namespace".</summary>
    [Fact]
    public async Task NamespaceWithAFinalizerInItsSpec_StaysUntilTheFinalizerGoes()
    {
        const string Path = "/api/v1/namespaces/kept";
        await api.OkAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"kept"}}""");
        var space = await api.OkAsync("GET", Path);
        ((JsonList)space.GetPath("spec", "finalizers")!).Add("e2e.example.com/fake");
        await api.OkAsync("PUT", Path + "/finalize", RawApi.Text(space));
        await api.OkAsync("DELETE", Path);
        await RawApi.UntilAsync(async () => RawApi.Text((await api.OkAsync("GET", Path)).GetPath("spec", "finalizers")) == """["e2e.example.com/fake"]""");
        Assert.Equal("Terminating", (await api.OkAsync("GET", Path)).GetPath("status", "phase"));
        space = await api.OkAsync("GET", Path);
        space.GetMap("spec")!.Remove("finalizers");
        await api.OkAsync("PUT", Path + "/finalize", RawApi.Text(space));
        await api.GoneAsync(Path);
    }

    /// <summary>"OrderedNamespaceDeletion namespace deletion should delete pod first".</summary>
    [Fact]
    public async Task NamespaceThatGoes_KeepsItsConfigMapsWhileAPodIsThere()
    {
        const string Path = "/api/v1/namespaces/ordered";
        await api.OkAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"ordered"}}""");
        await api.OkAsync("POST", Path + "/configmaps", """{"metadata":{"name":"m"}}""");
        await api.OkAsync("POST", Path + "/pods", """{"metadata":{"name":"p","finalizers":["e2e.example.com/finalizer"]},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await api.OkAsync("DELETE", Path);
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Path + "/pods/p")).GetPath("metadata", "deletionTimestamp") is string);
        await RawApi.UntilAsync(async () => Condition(await api.OkAsync("GET", Path), "NamespaceFinalizersRemaining") is "True");
        await api.OkAsync("GET", Path + "/configmaps/m");
        await api.PatchAsync(Path + "/pods/p", """{"metadata":{"finalizers":null}}""");
        await api.GoneAsync(Path);
    }

    /// <summary>"Pod Generation pod generation should start at 1 and increment per update", "custom-set generation on new pods and graceful delete".</summary>
    [Fact]
    public async Task GenerationOfAPod_CountsChangesOfItsSpec()
    {
        await api.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"gone"}}""");
        var created = await api.OkAsync("POST", Pods, """{"metadata":{"name":"counted","generation":100},"spec":{"nodeName":"gone","containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal(1L, created.GetPath("metadata", "generation"));
        foreach (var (patch, generation) in ((string, long)[])
        [
            ("""{"metadata":{"labels":{"a":"b"}}}""", 1), ("""{"spec":{"activeDeadlineSeconds":500}}""", 2), ("""{"spec":{"containers":[{"name":"c","image":"j"}]}}""", 3),
            ("""{"spec":{"containers":[{"name":"c","image":"j"}]}}""", 3), ("""{"metadata":{"generation":9}}""", 3),
        ])
            Assert.Equal(generation, (await api.OkAsync("PATCH", Pods + "/counted", patch, Strategic)).GetPath("metadata", "generation"));
        Assert.Equal(3L, (await api.OkAsync("PATCH", Pods + "/counted/status", """{"status":{"message":"m"}}""", Strategic)).GetPath("metadata", "generation"));
        Assert.Equal(4L, (await api.OkAsync("DELETE", Pods + "/counted")).GetPath("metadata", "generation"));
        await api.OkAsync("DELETE", Pods + "/counted?gracePeriodSeconds=0");
    }

    /// <summary>"Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge", the API server's half: no update is lost or counted twice.</summary>
    [Fact]
    public async Task FiveHundredUpdatesOfAPod_RaiseItsGenerationByFiveHundred()
    {
        await api.OkAsync("POST", Pods, Pod("busy", ""));
        await Parallel.ForAsync(0, 500, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            await api.OkAsync("PATCH", Pods + "/busy", $$$$"""{"spec":{"containers":[{"name":"c","image":"i:{{{{i}}}}"}]}}""", Strategic));
        Assert.Equal(501L, (await api.OkAsync("GET", Pods + "/busy")).GetPath("metadata", "generation"));
        await api.OkAsync("DELETE", Pods + "/busy");
    }

    /// <summary>"Ephemeral Containers should update the ephemeral containers in an existing pod".</summary>
    [Fact]
    public async Task EphemeralContainers_ComeByTheirSubresourceAndStay()
    {
        await api.OkAsync("POST", Pods, Pod("debugged", ""));
        const string Path = Pods + "/debugged/ephemeralcontainers";
        await api.OkAsync("PATCH", Path, """{"spec":{"ephemeralContainers":[{"name":"one","image":"i","stdin":true}]}}""", Strategic);
        var second = await api.UpdateAsync(Path, p => ((JsonList)p.GetPath("spec", "ephemeralContainers")!).Add(new JsonMap { ["name"] = "two", ["image"] = "i" }));
        Assert.Equal(["one", "two"], ((JsonList)second.GetPath("spec", "ephemeralContainers")!).OfType<JsonMap>().Select(c => c.GetString("name")));
        var (code, status) = await api.SendAsync("PATCH", Path, """{"spec":{"ephemeralContainers":null}}""", "application/merge-patch+json");
        Assert.Equal(422, code);
        Assert.Contains("existing ephemeral containers \"one\" may not be removed", status.GetString("message"), StringComparison.Ordinal);
        Assert.Equal(422, (await api.SendAsync("PATCH", Pods + "/debugged", """{"spec":{"ephemeralContainers":[{"name":"three","image":"i"}]}}""", Strategic)).Code);
    }

    /// <summary>"CSIInlineVolumes should support CSIVolumeSource in Pod API".</summary>
    [Fact]
    public async Task InlineCsiVolume_IsKeptAsItCame()
    {
        const string Volume = """{"name":"v","csi":{"driver":"e2e.example.com","readOnly":true,"volumeAttributes":{"a":"b"}}}""";
        var created = await api.OkAsync("POST", Pods, Pod("inline", $"\"volumes\":[{Volume}]"));
        Assert.Equal(Volume, RawApi.Text(((JsonList)created.GetPath("spec", "volumes")!)[0]));
        await api.OkAsync("DELETE", Pods + "/inline");
    }

    /// <summary>"Servers with support for API chunking should return chunks of results for list calls".</summary>
    [Fact]
    public async Task Pages_ShowOneMomentAndCountWhatRemains()
    {
        const string Path = "/api/v1/namespaces/default/podtemplates";
        for (var i = 0; i < 20; i++)
            await api.OkAsync("POST", Path, $$$$"""{"metadata":{"name":"t-{{{{i:D2}}}}"},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}""");
        var (names, more, version) = (new List<string>(), "", "");
        do
        {
            var page = await api.OkAsync("GET", $"{Path}?limit=7{more}");
            var metadata = page.GetMap("metadata")!;
            names.AddRange(page.GetList("items")!.OfType<JsonMap>().Select(t => (string)t.GetPath("metadata", "name")!));
            Assert.Equal(version.Length > 0 ? version : metadata.GetString("resourceVersion"), metadata.GetString("resourceVersion"));
            version = metadata.GetString("resourceVersion")!;
            Assert.Equal(names.Count < 20 ? 20L - names.Count : null, metadata.GetInteger("remainingItemCount"));
            more = metadata.GetString("continue") is { Length: > 0 } token ? "&continue=" + Uri.EscapeDataString(token) : "";
            await api.OkAsync("POST", Path, $$$$"""{"metadata":{"name":"t-9{{{{names.Count}}}}"},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}""");
        }
        while (more.Length > 0);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => "t-" + i.ToString("D2", CultureInfo.InvariantCulture)), names);
    }

    private static string Pod(string name, string spec) =>
        $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"containers":[{"name":"c","image":"i"}]{{{{(spec.Length > 0 ? "," + spec : "")}}}}}}""";

    private static string? Condition(JsonMap obj, string type) =>
        ((obj.GetPath("status", "conditions") as JsonList) ?? []).OfType<JsonMap>().FirstOrDefault(c => c.GetString("type") == type)?.GetString("status");
}
