using System.Text;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.OpenApi;

namespace Timonier.ApiServer.Tests.OpenApi;

public class OpenApiDocumentsTests
{
    private static readonly ApiSchema Schema = new();
    private static readonly BuiltInOpenApi BuiltIn = new(Schema, ServedResources.Select(Schema, _ => false));
    internal static readonly OpenApiDocuments Plain = new(BuiltIn, [], [], "v1.36.0");

    internal static readonly CustomSchema Foo = new(
        new ResourceSchema
        {
            GroupVersion = new("stable.example.com", "v1"), Plural = "foos", Singular = "foo", Kind = "Foo", Namespaced = true, Type = new TypeSchema { Key = "foo" },
            Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], Subresources = [new SubresourceSchema("status", "Foo", null, ["get", "patch", "update"], false)],
        },
        "FooList",
        JsonParser.ParseMap("""
            {"description":"Foo for Testing","type":"object","properties":{
              "spec":{"type":"object","required":["a","b"],"properties":{"a":{"type":"string","pattern":"x|y"},"b":{"type":"string","nullable":true},"open":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"z":{"type":"string"}}}},"oneOf":[{}]}}}
            """u8));

    internal static readonly OpenApiDocuments WithCustom = new(BuiltIn, [Foo], [], "v1.36.0");

    internal static JsonMap Get(OpenApiDocuments documents, string path) => JsonParser.ParseMap(documents.Find(path, "application/json", null)!.Decompress());

    private static JsonMap Definition(OpenApiDocuments documents, string name) => (JsonMap)Get(documents, "/openapi/v2").GetMap("definitions")![name]!;

    [Fact]
    public void Swagger_IsOneDocument_WithEveryReferenceResolved()
    {
        var text = Encoding.UTF8.GetString(WithCustom.Find("/openapi/v2", null, null)!.Decompress());
        var definitions = JsonParser.ParseMap(Encoding.UTF8.GetBytes(text)).GetMap("definitions")!;
        foreach (var part in text.Split("\"#/definitions/").Skip(1))
            Assert.True(definitions.ContainsKey(part[..part.IndexOf('"')]), part[..part.IndexOf('"')]);
    }

    [Theory]
    [InlineData("/openapi/v3/api/v1")]
    [InlineData("/openapi/v3/apis/apps/v1")]
    [InlineData("/openapi/v3/apis/apiextensions.k8s.io/v1")]
    [InlineData("/openapi/v3/apis/stable.example.com/v1")]
    public void Document_HasEveryReferenceResolved(string path)
    {
        var text = Encoding.UTF8.GetString(WithCustom.Find(path, null, null)!.Decompress());
        var schemas = (JsonMap)JsonParser.ParseMap(Encoding.UTF8.GetBytes(text)).GetPath("components", "schemas")!;
        foreach (var part in text.Split("\"#/components/schemas/").Skip(1))
            Assert.True(schemas.ContainsKey(part[..part.IndexOf('"')]), part[..part.IndexOf('"')]);
    }

    [Fact]
    public void Pod_HasMergeKeysKindsAndRequired()
    {
        var spec = Definition(Plain, "io.k8s.api.core.v1.PodSpec");
        var containers = (JsonMap)spec.GetMap("properties")!["containers"]!;
        Assert.Equal("merge", containers.GetString("x-kubernetes-patch-strategy"));
        Assert.Equal("name", containers.GetString("x-kubernetes-patch-merge-key"));
        Assert.Equal(["name"], containers.GetList("x-kubernetes-list-map-keys")!);
        Assert.Equal(["containers"], spec.GetList("required")!);
        Assert.Equal("""[{"group":"","kind":"Pod","version":"v1"}]""", Encoding.UTF8.GetString(JsonEncoder.Encode(Definition(Plain, "io.k8s.api.core.v1.Pod")["x-kubernetes-group-version-kind"])));
    }

    [Fact]
    public void Patch_TellsItsTypesAndParameters()
    {
        var patch = (JsonMap)Get(Plain, "/openapi/v3/apis/apps/v1").GetMap("paths")!.GetMap("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")!["patch"]!;
        Assert.Equal("patchAppsV1NamespacedDeployment", patch.GetString("operationId"));
        Assert.True(((JsonMap)patch.GetPath("requestBody", "content")!).ContainsKey("application/strategic-merge-patch+json"));
        Assert.Contains(patch.GetList("parameters")!.Cast<JsonMap>(), p => p.GetString("name") == "fieldValidation");
        Assert.Equal("Deployment", patch.GetPath("x-kubernetes-group-version-kind", "kind"));
    }

    [Theory]
    [InlineData("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces")]
    [InlineData("/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog")]
    [InlineData("/apis/rbac.authorization.k8s.io/v1/clusterroles", "delete", "deleteCollectionRbacAuthorizationV1ClusterRole")]
    public void Operation_HasUpstreamsId(string path, string method, string id) =>
        Assert.Equal(id, ((JsonMap)Get(Plain, "/openapi/v2").GetMap("paths")!.GetMap(path)![method]!).GetString("operationId"));

    [Fact]
    public void CustomResource_IsPublishedForV2WithoutWhatKubectlCannotRead()
    {
        var definition = Definition(WithCustom, "com.example.stable.v1.Foo");
        Assert.Equal("Foo for Testing", definition.GetString("description"));
        var spec = (JsonMap)definition.GetMap("properties")!["spec"]!;
        Assert.False(spec.ContainsKey("oneOf"));
        Assert.Equal(["a"], spec.GetList("required")!);
        Assert.Equal("""{"x-kubernetes-preserve-unknown-fields":true}""", Encoding.UTF8.GetString(JsonEncoder.Encode(spec.GetMap("properties")!["open"])));
        Assert.True(definition.GetMap("properties")!.ContainsKey("metadata"));
    }

    [Fact]
    public void CustomResource_IsWholeInV3()
    {
        var schemas = (JsonMap)Get(WithCustom, "/openapi/v3/apis/stable.example.com/v1").GetPath("components", "schemas")!;
        Assert.True(((JsonMap)schemas.GetMap("com.example.stable.v1.Foo")!.GetMap("properties")!["spec"]!).ContainsKey("oneOf"));
        Assert.True(schemas.ContainsKey("com.example.stable.v1.FooList"));
    }

    [Fact]
    public void CustomResourceWithoutSchema_IsAnOpenObject()
    {
        var documents = new OpenApiDocuments(BuiltIn, [Foo with { Schema = null }], [], "v1.36.0");
        Assert.Equal("object", Definition(documents, "com.example.stable.v1.Foo").GetString("type"));
        Assert.False(Definition(documents, "com.example.stable.v1.Foo").ContainsKey("properties"));
    }

    [Fact]
    public void Etag_ChangesWithTheCustomResourcesAlone()
    {
        string Tag(OpenApiDocuments documents, string path) => documents.Find(path, null, null)!.ETag;
        Assert.NotEqual(Tag(Plain, "/openapi/v2"), Tag(WithCustom, "/openapi/v2"));
        Assert.Equal(Tag(Plain, "/openapi/v3/apis/apps/v1"), Tag(WithCustom, "/openapi/v3/apis/apps/v1"));
        Assert.Equal(Tag(WithCustom, "/openapi/v2"), Tag(new OpenApiDocuments(BuiltIn, [Foo], [], "v1.36.0"), "/openapi/v2"));
    }

    [Fact]
    public void Index_NamesHashes_UnderWhichDocumentsAreImmutable()
    {
        var url = (string)((JsonMap)Get(Plain, "/openapi/v3").GetMap("paths")!["apis/apps/v1"]!)["serverRelativeURL"]!;
        var parts = url.Split("?hash=");
        Assert.True(Plain.Find(parts[0], null, parts[1])!.Immutable);
        Assert.False(Plain.Find(parts[0], null, "other")!.Immutable);
        Assert.Null(Plain.Find("/openapi/v3/apis/nothing/v1", null, null));
        Assert.Throws<ApiException>(() => Plain.Find("/openapi/v2", "text/html", null));
    }

    /// <summary>Reads protobuf by hand: field number and payload of length-delimited fields.</summary>
    private static IEnumerable<(int Field, ReadOnlyMemory<byte> Value)> Fields(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        ulong Varint()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var b = message.Span[at++];
                value |= (ulong)(b & 0x7f) << shift;
                if (b < 0x80)
                    return value;
            }
        }
        while (at < message.Length)
        {
            var tag = Varint();
            switch (tag & 7)
            {
                case 0: Varint(); break;
                case 1: at += 8; break;
                default:
                    var length = (int)Varint();
                    yield return ((int)(tag >> 3), message.Slice(at, length));
                    at += length;
                    break;
            }
        }
    }

    [Fact]
    public void Protobuf_HasTheSameDefinitions()
    {
        var answer = WithCustom.Find("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", null)!;
        var names = Fields(answer.Decompress()).Where(f => f.Field == 9).SelectMany(f => Fields(f.Value)).Select(named => Encoding.UTF8.GetString(Fields(named.Value).First().Value.Span)).ToHashSet();
        Assert.Equal(Get(WithCustom, "/openapi/v2").GetMap("definitions")!.Keys.ToHashSet(), names);
    }
}
