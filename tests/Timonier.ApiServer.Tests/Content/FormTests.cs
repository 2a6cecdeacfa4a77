using System.Net.Http.Headers;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Content;

public sealed class FormTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Table_OfConfigMaps_HasUpstreamsColumnsAndCells()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"},"data":{"x":"1","y":"2"}}""");
        var table = await server.ReadAsync(Maps, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        Assert.Equal("Table", table.GetString("kind"));
        Assert.Equal("Name,Data,Age", string.Join(',', table.GetList("columnDefinitions")!.Select(c => ((JsonMap)c!).GetString("name"))));
        var row = (JsonMap)table.GetList("rows")![0]!;
        Assert.Equal(["a", 2L], row.GetList("cells")!.Take(2));
        Assert.Equal("PartialObjectMetadata", row.GetMap("object")!.GetString("kind"));
    }

    [Fact]
    public async Task PartialObjectMetadata_OfAnObjectAndAList_LeavesOutTheRest()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a","labels":{"l":"1"}},"data":{"x":"1"}}""");
        var one = await server.ReadAsync(Maps + "/a", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
        Assert.Equal("kind,apiVersion,metadata", string.Join(',', one.Keys));
        var list = await server.ReadAsync(Maps, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        Assert.Equal("PartialObjectMetadataList", list.GetString("kind"));
        Assert.False(((JsonMap)list.GetList("items")![0]!).ContainsKey("data"));
    }

    [Fact]
    public async Task Protobuf_InAndOut_IsTheSameObject()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"},"data":{"x":"1"}}""");
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "/a");
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/vnd.kubernetes.protobuf"));
        using var response = await server.Http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("application/vnd.kubernetes.protobuf", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("k8s\0"u8.ToArray(), bytes[..4]);

        using var update = new HttpRequestMessage(HttpMethod.Put, Maps + "/a") { Content = new ByteArrayContent(bytes) };
        update.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/vnd.kubernetes.protobuf");
        using var updated = await server.Http.SendAsync(update);
        Assert.Equal(System.Net.HttpStatusCode.OK, updated.StatusCode);
        Assert.True(JsonTree.DeepEquals(await server.OkAsync("GET", Maps + "/a"), JsonParser.ParseMap(await updated.Content.ReadAsByteArrayAsync())));
    }

    [Theory]
    [InlineData("text/html", 406)]
    [InlineData("text/html,*/*;q=0.1", 200)]
    [InlineData("application/json;as=Table;v=v1;g=meta.k8s.io", 200)]
    [InlineData("application/json;as=Nonsense;v=v1;g=meta.k8s.io", 406)]
    [InlineData("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", 406)]
    public async Task Accept_ThatNothingFits_IsRefused(string accept, int code)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await server.Http.SendAsync(request);
        Assert.Equal(code, (int)response.StatusCode);
    }

    [Fact]
    public async Task ContentType_ThatIsUnknown_IsRefused()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(415, (await server.SendAsync("POST", Maps, "{}", "text/plain")).Code);
    }

    [Fact]
    public async Task UnknownField_IsWarnedOfOrRefused()
    {
        await using var server = await TestServer.StartAsync();
        const string Body = """{"metadata":{"name":"a"},"nonsense":1}""";
        Assert.Equal(400, (await server.SendAsync("POST", Maps + "?fieldValidation=Strict", Body)).Code);
        using var response = await server.Http.PostAsync(Maps, new StringContent(Body, new MediaTypeHeaderValue("application/json")));
        Assert.Equal("299 - \"unknown field \\\"nonsense\\\"\"", response.Headers.Warning.ToString());
    }
}
