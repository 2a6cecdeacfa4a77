using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Verbs;

public sealed class VerbTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Sets = "/apis/apps/v1/namespaces/default/replicasets";

    [Theory]
    [InlineData("application/merge-patch+json", """{"data":{"a":null,"b":"2"}}""")]
    [InlineData("application/strategic-merge-patch+json", """{"data":{"a":null,"b":"2"}}""")]
    [InlineData("application/json-patch+json", """[{"op":"remove","path":"/data/a"},{"op":"add","path":"/data/b","value":"2"}]""")]
    public async Task Patch_OfEachType_ChangesTheObject(string type, string patch)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m"},"data":{"a":"1"}}""");
        var patched = await server.OkAsync("PATCH", Maps + "/m", patch, type);
        Assert.Equal("b=2", string.Join(',', patched.GetMap("data")!.Select(d => $"{d.Key}={d.Value}")));
        Assert.Equal(404, (await server.SendAsync("PATCH", Maps + "/none", patch, type)).Code);
    }

    [Fact]
    public async Task Patch_WithOldResourceVersion_IsAConflict()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m"}}""");
        var (code, status) = await server.SendAsync("PATCH", Maps + "/m", """{"metadata":{"resourceVersion":"1"},"data":{"a":"1"}}""", "application/merge-patch+json");
        Assert.Equal((409, "Conflict"), (code, status.GetString("reason")));
    }

    [Fact]
    public async Task GenerateName_MakesANameOfFiveMoreCharacters()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.OkAsync("POST", Maps, """{"metadata":{"generateName":"m-"}}""");
        Assert.Matches("^m-[a-z0-9]{5}$", created.GetPath("metadata", "name") as string);
    }

    [Fact]
    public async Task DryRun_AnswersAndChangesNothing()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps + "?dryRun=All", """{"metadata":{"name":"m"}}""");
        Assert.Equal(404, (await server.SendAsync("GET", Maps + "/m")).Code);
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m"}}""");
        await server.OkAsync("DELETE", Maps + "/m?dryRun=All");
        await server.OkAsync("GET", Maps + "/m");
    }

    [Fact]
    public async Task Delete_WithFinalizer_WaitsUntilTheFinalizerGoes()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m","finalizers":["example.com/hold"]}}""");
        var marked = await server.OkAsync("DELETE", Maps + "/m");
        Assert.NotNull(marked.GetPath("metadata", "deletionTimestamp"));
        await server.OkAsync("GET", Maps + "/m");
        await server.OkAsync("PATCH", Maps + "/m", """{"metadata":{"finalizers":null}}""", "application/merge-patch+json");
        Assert.Equal(404, (await server.SendAsync("GET", Maps + "/m")).Code);
    }

    [Theory]
    [InlineData("Foreground", "foregroundDeletion")]
    [InlineData("Orphan", "orphan")]
    public async Task Delete_WithPropagationPolicy_LeavesItsFinalizer(string policy, string finalizer)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m"}}""");
        var marked = await server.OkAsync("DELETE", Maps + "/m", $$"""{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"{{policy}}"}""");
        Assert.Equal([finalizer], (marked.GetPath("metadata", "finalizers") as JsonList)!);
    }

    /// <summary>Upstream: "Garbage collector should orphan pods created by rc if deleteOptions.OrphanDependents is nil".</summary>
    [Theory]
    [InlineData("", "orphan")]
    [InlineData("?propagationPolicy=Background", null)]
    public async Task Delete_OfAReplicationController_LeavesItsPodsUnlessAskedOtherwise(string query, string? finalizer)
    {
        const string Controllers = "/api/v1/namespaces/default/replicationcontrollers";
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Controllers, """{"metadata":{"name":"r"},"spec":{"selector":{"a":"b"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var deleted = await server.OkAsync("DELETE", Controllers + "/r" + query);
        Assert.Equal(finalizer, (deleted.GetPath("metadata", "finalizers") as JsonList)?[0]);
    }

    [Fact]
    public async Task Delete_WithAnotherUid_IsAConflict()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m"}}""");
        Assert.Equal(409, (await server.SendAsync("DELETE", Maps + "/m", """{"preconditions":{"uid":"other"}}""")).Code);
    }

    [Fact]
    public async Task DeleteCollection_WithSelector_DeletesWhatMatches()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a","labels":{"l":"1"}}}""");
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"b"}}""");
        await server.OkAsync("DELETE", Maps + "?labelSelector=l=1");
        Assert.Equal(404, (await server.SendAsync("GET", Maps + "/a")).Code);
        await server.OkAsync("GET", Maps + "/b");
    }

    [Fact]
    public async Task Scale_GetPutAndPatch_ChangeReplicas()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Sets, """{"metadata":{"name":"r"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var scale = await server.OkAsync("GET", Sets + "/r/scale");
        Assert.Equal(("Scale", 2L, "a=b"), (scale.GetString("kind"), scale.GetPath("spec", "replicas"), scale.GetPath("status", "selector")));
        scale.GetMap("spec")!["replicas"] = 3L;
        await server.OkAsync("PUT", Sets + "/r/scale", System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(scale)));
        await server.OkAsync("PATCH", Sets + "/r/scale", """{"spec":{"replicas":5}}""", "application/merge-patch+json");
        Assert.Equal(5L, (await server.OkAsync("GET", Sets + "/r")).GetPath("spec", "replicas"));
        Assert.Equal(422, (await server.SendAsync("PATCH", Sets + "/r/scale", """{"spec":{"replicas":-1}}""", "application/merge-patch+json")).Code);
    }

    [Fact]
    public async Task StatusUpdate_ChangesStatusAlone()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.OkAsync("POST", Sets, """{"metadata":{"name":"r"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        created.GetMap("spec")!["replicas"] = 9L;
        created["status"] = new JsonMap { ["replicas"] = 1L };
        var updated = await server.OkAsync("PUT", Sets + "/r/status", System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(created)));
        Assert.Equal((2L, 1L), (updated.GetPath("spec", "replicas"), updated.GetPath("status", "replicas")));
    }

    /// <summary>Upstream: "health handlers should contain necessary checks".</summary>
    [Fact]
    public async Task ChecksOfOtherParts_CountForHealth()
    {
        var holds = false;
        await using var server = await TestServer.StartAsync(o => o with { Checks = [("poststarthook/other", () => holds)] });
        using (var sick = await server.Http.GetAsync("/readyz"))
        {
            Assert.Equal(System.Net.HttpStatusCode.InternalServerError, sick.StatusCode);
            Assert.Contains("[-]poststarthook/other failed", await sick.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        holds = true;
        var text = await server.Http.GetStringAsync("/livez?verbose");
        Assert.Contains("[+]poststarthook/other ok\n", text, StringComparison.Ordinal);
        Assert.Contains("[+]poststarthook/crd-informer-synced ok\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/healthz", "ok")]
    [InlineData("/livez", "ok")]
    [InlineData("/readyz?exclude=etcd", "ok")]
    public async Task Health_OfALiveServer_IsOk(string path, string expected)
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(expected, await server.Http.GetStringAsync(path));
        Assert.Contains("[+]etcd", await server.Http.GetStringAsync("/readyz?verbose"), StringComparison.Ordinal);
        Assert.Contains("apiserver_request_total{code=\"200\",component", await server.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }
}
