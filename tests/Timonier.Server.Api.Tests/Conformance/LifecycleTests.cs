using System.Text;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>
/// The 1.36 conformance tests that only work on objects: create, get, list, watch, patch, update, status, scale, delete and delete a collection, each of a
/// kind. A row of <see cref="LifecycleRows"/> names the upstream test that it stands for.
/// </summary>
public sealed class LifecycleTests(RawApi api) : IClassFixture<RawApi>
{
    [Theory]
    [MemberData(nameof(LifecycleRows.All), MemberType = typeof(LifecycleRows))]
    public async Task Object_GoesThroughItsLife(LifecycleRow row)
    {
        var collection = await CollectionAsync(row);
        var name = row.Name ?? "life-one";
        var path = $"{collection}/{name}";
        var selector = "labelSelector=life%3D" + row.Plural;
        var start = (await api.OkAsync("GET", $"{collection}?{selector}")).GetPath("metadata", "resourceVersion");
        var watch = api.WatchUntilDeletedAsync($"{collection}?watch=1&{selector}&resourceVersion={start}");

        var created = await api.OkAsync("POST", collection, Body(row, name));
        Assert.True(RawApi.Holds(created, JsonParser.ParseMap(Encoding.UTF8.GetBytes(row.Body))), RawApi.Text(created));
        var uid = created.GetPath("metadata", "uid");
        Assert.Equal(409, (await api.SendAsync("POST", collection, Body(row, name))).Code);
        await ReadAsync(row, collection, path, selector, uid);

        Assert.Equal("yes", (await api.PatchAsync(path, """{"metadata":{"labels":{"patched":"yes"}}}""")).GetPath("metadata", "labels", "patched"));
        var updated = await api.UpdateAsync(path, o => o.EnsureMap("metadata").EnsureMap("annotations")["updated"] = "yes");
        Assert.Equal("yes", updated.GetPath("metadata", "annotations", "updated"));
        Assert.Equal(409, (await api.SendAsync("PUT", path, RawApi.Text(Stale(updated)))).Code);
        if (row.Status is not null)
            await StatusAsync(row, path);
        if (row.Scale)
            await ScaleAsync(path);

        await api.OkAsync("DELETE", path + "?dryRun=All");
        Assert.Equal(uid, (await api.OkAsync("GET", path)).GetPath("metadata", "uid"));
        await api.OkAsync("DELETE", path);
        await api.GoneAsync(path);
        var types = await watch;
        Assert.Equal((WatchEventType.Added, WatchEventType.Deleted), (types[0], types[^1]));
        Assert.All(types[1..^1], t => Assert.Equal(WatchEventType.Modified, t));
        Assert.True(types.Count >= 4, "a patch and an update are two changes");
        if (row.DeletesCollection)
            await DeleteCollectionAsync(row, collection, name, selector);
    }

    private async Task<string> CollectionAsync(LifecycleRow row)
    {
        if (!row.Namespaced)
            return $"{row.Version}/{row.Plural}";
        var space = row.Space ?? "life-" + row.Plural;
        await api.OkAsync("POST", "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{space}}}"}}""");
        return $"{row.Version}/namespaces/{space}/{row.Plural}";
    }

    private static string Body(LifecycleRow row, string name)
    {
        var body = JsonParser.ParseMap(Encoding.UTF8.GetBytes(row.Body));
        var metadata = body.EnsureMap("metadata");
        metadata["name"] = name;
        metadata["labels"] = new JsonMap { ["life"] = row.Plural };
        return RawApi.Text(body);
    }

    private static JsonMap Stale(JsonMap obj)
    {
        var stale = obj.DeepClone();
        stale.GetMap("metadata")!["resourceVersion"] = "1";
        return stale;
    }

    /// <summary>One object, a list, a list of all namespaces, a table, protobuf: the same object.</summary>
    private async Task ReadAsync(LifecycleRow row, string collection, string path, string selector, object? uid)
    {
        Assert.Equal(uid, (await api.OkAsync("GET", path)).GetPath("metadata", "uid"));
        foreach (var list in (string[])[collection, $"{row.Version}/{row.Plural}"])
        {
            var only = Assert.Single((await api.OkAsync("GET", $"{list}?{selector}")).GetList("items")!);
            Assert.Equal(uid, ((JsonMap)only!).GetPath("metadata", "uid"));
        }
        var table = JsonParser.ParseMap(await api.ReadAsync($"{collection}?{selector}", "application/json;as=Table;v=v1;g=meta.k8s.io"));
        Assert.Equal(table.GetList("columnDefinitions")!.Count, ((JsonMap)Assert.Single(table.GetList("rows")!)!).GetList("cells")!.Count);
        Assert.StartsWith("k8s\0", Encoding.Latin1.GetString(await api.ReadAsync(path, "application/vnd.kubernetes.protobuf")), StringComparison.Ordinal);
    }

    /// <summary>Patch and update of the subresource change the status and what else upstream's tests change with it, annotations.</summary>
    private async Task StatusAsync(LifecycleRow row, string path)
    {
        Assert.Equal(path[(path.LastIndexOf('/') + 1)..], (await api.OkAsync("GET", path + "/status")).GetPath("metadata", "name"));
        var wanted = JsonParser.ParseMap(Encoding.UTF8.GetBytes(row.Status!));
        var patched = await api.PatchAsync(path + "/status", $$$"""{"metadata":{"annotations":{"patchedstatus":"yes"}},"status":{{{row.Status}}}}""");
        Assert.True(RawApi.Holds(patched["status"], wanted), RawApi.Text(patched));
        Assert.Equal("yes", patched.GetPath("metadata", "annotations", "patchedstatus"));
        var updated = await api.UpdateAsync(path + "/status", o => o["status"] = wanted.DeepClone());
        Assert.True(RawApi.Holds(updated["status"], wanted), RawApi.Text(updated));
        // The main resource leaves the status alone.
        var kept = await api.UpdateAsync(path, o => o.Remove("status"));
        Assert.True(kept.GetMap("status") is { Count: > 0 }, RawApi.Text(kept));
    }

    private async Task ScaleAsync(string path)
    {
        var scale = await api.OkAsync("GET", path + "/scale");
        Assert.Equal(("Scale", "autoscaling/v1"), (scale.GetString("kind"), scale.GetString("apiVersion")));
        Assert.Equal(2L, (await api.PatchAsync(path + "/scale", """{"spec":{"replicas":2}}""")).GetPath("spec", "replicas"));
        Assert.Equal(1L, (await api.UpdateAsync(path + "/scale", o => o.GetMap("spec")!["replicas"] = 1L)).GetPath("spec", "replicas"));
        Assert.Equal(1L, (await api.OkAsync("GET", path)).GetPath("spec", "replicas"));
    }

    private async Task DeleteCollectionAsync(LifecycleRow row, string collection, string name, string selector)
    {
        await api.OkAsync("POST", collection, Body(row, name));
        await api.OkAsync("DELETE", $"{collection}?labelSelector=life%3Dnone");
        Assert.Single((await api.OkAsync("GET", $"{collection}?{selector}")).GetList("items")!);
        await api.OkAsync("DELETE", $"{collection}?{selector}");
        await api.GoneAsync($"{collection}/{name}");
    }
}
