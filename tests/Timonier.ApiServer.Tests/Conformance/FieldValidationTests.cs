using System.Net.Http.Headers;
using System.Text;
using static Timonier.ApiServer.Tests.Conformance.FullServer;

namespace Timonier.ApiServer.Tests.Conformance;

/// <summary>Stands for upstream's "[sig-api-machinery] FieldValidation ..." of v1.27, one test for each of the seven.</summary>
public sealed class FieldValidationTests
{
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string Crds = "/apis/stable.example.com/v1/namespaces/default/crds";

    private const string Invalid = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"unknown1":"val1","unknownDupe":"valDupe","unknownDupe":"valDupe2","paused":true,"paused":false,
        "selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx","unknownNested":"val1","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}
        """;

    private const string Definition = """
        {"metadata":{"name":"crds.stable.example.com"},"spec":{"group":"stable.example.com","scope":"Namespaced","names":{"plural":"crds","kind":"Crd"},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":SCHEMA}}]}}
        """;

    private const string Ports = """
        {"type":"object","properties":{"spec":{"type":"object","PRESERVEproperties":{"knownField1":{"type":"string"},"ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["hostPort"],
        "items":{"type":"object","required":["hostPort"],"properties":{"hostPort":{"type":"integer"},"name":{"type":"string"}}}}}}}}
        """;

    /// <summary>should detect unknown and duplicate fields of a typed object</summary>
    [Fact]
    public async Task UnknownAndDuplicateFieldsOfATypedObject_AreDetected()
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Deployments + "?fieldValidation=Strict", Invalid);
        Assert.Equal((400, "BadRequest"), (code, status.GetString("reason")));
        foreach (var fault in new[] { "duplicate field \"spec.paused\"", "duplicate field \"spec.template.spec.containers[0].imagePullPolicy\"", "unknown field \"spec.unknown1\"", "unknown field \"spec.unknownDupe\"", "unknown field \"spec.template.spec.containers[0].unknownNested\"" })
            Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
        Assert.StartsWith("Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: ", status.GetString("message"), StringComparison.Ordinal);
        var warnings = await WarningsAsync(full, "POST", Deployments + "?fieldValidation=Warn&dryRun=All", Invalid);
        Assert.Contains("duplicate field \"spec.paused\"", warnings);
        Assert.Contains("unknown field \"spec.unknown1\"", warnings);
        Assert.Empty(await WarningsAsync(full, "POST", Deployments + "?fieldValidation=Ignore", Invalid));
        (code, status) = await full.Server.SendAsync("PATCH", Deployments + "/d?fieldValidation=Strict", """{"spec":{"paused":true,"paused":false,"unknown1":1}}""", "application/strategic-merge-patch+json");
        Assert.Equal(400, code);
        Assert.EndsWith("strict decoding error: duplicate field \"spec.paused\", unknown field \"spec.unknown1\"", status.GetString("message"), StringComparison.Ordinal);
        (code, status) = await full.Server.SendAsync("PATCH", Deployments + "/d?fieldValidation=Strict&fieldManager=m&force=true", Valid.Replace("  paused: true", "  paused: true\n  paused: false", StringComparison.Ordinal), "application/apply-patch+yaml");
        Assert.Equal(400, code);
        Assert.Contains("line 7: key \"paused\" already set in map", status.GetString("message"), StringComparison.Ordinal);
        (code, status) = await full.Server.SendAsync("PATCH", Deployments + "/d?fieldManager=m&force=true", Valid.Replace("  paused: true", "  paused: true\n  unknown1: x", StringComparison.Ordinal), "application/apply-patch+yaml");
        Assert.Equal((400, "failed to create typed patch object (default/d; apps/v1, Kind=Deployment): .spec.unknown1: field not declared in schema"), (code, status.GetString("message")));
        (code, status) = await full.Server.SendAsync("POST", Deployments + "?fieldValidation=Strict", Valid.Replace("  paused: true", "  paused: true\n  paused: false", StringComparison.Ordinal), "application/yaml");
        Assert.Equal((400, "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: yaml: unmarshal errors:\n  line 7: key \"paused\" already set in map"), (code, status.GetString("message")));
    }

    private const string Valid = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: d, namespace: default}
        spec:
          selector: {matchLabels: {app: nginx}}
          paused: true
          template: {metadata: {labels: {app: nginx}}, spec: {containers: [{name: nginx, image: nginx}]}}
        """;

    /// <summary>should detect unknown metadata fields of a typed object</summary>
    [Fact]
    public async Task UnknownMetadataFieldsOfATypedObject_AreDetected()
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Deployments + "?fieldValidation=Strict", Invalid.Replace("\"name\":\"d\"", "\"name\":\"d\",\"unknownMeta\":\"foo\"", StringComparison.Ordinal));
        Assert.Equal(400, code);
        Assert.Contains("unknown field \"metadata.unknownMeta\"", status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>should create/apply a CR with unknown fields for CRD with no validation schema</summary>
    [Fact]
    public async Task UnknownFieldsOfACustomResourceWithoutSchema_AreKept()
    {
        await using var full = await StartAsync();
        await full.DefineAsync(Definition.Replace("SCHEMA", """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""", StringComparison.Ordinal), Crds);
        var created = await full.Server.OkAsync("POST", Crds + "?fieldValidation=Strict", """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"spec":{"foo":{"bar":1}}}""");
        Assert.Equal(1L, created.GetPath("spec", "foo", "bar"));
        var applied = await full.Server.OkAsync("PATCH", Crds + "/b?fieldValidation=Strict&fieldManager=m", """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"b"},"spec":{"foo":{"bar":2}}}""", "application/apply-patch+yaml");
        Assert.Equal(2L, applied.GetPath("spec", "foo", "bar"));
    }

    /// <summary>should create/apply a valid CR for CRD with validation schema</summary>
    [Fact]
    public async Task ValidCustomResource_IsCreatedAndApplied()
    {
        await using var full = await StartAsync();
        await full.DefineAsync(Definition.Replace("SCHEMA", Ports.Replace("PRESERVE", "", StringComparison.Ordinal), StringComparison.Ordinal), Crds);
        const string Object = """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"spec":{"knownField1":"val1","ports":[{"name":"portName","hostPort":8080}]}}""";
        await full.Server.OkAsync("POST", Crds + "?fieldValidation=Strict", Object);
        await full.Server.OkAsync("PATCH", Crds + "/a?fieldValidation=Strict&fieldManager=m&force=true", Object, "application/apply-patch+yaml");
    }

    /// <summary>should create/apply an invalid CR with extra properties for CRD with validation schema</summary>
    [Fact]
    public async Task CustomResourceWithExtraProperties_IsRefusedOrPruned()
    {
        await using var full = await StartAsync();
        await full.DefineAsync(Definition.Replace("SCHEMA", Ports.Replace("PRESERVE", "", StringComparison.Ordinal), StringComparison.Ordinal), Crds);
        const string Object = """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"spec":{"unknown1":"x","knownField1":"val1","knownField1":"val2","ports":[{"name":"p","hostPort":8080,"unknownNested":1}]}}""";
        var (code, status) = await full.Server.SendAsync("POST", Crds + "?fieldValidation=Strict", Object);
        Assert.Equal((400, "Crd in version \"v1\" cannot be handled as a Crd: strict decoding error: duplicate field \"spec.knownField1\", unknown field \"spec.ports[0].unknownNested\", unknown field \"spec.unknown1\""), (code, status.GetString("message")));
        Assert.Equal(["duplicate field \"spec.knownField1\"", "unknown field \"spec.ports[0].unknownNested\"", "unknown field \"spec.unknown1\""], await WarningsAsync(full, "POST", Crds, Object));
        Assert.Equal("""{"knownField1":"val2","ports":[{"hostPort":8080,"name":"p"}]}""", Text((await full.Server.OkAsync("GET", Crds + "/a"))["spec"]));
        (code, status) = await full.Server.SendAsync("PATCH", Crds + "/a?fieldManager=m&force=true", Object, "application/apply-patch+yaml");
        Assert.Equal(400, code);
        Assert.Contains(".spec.unknown1: field not declared in schema", status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>should detect duplicates in a CR when preserving unknown fields</summary>
    [Fact]
    public async Task DuplicatesInACustomResource_AreDetectedWhereUnknownFieldsAreKept()
    {
        await using var full = await StartAsync();
        await full.DefineAsync(Definition.Replace("SCHEMA", Ports.Replace("PRESERVE", "x-kubernetes-preserve-unknown-fields\":true,\"", StringComparison.Ordinal), StringComparison.Ordinal), Crds);
        var (code, status) = await full.Server.SendAsync("POST", Crds + "?fieldValidation=Strict", """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a"},"spec":{"foo":"a","foo":"b"}}""");
        Assert.Equal(400, code);
        Assert.Contains("duplicate field \"spec.foo\"", status.GetString("message"), StringComparison.Ordinal);
        (code, status) = await full.Server.SendAsync("PATCH", Crds + "/a?fieldValidation=Strict&fieldManager=m", "apiVersion: stable.example.com/v1\nkind: Crd\nmetadata: {name: a}\nspec:\n  foo: a\n  foo: b\n", "application/apply-patch+yaml");
        Assert.Equal(400, code);
        Assert.Contains("line 6: key \"foo\" already set in map", status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>should detect unknown metadata fields in both the root and embedded object of a CR</summary>
    [Fact]
    public async Task UnknownMetadataOfACustomResourceAndWhatItEmbeds_IsDetected()
    {
        await using var full = await StartAsync();
        await full.DefineAsync(Definition.Replace("SCHEMA", """{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}}}""", StringComparison.Ordinal), Crds);
        var (code, status) = await full.Server.SendAsync("POST", Crds + "?fieldValidation=Strict",
            """{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"a","unknownMeta":"x"},"spec":{"template":{"apiVersion":"foo/v1","kind":"Sub","metadata":{"name":"subobject","unknownSubMeta":"y"}}}}""");
        Assert.Equal(400, code);
        Assert.Contains("unknown field \"metadata.unknownMeta\"", status.GetString("message"), StringComparison.Ordinal);
        Assert.Contains("unknown field \"spec.template.metadata.unknownSubMeta\"", status.GetString("message"), StringComparison.Ordinal);
    }

    private static async Task<List<string>> WarningsAsync(FullServer full, string method, string path, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await full.Server.Http.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return response.Headers.TryGetValues("Warning", out var warnings) ? [.. warnings.Select(w => w[7..^1].Replace("\\\"", "\"", StringComparison.Ordinal))] : [];
    }
}
