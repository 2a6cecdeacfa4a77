using Timonier.Api.Json;
using Timonier.ApiServer.CustomResources;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.CustomResources;

/// <summary>
/// Versions of a custom resource that a webhook converts. Stands for "CustomResourceConversionWebhook should be able to convert from CR v1 to
/// CR v2", "... a non homogeneous list of CRs" and "CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector".
/// </summary>
public sealed class ConversionTests : IAsyncDisposable
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Name = "crds.stable.example.com";
    private const string V1 = "/apis/stable.example.com/v1/namespaces/default/crds";
    private const string V2 = "/apis/stable.example.com/v2/namespaces/default/crds";
    private const string First = """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"hostPort":"localhost:8080"}""";

    private FakeWebhook? _hook;
    private TestServer _server = null!;

    [Fact]
    public async Task ObjectStoredInV1_IsReadListedWatchedAndScaledInV2()
    {
        await StartAsync(Split);
        var created = await _server.OkAsync("POST", V1, First);
        Assert.Equal("stable.example.com/v1", created.GetString("apiVersion"));
        var read = await _server.OkAsync("GET", V2 + "/a");
        Assert.Equal(("stable.example.com/v2", "localhost", "8080"), (read.GetString("apiVersion"), read.GetString("host"), read.GetString("port")));
        Assert.Equal(created.GetPath("metadata", "resourceVersion"), read.GetPath("metadata", "resourceVersion"));
        Assert.Equal("8080", ((JsonMap)(await _server.OkAsync("GET", V2)).GetList("items")![0]!).GetString("port"));
        await foreach (var change in _server.WatchAsync(V2 + "?watch=1"))
        {
            Assert.Equal(("ADDED", "localhost"), (change.GetString("type"), change.GetPath("object", "host")));
            break;
        }
        var table = await _server.ReadAsync(V2, "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal("""["a","8080"]""", Text(((JsonMap)table.GetList("rows")![0]!)["cells"]));
        var patched = await _server.OkAsync("PATCH", V2 + "/a", """{"port":"9090"}""", "application/merge-patch+json");
        Assert.Equal("9090", patched.GetString("port"));
        Assert.Equal("localhost:9090", (await _server.OkAsync("GET", V1 + "/a")).GetString("hostPort"));
    }

    [Fact]
    public async Task StorageVersionThatChanges_LeavesAListOfBothVersions_ThatIsReadInEither()
    {
        await StartAsync(Split);
        await _server.OkAsync("POST", V1, First);
        var definition = await _server.OkAsync("GET", $"{Definitions}/{Name}");
        foreach (var version in definition.GetMap("spec")!.GetList("versions")!.OfType<JsonMap>())
            version["storage"] = version.GetString("name") == "v2";
        definition = await _server.OkAsync("PUT", $"{Definitions}/{Name}", Text(definition));
        Assert.Equal("""["v1","v2"]""", Text(definition.GetPath("status", "storedVersions")));
        // The new definition is put to work a moment later.
        await WaitAsync(async () =>
        {
            await _server.OkAsync("POST", V1, First.Replace("\"a\"", "\"b\"", StringComparison.Ordinal));
            if (Stored().Contains("stable.example.com/v2"))
                return true;
            await _server.OkAsync("DELETE", V1 + "/b");
            return false;
        });
        Assert.Equal(["stable.example.com/v1", "stable.example.com/v2"], Stored().Order(StringComparer.Ordinal));
        foreach (var (path, field) in new[] { (V1, "hostPort"), (V2, "host") })
        {
            var items = (await _server.OkAsync("GET", path)).GetList("items")!.OfType<JsonMap>().ToList();
            Assert.Equal(["a", "b"], items.Select(i => i.GetPath("metadata", "name")));
            Assert.All(items, i => Assert.True(i.ContainsKey(field)));
        }
        // An update that changes nothing stores the object in the new version, which then need not be remembered as stored.
        await _server.OkAsync("PUT", V1 + "/a", Text(await _server.OkAsync("GET", V1 + "/a")));
        Assert.Equal(["stable.example.com/v2", "stable.example.com/v2"], Stored());
        // Until it is forgotten there, the old version cannot leave the definition.
        var onlyNew = """[{"op":"remove","path":"/spec/versions/0"},{"op":"replace","path":"/spec/conversion","value":{"strategy":"None"}}]""";
        var (code, status) = await _server.SendAsync("PATCH", $"{Definitions}/{Name}", onlyNew, "application/json-patch+json");
        Assert.Equal(422, code);
        Assert.Contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage version", status.GetString("message"), StringComparison.Ordinal);
        await _server.OkAsync("PATCH", $"{Definitions}/{Name}/status", """{"status":{"storedVersions":["v2"]}}""", "application/merge-patch+json");
        await _server.OkAsync("PATCH", $"{Definitions}/{Name}", onlyNew, "application/json-patch+json");
    }

    [Fact]
    public async Task FieldSelector_SeesTheFieldsOfItsVersion()
    {
        await StartAsync(Split);
        await _server.OkAsync("POST", V1, First);
        await _server.OkAsync("POST", V1, """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"b"},"hostPort":"elsewhere:80"}""");
        Assert.Equal(["a"], await NamesAsync(V1 + "?fieldSelector=hostPort=localhost:8080"));
        Assert.Equal(["b"], await NamesAsync(V2 + "?fieldSelector=host=elsewhere,port=80"));
        Assert.Equal(["b"], await NamesAsync(V2 + "?limit=1&fieldSelector=host!=localhost"));
        var (code, status) = await _server.SendAsync("GET", V2 + "?fieldSelector=hostPort=x");
        Assert.Equal((400, "field label not supported: hostPort"), (code, status.GetString("message")));
        var version = (await _server.OkAsync("GET", V1)).GetPath("metadata", "resourceVersion");
        await _server.OkAsync("PATCH", V1 + "/a", """{"hostPort":"elsewhere:81"}""", "application/merge-patch+json");
        await foreach (var change in _server.WatchAsync($"{V2}?watch=1&fieldSelector=host=elsewhere&resourceVersion={version}"))
        {
            Assert.Equal(("ADDED", "81"), (change.GetString("type"), change.GetPath("object", "port")));
            break;
        }
        await _server.OkAsync("DELETE", V2 + "?fieldSelector=port=81");
        Assert.Equal(["b"], await NamesAsync(V1));
    }

    [Fact]
    public async Task ManagedFields_AreOfTheVersionThatEachManagerSpoke()
    {
        await StartAsync(Split);
        await _server.OkAsync("PATCH", V2 + "/a?fieldManager=two", """{"apiVersion":"stable.example.com/v2","kind":"Crd","metadata":{"name":"a"},"host":"h","port":"1"}""", "application/apply-patch+yaml");
        var (code, status) = await _server.SendAsync("PATCH", V1 + "/a?fieldManager=one", """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"hostPort":"h:2"}""", "application/apply-patch+yaml");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"two\": .port"), (code, status.GetString("message")));
        var merged = await _server.OkAsync("PATCH", V1 + "/a?fieldManager=one&force=true", """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"hostPort":"h:2"}""", "application/apply-patch+yaml");
        Assert.Equal("h:2", merged.GetString("hostPort"));
        var managers = (merged.GetPath("metadata", "managedFields") as JsonList)!.OfType<JsonMap>().ToDictionary(m => m.GetString("manager")!, m => $"{m.GetString("apiVersion")} {Text(m["fieldsV1"])}");
        Assert.Equal("stable.example.com/v1 {\"f:hostPort\":{}}", managers["one"]);
        Assert.Equal("stable.example.com/v2 {\"f:host\":{}}", managers["two"]);
    }

    [Theory]
    [InlineData("""{"result":{"status":"Failed","message":"cannot"}}""", "failed: cannot")]
    [InlineData("""{"result":{"status":"Failed"}}""", "failed: response.result.status was 'Failed', not 'Success'")]
    [InlineData("""{"uid":"other","result":{"status":"Success"}}""", "failed: expected response.uid=")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[]}""", "returned 0 objects, expected 1")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"stable.example.com/v9","kind":"Crd"}]}""", "returned invalid converted object at index 0: invalid groupVersion (expected stable.example.com/v2, received stable.example.com/v9)")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"stable.example.com/v2","kind":"Other"}]}""", "returned invalid converted object at index 0: invalid kind (expected Crd, received Other)")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"stable.example.com/v2","kind":"Crd","metadata":{"name":"b"}}]}""", "returned invalid converted object at index 0: must have the same name: a != b")]
    public async Task AnswerThatIsNone_FailsTheRequest(string answer, string why)
    {
        await StartAsync(_ => JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes(answer)));
        await _server.OkAsync("POST", V1, First);
        foreach (var path in new[] { V2 + "/a", V2 })
        {
            var (code, status) = await _server.SendAsync("GET", path);
            Assert.Equal(500, code);
            Assert.StartsWith("conversion webhook for stable.example.com/v1, Kind=Crd " + why, status.GetString("message"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Webhook_ChangesNoMetadataButLabelsAndAnnotations()
    {
        await StartAsync(request =>
        {
            var answer = Split(request);
            var metadata = ((JsonMap)answer.GetList("convertedObjects")![0]!).EnsureMap("metadata");
            metadata["labels"] = new JsonMap { ["from"] = "hook" };
            metadata["finalizers"] = new JsonList { "example.com/never" };
            metadata["resourceVersion"] = "1";
            return answer;
        });
        var created = await _server.OkAsync("POST", V1, First);
        var metadata = (await _server.OkAsync("GET", V2 + "/a")).GetMap("metadata")!;
        Assert.Equal("""{"from":"hook"}""", Text(metadata["labels"]));
        Assert.False(metadata.ContainsKey("finalizers"));
        Assert.Equal(created.GetPath("metadata", "resourceVersion"), metadata["resourceVersion"]);
    }

    [Fact]
    public async Task WithoutAWebhook_VersionsDifferInTheirSchemaOnly()
    {
        await StartAsync(null);
        await _server.OkAsync("POST", V2, """{"apiVersion":"stable.example.com/v2","kind":"Crd","metadata":{"name":"a"},"host":"h","port":"1"}""");
        Assert.False((await _server.OkAsync("GET", V1 + "/a")).ContainsKey("host"));
        Assert.Equal("h", (await _server.OkAsync("GET", V2 + "/a")).GetString("host"));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        if (_hook is not null)
            await _hook.DisposeAsync();
    }

    private string[] Stored() => [.. _server.Store.Current.Range(Timonier.Store.KeyRange.Prefix("stable.example.com/crds/")).Select(e => new Timonier.ApiServer.Registry.EncodedObject(e).Parse().GetString("apiVersion")!)];

    private async Task<IEnumerable<object?>> NamesAsync(string path) => (await _server.OkAsync("GET", path)).GetList("items")!.OfType<JsonMap>().Select(i => i.GetPath("metadata", "name"));

    /// <summary>hostPort of v1 is host and port of v2.</summary>
    private static JsonMap Split(JsonMap request)
    {
        var converted = new JsonList();
        foreach (var obj in request.GetList("objects")!.OfType<JsonMap>())
        {
            if (obj.GetString("hostPort") is { } both)
            {
                (obj["host"], obj["port"]) = (both.Split(':')[0], both.Split(':')[1]);
                obj.Remove("hostPort");
            }
            else if (obj.ContainsKey("host"))
            {
                obj["hostPort"] = $"{obj["host"]}:{obj["port"]}";
                obj.Remove("host");
                obj.Remove("port");
            }
            obj["apiVersion"] = request["desiredAPIVersion"];
            converted.Add(obj);
        }
        return new JsonMap { ["result"] = new JsonMap { ["status"] = "Success" }, ["convertedObjects"] = converted };
    }

    private async Task StartAsync(Func<JsonMap, JsonMap>? answer)
    {
        _hook = answer is null ? null : await FakeWebhook.StartAsync(answer);
        _server = await TestServer.StartAsync(o => o with { Strategies = new Dictionary<string, Strategy> { ["customresourcedefinitions.apiextensions.k8s.io"] = new DefinitionStrategy() } });
        var conversion = _hook is null ? """{"strategy":"None"}""" : """{"strategy":"Webhook","webhook":{"clientConfig":CLIENT,"conversionReviewVersions":["v1","v1beta1"]}}""".Replace("CLIENT", _hook.ClientConfig, StringComparison.Ordinal);
        await _server.OkAsync("POST", Definitions, """
            {"metadata":{"name":"crds.stable.example.com"},"spec":{"group":"stable.example.com","scope":"Namespaced","names":{"plural":"crds","kind":"Crd"},"conversion":CONVERSION,
            "versions":[{"name":"v1","served":true,"storage":true,"selectableFields":[{"jsonPath":".hostPort"}],"schema":{"openAPIV3Schema":{"type":"object","properties":{"hostPort":{"type":"string"}}}}},
            {"name":"v2","served":true,"storage":false,"selectableFields":[{"jsonPath":".host"},{"jsonPath":".port"}],"additionalPrinterColumns":[{"name":"Port","type":"string","jsonPath":".port"}],
            "schema":{"openAPIV3Schema":{"type":"object","properties":{"host":{"type":"string"},"port":{"type":"string"}}}}}]}}
            """.Replace("CONVERSION", conversion, StringComparison.Ordinal));
        await WaitAsync(async () => (await _server.SendAsync("GET", V1)).Code == 200);
    }

    private static async Task WaitAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; i < 500 && !await holds(); i++)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
    }

    private static string Text(object? value) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value));
}
