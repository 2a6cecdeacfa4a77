using System.Buffers.Binary;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Tests.Conformance;

/// <summary>
/// Stands for upstream's "Servers with support for API chunking", "API Streaming (aka. WatchList)" and "CustomResourceFieldSelectors".
/// </summary>
public sealed class ListAndWatchTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Streaming = "?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";

    private static readonly ApiSchema Schema = new();

    /// <summary>should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent</summary>
    [Fact]
    public async Task ListWhoseStateIsCompacted_GoesOnFromItsLastKey_InTheNewestState()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 10; i++)
            await server.OkAsync("POST", Maps, $$$"""{"metadata":{"name":"m{{{i}}}"}}""");
        var first = await server.OkAsync("GET", Maps + "?limit=4");
        await server.OkAsync("DELETE", Maps + "/m5");
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m9z"}}""");
        await server.Store.CompactAsync(server.Store.Revision);
        var (code, status) = await server.SendAsync("GET", $"{Maps}?limit=4&continue={first.GetPath("metadata", "continue")}");
        Assert.Equal((410L, 410, "Expired"), (status.GetInteger("code")!.Value, code, status.GetString("reason")));
        var inconsistent = await server.OkAsync("GET", $"{Maps}?limit=4&continue={status.GetPath("metadata", "continue")}");
        Assert.Equal(["m4", "m6", "m7", "m8"], Names(inconsistent));
        Assert.NotEqual(first.GetPath("metadata", "resourceVersion"), inconsistent.GetPath("metadata", "resourceVersion"));
        // From here on it is one state again.
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"m9a"}}""");
        var rest = await server.OkAsync("GET", $"{Maps}?limit=4&continue={inconsistent.GetPath("metadata", "continue")}");
        Assert.Equal(["m9", "m9z"], Names(rest));
        Assert.Equal(inconsistent.GetPath("metadata", "resourceVersion"), rest.GetPath("metadata", "resourceVersion"));
    }

    /// <summary>should be requested by informers; should be requested by metadatainformer; server supports sending resources in Table format</summary>
    [Theory]
    [InlineData("application/json", "ConfigMap")]
    [InlineData("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "PartialObjectMetadata")]
    [InlineData("application/json;as=Table;g=meta.k8s.io;v=v1", "Table")]
    public async Task StreamedList_SendsWhatThereIs_ThenABookmarkThatSaysSo_ThenChanges(string accept, string kind)
    {
        await using var server = await TestServer.StartAsync();
        foreach (var name in (string[])["a", "b"])
            await server.OkAsync("POST", Maps, $$$"""{"metadata":{"name":"{{{name}}}"}}""");
        var version = (await server.OkAsync("GET", Maps)).GetPath("metadata", "resourceVersion");
        List<string> seen = [];
        await foreach (var change in EventsAsync(server, accept))
        {
            var obj = change.GetMap("object")!;
            Assert.Equal(kind, obj.GetString("kind"));
            var metadata = (kind == "Table" ? ((JsonMap)obj.GetList("rows")![0]!).GetMap("object")! : obj).GetMap("metadata")!;
            seen.Add($"{change.GetString("type")} {metadata.GetString("name")}");
            if (change.GetString("type") == "BOOKMARK")
            {
                Assert.Equal(("true", version), (metadata.GetPath("annotations", "k8s.io/initial-events-end"), metadata["resourceVersion"]));
                await server.OkAsync("POST", Maps, """{"metadata":{"name":"c"}}""");
            }
            if (seen.Count == 4)
                break;
        }
        Assert.Equal(["ADDED a", "ADDED b", "BOOKMARK ", "ADDED c"], seen);
    }

    /// <summary>The same as protobuf, whole and metadata only: frames with a length, an event, an object in its envelope.</summary>
    [Theory]
    [InlineData("application/vnd.kubernetes.protobuf", "core/v1.ConfigMap")]
    [InlineData("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "meta/v1.PartialObjectMetadata")]
    public async Task StreamedList_AsProtobuf(string accept, string type)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"}}""");
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + Streaming);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("application/vnd.kubernetes.protobuf;stream=watch", response.Content.Headers.ContentType!.ToString().Replace(" ", "", StringComparison.Ordinal));
        await using var stream = await response.Content.ReadAsStreamAsync();
        foreach (var (name, end) in ((string?, string?)[])[("a", null), (null, "true")])
        {
            var length = new byte[4];
            await stream.ReadExactlyAsync(length);
            var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await stream.ReadExactlyAsync(frame);
            Assert.Equal(name is null ? "BOOKMARK" : "ADDED", System.Text.Encoding.ASCII.GetString(frame, 2, frame[1]));
            var (_, kind, message) = ProtobufDecoder.OpenEnvelope(frame.AsMemory(frame.AsSpan().IndexOf(ProtobufEncoder.Magic)));
            Assert.Equal(type[(type.LastIndexOf('.') + 1)..], kind);
            var obj = ProtobufDecoder.Decode(message.Span, Schema.Type(type)!);
            Assert.Equal((name, end), (obj.GetPath("metadata", "name"), obj.GetPath("metadata", "annotations", "k8s.io/initial-events-end")));
        }
    }

    [Theory]
    [InlineData("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    [InlineData("sendInitialEvents=true&resourceVersionMatch=Exact", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    [InlineData("resourceVersionMatch=NotOlderThan", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    public async Task StreamedList_NeedsItsOptionsTogether(string options, string message)
    {
        await using var server = await TestServer.StartAsync();
        var (code, status) = await server.SendAsync("GET", $"{Maps}?watch=1&{options}");
        Assert.Equal(422, code);
        Assert.Contains(message, status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector</summary>
    [Fact]
    public async Task SelectableFieldsOfACustomResource_ChooseWhatIsListedAndWatchedAndDeleted()
    {
        await using var full = await FullServer.StartAsync();
        const string Path = "/apis/stable.example.com/v1/namespaces/default/shirts";
        await full.DefineAsync("""
            {"metadata":{"name":"shirts.stable.example.com"},"spec":{"group":"stable.example.com","scope":"Namespaced","names":{"plural":"shirts","kind":"Shirt"},"versions":[{"name":"v1","served":true,"storage":true,
            "schema":{"openAPIV3Schema":{"type":"object","properties":{"color":{"type":"string"},"quantity":{"type":"integer"},"fit":{"type":"boolean"}}}},
            "selectableFields":[{"jsonPath":".color"},{"jsonPath":".quantity"},{"jsonPath":".fit"}]}]}}
            """, Path);
        var server = full.Server;
        var start = (await server.OkAsync("GET", Path)).GetPath("metadata", "resourceVersion");
        foreach (var (name, rest) in ((string, string)[])[("one", "\"color\":\"blue\",\"quantity\":2,\"fit\":true"), ("two", "\"color\":\"blue\",\"quantity\":3"), ("three", "\"color\":\"green\",\"quantity\":2")])
            await server.OkAsync("POST", Path, $$$"""{"apiVersion":"stable.example.com/v1","kind":"Shirt","metadata":{"name":"{{{name}}}"},{{{rest}}}}""");
        Assert.Equal(["one", "two"], Names(await server.OkAsync("GET", Path + "?fieldSelector=color%3Dblue")));
        Assert.Equal(["one"], Names(await server.OkAsync("GET", Path + "?fieldSelector=color%3Dblue,quantity%3D2")));
        Assert.Equal(["three", "two"], Names(await server.OkAsync("GET", Path + "?fieldSelector=fit%21%3Dtrue")));
        await server.OkAsync("PATCH", Path + "/two", """{"color":"red"}""", "application/merge-patch+json");
        await server.OkAsync("DELETE", Path + "?fieldSelector=quantity%3D2,color%3Dblue");
        List<string> seen = [];
        await foreach (var change in server.WatchAsync($"{Path}?watch=1&fieldSelector=color%3Dblue&resourceVersion={start}"))
        {
            seen.Add($"{change.GetString("type")} {change.GetPath("object", "metadata", "name")}");
            if (seen.Count == 4)
                break;
        }
        Assert.Equal(["ADDED one", "ADDED two", "DELETED two", "DELETED one"], seen);
        var (code, status) = await server.SendAsync("GET", Path + "?fieldSelector=size%3DL");
        Assert.Equal((400, "field label not supported: size"), (code, status.GetString("message")));
    }

    private static IEnumerable<object?> Names(JsonMap list) => list.GetList("items")!.OfType<JsonMap>().Select(i => i.GetPath("metadata", "name"));

    private static async IAsyncEnumerable<JsonMap> EventsAsync(TestServer server, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + Streaming);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
            yield return JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes(line));
    }
}
