using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;

namespace Timonier.Api.Tests.Normalize;

public class NormalizerTests
{
    private static readonly ApiSchema Schema = new();

    internal static JsonMap Map(string json) => JsonParser.ParseMap(Encoding.UTF8.GetBytes(json));

    internal static string Text(object? tree) => Encoding.UTF8.GetString(JsonEncoder.Encode(tree));

    private static string Run(string type, string json) => Text(Normalizer.Normalize(Map(json), Schema.Type(type)));

    [Theory]
    [InlineData("core/v1.ConfigMap", """{"data":{"b":"2","a":"1"},"metadata":{"name":"x","namespace":"n"},"kind":"ConfigMap","apiVersion":"v1","binaryData":{}}""",
        """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","namespace":"n"},"data":{"a":"1","b":"2"}}""")]
    [InlineData("core/v1.Pod", """{"metadata":{"creationTimestamp":null,"labels":null},"spec":{"containers":null,"hostNetwork":false}}""",
        """{"metadata":{},"spec":{"containers":null},"status":{}}""")]
    [InlineData("core/v1.Container", """{"resources":{"requests":{"memory":"1024Mi","cpu":0.5}},"name":"c","ports":[{"containerPort":80}],"env":[]}""",
        """{"name":"c","ports":[{"containerPort":80}],"resources":{"requests":{"cpu":"500m","memory":"1Gi"}}}""")]
    [InlineData("core/v1.Container", """{"name":"c"}""", """{"name":"c","resources":{}}""")]
    [InlineData("core/v1.ServicePort", """{"port":80,"targetPort":"http","nodePort":0}""", """{"port":80,"targetPort":"http"}""")]
    [InlineData("core/v1.PodCondition", """{"status":"True","type":"Ready","lastTransitionTime":"2020-01-01T01:00:00.5+01:00"}""",
        """{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2020-01-01T00:00:00Z"}""")]
    [InlineData("core/v1.Secret", """{"data":{"a":"eA==\n"}}""", """{"metadata":{},"data":{"a":"eA=="}}""")]
    [InlineData("coordination.k8s.io/v1.Lease", """{"spec":{"renewTime":"2020-01-01T00:00:00.123456Z"}}""", """{"metadata":{},"spec":{"renewTime":"2020-01-01T00:00:00.123456Z"}}""")]
    [InlineData("core/v1.Volume", """{"name":"v","emptyDir":{"sizeLimit":"1.5Gi"}}""", """{"name":"v","emptyDir":{"sizeLimit":"1536Mi"}}""")]
    [InlineData("apiextensions.k8s.io/v1.JSONSchemaProps", """{"type":"object","additionalProperties":{"type":"string"},"items":[{"type":"string"}]}""",
        """{"type":"object","items":[{"type":"string"}],"additionalProperties":{"type":"string"}}""")]
    [InlineData("apps/v1.ControllerRevision", """{"revision":1}""", """{"metadata":{},"data":null,"revision":1}""")]
    public void Tree_GetsTheFormOfGo(string type, string input, string expected)
    {
        Assert.Equal(expected, Run(type, input));
        Assert.Equal(expected, Run(type, expected));
    }

    [Fact]
    public void UnknownFields_AreDroppedAndNamed()
    {
        var errors = new List<string>();
        var result = Normalizer.Normalize(
            Map("""{"kind":"Pod","x":1,"spec":{"foo":1,"containers":[{"name":"a"},{"name":"b","bar":{}}]},"metadata":{"labels":{"a":"b"},"baz":null}}"""), Schema.Type("core/v1.Pod"), errors);
        Assert.Equal(["unknown field \"x\"", "unknown field \"spec.foo\"", "unknown field \"spec.containers[1].bar\"", "unknown field \"metadata.baz\""], errors.Order(StringComparer.Ordinal).OrderBy(e => errors.IndexOf(e)));
        Assert.Equal("""{"kind":"Pod","metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","resources":{}},{"name":"b","resources":{}}]},"status":{}}""", Text(result));
    }

    [Theory]
    [InlineData("""{"spec":{"replicas":"three"}}""", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"replicas":3000000000}}""", "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"env":[{"value":1}]}]}}}}""", "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":{}}}}}""", "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container")]
    [InlineData("""{"metadata":[]}""", "json: cannot unmarshal array into Go struct field Deployment.metadata of type v1.ObjectMeta")]
    [InlineData("""{"metadata":{"deletionTimestamp":"soon"}}""", "parsing time \"soon\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"soon\" as \"2006\"")]
    public void WrongTypes_AreRefusedInUpstreamsWords(string input, string expected)
    {
        var map = Map(input);
        map["kind"] = "Deployment";
        map["apiVersion"] = "apps/v1";
        var e = Assert.Throws<ApiException>(() => Normalizer.Normalize(map, Schema.Type("apps/v1.Deployment")));
        Assert.Equal((400, "Deployment in version \"v1\" cannot be handled as a Deployment: " + expected), (e.Code, e.Message));
    }

    [Fact]
    public void Defaults_OfTheSchema_AreSetWhereNothingStands()
    {
        var type = Schema.Type("core/v1.ReplicationController");
        var map = Normalizer.Normalize(Map("""{"spec":{"template":{"spec":{"containers":[{"name":"c","ports":[{"containerPort":1},{"containerPort":2,"protocol":"UDP"}]}]}}}}"""), type);
        Defaults.Apply(map, type);
        Normalizer.Order(map, type);
        Assert.Equal(
            """{"metadata":{},"spec":{"replicas":1,"template":{"metadata":{},"spec":{"containers":[{"name":"c","ports":[{"containerPort":1,"protocol":"TCP"},{"containerPort":2,"protocol":"UDP"}],"resources":{}}]}}},"status":{"replicas":0}}""",
            Text(map));
    }

    [Fact]
    public void CustomTypes_AreOnlyPrunedAndOrdered()
    {
        var inner = new TypeSchema { Name = "spec", Custom = true, Fields = [new FieldSchema { Name = "n", Type = new(ValueKind.Int64), Default = "3" }, new FieldSchema { Name = "a", Type = new(ValueKind.String) }] };
        var root = new TypeSchema
        {
            Name = "Foo", Custom = true, IsKind = true, HasTypeMeta = true,
            Fields = [new FieldSchema { Name = "metadata", Type = new(Schema.Type("meta/v1.ObjectMeta")) }, new FieldSchema { Name = "spec", Type = new(inner) }],
        };
        var errors = new List<string>();
        var map = Normalizer.Normalize(Map("""{"spec":{"x":1,"n":null,"a":""},"kind":"Foo","apiVersion":"x/v1","metadata":{"labels":{},"name":"f"}}"""), root, errors);
        Assert.Equal("""{"apiVersion":"x/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"a":"","n":null}}""", Text(map));
        Assert.Equal(["unknown field \"spec.x\""], errors);
        Defaults.Apply(map, root);
        Assert.Equal(3L, map.GetPath("spec", "n"));
    }
}
