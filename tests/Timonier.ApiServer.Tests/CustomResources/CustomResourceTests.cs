using Timonier.Api.Json;
using Timonier.ApiServer.CustomResources;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.CustomResources;

public sealed class CustomResourceTests
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Widgets = "/apis/example.com/v1/namespaces/default/widgets";

    private const string Definition = """
        {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget","shortNames":["wd"]},
        "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},
        "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}],
        "selectableFields":[{"jsonPath":".spec.color"}],
        "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","minimum":1,"default":2},"color":{"type":"string"}}},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}},
        {"name":"v1beta1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """;

    [Fact]
    public async Task Objects_OfAnEstablishedDefinition_AreServedByItsSchema()
    {
        await using var server = await StartAsync();
        var created = await server.OkAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"color":"red","nonsense":1},"status":{"x":1}}""");
        Assert.Equal("""{"color":"red","size":2}""", Text(created["spec"]));
        Assert.False(created.ContainsKey("status"));
        var (code, status) = await server.SendAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"size":0}}""");
        Assert.Equal((422, "Widget.example.com \"x\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"), (code, status.GetString("message")));
        Assert.Equal("example.com/v1beta1", (await server.OkAsync("GET", Widgets.Replace("v1", "v1beta1", StringComparison.Ordinal) + "/w")).GetString("apiVersion"));
        Assert.Single((await server.OkAsync("GET", Widgets + "?fieldSelector=spec.color=red")).GetList("items")!);
        Assert.Empty((await server.OkAsync("GET", Widgets + "?fieldSelector=spec.color=blue")).GetList("items")!);
    }

    [Fact]
    public async Task DefaultsThatCameLater_ShowOnRead()
    {
        await using var server = await StartAsync();
        await server.OkAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{}}""");
        var definition = await server.OkAsync("GET", Definitions + "/widgets.example.com");
        var color = (JsonMap)((JsonMap)definition.GetMap("spec")!.GetList("versions")!.OfType<JsonMap>().First(v => v.GetString("name") == "v1")).GetPath("schema", "openAPIV3Schema", "properties", "spec", "properties", "color")!;
        color["default"] = "green";
        await server.OkAsync("PUT", Definitions + "/widgets.example.com", Text(definition));
        await WaitAsync(async () => (await server.OkAsync("GET", Widgets + "/w")).GetPath("spec", "color") is "green");
        Assert.Equal("green", ((JsonMap)(await server.OkAsync("GET", Widgets)).GetList("items")![0]!).GetPath("spec", "color"));
    }

    [Fact]
    public async Task StatusScaleAndTable_AreTheDefinitions()
    {
        await using var server = await StartAsync();
        await server.OkAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":3}}""");
        await server.OkAsync("PATCH", Widgets + "/w/status", """{"spec":{"size":9},"status":{"size":1,"conditions":[{"type":"Ready","status":"True"}]}}""", "application/merge-patch+json");
        await server.OkAsync("PATCH", Widgets + "/w/scale", """{"spec":{"replicas":4}}""", "application/merge-patch+json");
        var widget = await server.OkAsync("GET", Widgets + "/w");
        Assert.Equal((4L, 1L, 2L), (widget.GetPath("spec", "size"), widget.GetPath("status", "size"), widget.GetPath("metadata", "generation")));
        var table = await server.ReadAsync(Widgets, "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal("""["w",4,"True"]""", Text(((JsonMap)table.GetList("rows")![0]!)["cells"]));
    }

    [Fact]
    public async Task DeletedDefinition_TakesItsObjectsAlong()
    {
        await using var server = await StartAsync();
        await server.OkAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"}}""");
        var version = (await server.OkAsync("GET", Definitions)).GetPath("metadata", "resourceVersion");
        await server.OkAsync("DELETE", Definitions + "/widgets.example.com");
        await foreach (var change in server.WatchAsync($"{Definitions}?watch=1&resourceVersion={version}"))
        {
            if (change.GetString("type") == "DELETED")
                break;
        }
        await WaitAsync(async () => (await server.SendAsync("GET", Widgets)).Code == 404);
        Assert.Empty(server.Store.Current.Range(Timonier.Store.KeyRange.Prefix("example.com/")));
    }

    [Fact]
    public async Task DefinitionThatIsGoing_TakesNoNewObjects()
    {
        await using var server = await StartAsync();
        await server.OkAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","finalizers":["example.com/held"]}}""");
        await server.OkAsync("DELETE", Definitions + "/widgets.example.com");
        await WaitAsync(async () => (await server.SendAsync("POST", Widgets + "?dryRun=All", """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x"}}""")).Code == 405);
        var (code, status) = await server.SendAsync("POST", Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x"}}""");
        Assert.Equal((405, "create not allowed while custom resource definition is terminating"), (code, status.GetString("message")));
        var terminating = ((JsonList)(await server.OkAsync("GET", Definitions + "/widgets.example.com")).GetPath("status", "conditions")!).OfType<JsonMap>().Single(c => c.GetString("type") == "Terminating");
        Assert.Equal(("True", "InstanceDeletionInProgress"), (terminating.GetString("status"), terminating.GetString("reason")));
    }

    [Fact]
    public async Task NamesThatAreTaken_AreNotAccepted_UntilTheyAreFree()
    {
        await using var server = await StartAsync();
        await server.OkAsync("POST", Definitions, Definition.Replace("widgets", "gadgets", StringComparison.Ordinal).Replace("\"Widget\"", "\"Gadget\"", StringComparison.Ordinal));
        await WaitAsync(async () => Condition(await server.OkAsync("GET", Definitions + "/gadgets.example.com"), "NamesAccepted") is { Count: > 0 });
        var gadgets = await server.OkAsync("GET", Definitions + "/gadgets.example.com");
        Assert.Equal(("False", "ShortNamesConflict", "\"wd\" is already in use"), (Condition(gadgets, "NamesAccepted").GetString("status"), Condition(gadgets, "NamesAccepted").GetString("reason"), Condition(gadgets, "NamesAccepted").GetString("message")));
        Assert.Equal(("False", "NotAccepted"), (Condition(gadgets, "Established").GetString("status"), Condition(gadgets, "Established").GetString("reason")));
        await server.OkAsync("DELETE", Definitions + "/widgets.example.com");
        await WaitAsync(async () => (await server.SendAsync("GET", "/apis/example.com/v1/gadgets")).Code == 200);
        Assert.Equal("True", Condition(await server.OkAsync("GET", Definitions + "/gadgets.example.com"), "Established").GetString("status"));
    }

    private static JsonMap Condition(JsonMap definition, string type) =>
        (definition.GetPath("status", "conditions") as JsonList ?? []).OfType<JsonMap>().FirstOrDefault(c => c.GetString("type") == type) ?? [];

    [Theory]
    [InlineData(".a.b", "1")]
    [InlineData(".list[1].n", "y")]
    [InlineData(".list[?(@.n==\"y\")].v", "2")]
    [InlineData(".map['k.l']", "m")]
    [InlineData(".none.b", "")]
    public void PathExpression_FindsTheFirstMatch(string path, string expected) =>
        Assert.Equal(expected, PathExpression.Text(new PathExpression(path).First(JsonParser.Parse("""{"a":{"b":1},"list":[{"n":"x","v":1},{"n":"y","v":2}],"map":{"k.l":"m"}}"""u8))));

    private static async Task<TestServer> StartAsync()
    {
        var server = await TestServer.StartAsync(o => o with { Strategies = new Dictionary<string, Strategy> { ["customresourcedefinitions.apiextensions.k8s.io"] = new DefinitionStrategy() } });
        await server.OkAsync("POST", Definitions, Definition);
        await WaitAsync(async () => (await server.SendAsync("GET", Widgets)).Code == 200);
        return server;
    }

    private static async Task WaitAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; i < 500 && !await holds(); i++)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
    }

    private static string Text(object? value) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value));
}
