using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Http;

public sealed class SliceTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task ObjectsLifecycle_OverHttp_IsThatOfUpstream()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.OkAsync("POST", Maps, """{"metadata":{"name":"a","labels":{"x":"1"}},"data":{"k":"v"}}""");
        Assert.Equal("ConfigMap", created.GetString("kind"));
        var metadata = created.GetMap("metadata")!;
        Assert.Equal("default", metadata.GetString("namespace"));
        Assert.NotNull(metadata.GetString("uid"));
        var version = metadata.GetString("resourceVersion")!;

        Assert.Equal((409, "configmaps \"a\" already exists"), Failure(await server.SendAsync("POST", Maps, """{"metadata":{"name":"a"}}""")));
        Assert.True(JsonTree.DeepEquals(created, await server.OkAsync("GET", Maps + "/a")));

        created.GetMap("data")!["k"] = "w";
        var updated = await server.OkAsync("PUT", Maps + "/a", Text(created));
        Assert.NotEqual(version, updated.GetMap("metadata")!.GetString("resourceVersion"));
        Assert.Equal((409, "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"),
            Failure(await server.SendAsync("PUT", Maps + "/a", Text(created))));

        var again = await server.OkAsync("PUT", Maps + "/a", Text(updated));
        Assert.Equal(updated.GetMap("metadata")!.GetString("resourceVersion"), again.GetMap("metadata")!.GetString("resourceVersion"));

        var list = await server.OkAsync("GET", Maps);
        Assert.Equal("ConfigMapList", list.GetString("kind"));
        Assert.Single(list.GetList("items")!);

        Assert.Equal("Success", (await server.OkAsync("DELETE", Maps + "/a")).GetString("status"));
        Assert.Equal((404, "configmaps \"a\" not found"), Failure(await server.SendAsync("GET", Maps + "/a")));
    }

    [Fact]
    public async Task Watch_FromList_ShowsEveryChangeInOrder()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"before"}}""");
        var version = (await server.OkAsync("GET", Maps)).GetMap("metadata")!.GetString("resourceVersion");
        for (var i = 0; i < 3; i++)
            await server.OkAsync("POST", Maps, Named($"m{i}"));
        await server.OkAsync("DELETE", Maps + "/m1");
        var seen = new List<string>();
        await foreach (var change in server.WatchAsync($"{Maps}?watch=1&resourceVersion={version}"))
        {
            seen.Add($"{change.GetString("type")} {change.GetMap("object")!.GetMap("metadata")!.GetString("name")}");
            if (seen.Count == 4)
                break;
        }
        Assert.Equal(["ADDED m0", "ADDED m1", "ADDED m2", "DELETED m1"], seen);
    }

    [Fact]
    public async Task List_ByPages_IsOneConsistentState()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 5; i++)
            await server.OkAsync("POST", Maps, Named($"m{i}"));
        var first = await server.OkAsync("GET", Maps + "?limit=2");
        Assert.Equal(3, first.GetMap("metadata")!.GetInteger("remainingItemCount"));
        await server.OkAsync("DELETE", Maps + "/m3");
        var rest = await server.OkAsync("GET", $"{Maps}?limit=10&continue={first.GetMap("metadata")!.GetString("continue")}");
        Assert.Equal(["m2", "m3", "m4"], rest.GetList("items")!.Select(i => ((JsonMap)i!).GetMap("metadata")!.GetString("name")));
        Assert.Equal(first.GetMap("metadata")!.GetString("resourceVersion"), rest.GetMap("metadata")!.GetString("resourceVersion"));
    }

    [Theory]
    [InlineData("labelSelector=app%20in%20(a,b)", "m0,m1")]
    [InlineData("labelSelector=app!=a", "m1,m2")]
    [InlineData("labelSelector=!app", "m2")]
    [InlineData("fieldSelector=metadata.name=m1", "m1")]
    [InlineData("fieldSelector=metadata.name!=m1,metadata.namespace=default&labelSelector=app", "m0")]
    public async Task List_WithSelectors_ShowsWhatMatches(string query, string expected)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m0","labels":{"x":"1","app":"a"}}}""");
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m1","labels":{"app":"b"}}}""");
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m2"}}""");
        var list = await server.OkAsync("GET", $"{Maps}?{query}");
        Assert.Equal(expected, string.Join(',', list.GetList("items")!.Select(i => ((JsonMap)i!).GetMap("metadata")!.GetString("name"))));
    }

    [Fact]
    public async Task Watch_WithSelector_TurnsEnteringAndLeavingIntoAddedAndDeleted()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.OkAsync("POST", Maps, """{"metadata":{"name":"m","labels":{"a":"1"}}}""");
        var version = created.GetMap("metadata")!.GetString("resourceVersion");
        foreach (var value in (string[])["2", "2x", "1"])
        {
            created.GetMap("metadata")!.Remove("resourceVersion");
            created.GetMap("metadata")!.EnsureMap("labels")["a"] = value[..1];
            created.EnsureMap("data")["v"] = value;
            await server.OkAsync("PUT", Maps + "/m", Text(created));
        }
        var seen = new List<string?>();
        await foreach (var change in server.WatchAsync($"{Maps}?watch=1&resourceVersion={version}&labelSelector=a=2"))
        {
            seen.Add(change.GetString("type"));
            if (seen.Count == 3)
                break;
        }
        Assert.Equal(["ADDED", "MODIFIED", "DELETED"], seen);
    }

    private static (int, string?) Failure((int Code, JsonMap Body) answer) => (answer.Code, answer.Body.GetString("message"));

    private static string Named(string name) => $"{{\"metadata\":{{\"name\":\"{name}\"}}}}";

    private static string Text(JsonMap obj) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(obj));
}
