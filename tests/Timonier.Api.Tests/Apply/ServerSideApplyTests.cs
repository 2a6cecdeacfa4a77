using Timonier.Api.Apply;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.Apply;

public class ServerSideApplyTests
{
    private static readonly ApiSchema Schema = new();

    private readonly StoppedClock _clock = new();

    private ApplyContext Context(string type = "apps/v1.Deployment", string subresource = "") => new()
    {
        Type = Schema.Type(type), ApiVersion = type.StartsWith("core", StringComparison.Ordinal) ? "v1" : type[..type.IndexOf('.')], Subresource = subresource, Time = _clock,
        ResetFields = subresource.Length > 0 ? Map("""{"f:spec":{}}""") : Map("""{"f:status":{}}"""),
    };

    private sealed class StoppedClock : TimeProvider
    {
        public DateTimeOffset At { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => At;
    }

    private JsonMap Create(string json, string manager = "creator", string type = "apps/v1.Deployment")
    {
        var obj = Normalizer.Normalize(Map(json), Schema.Type(type));
        Defaults.Apply(obj, Schema.Type(type));
        ManagedFields.Update(null, obj, manager, Context(type));
        return obj;
    }

    private JsonMap Update(JsonMap live, string mergePatch, string manager, string subresource = "", string type = "apps/v1.Deployment")
    {
        var obj = live.DeepClone();
        Timonier.Api.Patches.MergePatch.Apply(obj, Map(mergePatch));
        obj = Normalizer.Normalize(obj, Schema.Type(type));
        ManagedFields.Update(live, obj, manager, Context(type, subresource));
        return obj;
    }

    private JsonMap Apply(JsonMap? live, string config, string manager, bool force = false, string type = "apps/v1.Deployment", string subresource = "") =>
        ServerSideApply.Apply(live, Map(config), manager, force, Context(type, subresource));

    private static string Fields(JsonMap obj, string manager) =>
        Text(obj.GetMap("metadata")!.GetList("managedFields")!.Cast<JsonMap>().Single(e => e.GetString("manager") == manager)["fieldsV1"]);

    private static string[] Managers(JsonMap obj) => [.. (obj.GetMap("metadata")!.GetList("managedFields") ?? []).Cast<JsonMap>().Select(e => $"{e.GetString("manager")}/{e.GetString("operation")}")];

    private const string Deployment = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"n","labels":{"app":"x"}},
         "spec":{"replicas":3,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}]}}}}
        """;

    [Fact]
    public void Create_OwnsAllThatIsSet_InTheFormOfUpstream()
    {
        var obj = Create(Deployment);
        Assert.Equal(
            """{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},"f:resources":{}}}}}}}""",
            Fields(obj, "creator"));
        var entry = (JsonMap)obj.GetMap("metadata")!.GetList("managedFields")![0]!;
        Assert.Equal("creator Update apps/v1 2026-01-01T00:00:00Z FieldsV1", $"{entry["manager"]} {entry["operation"]} {entry["apiVersion"]} {entry["time"]} {entry["fieldsType"]}");
    }

    [Fact]
    public void Update_TakesOverWhatItChanges()
    {
        var live = Create(Deployment);
        _clock.At += TimeSpan.FromHours(1);
        var obj = Update(live, """{"spec":{"replicas":5},"metadata":{"labels":{"app":null,"b":"c"}}}""", "scaler");
        Assert.Equal("""{"f:metadata":{"f:labels":{"f:b":{}}},"f:spec":{"f:replicas":{}}}""", Fields(obj, "scaler"));
        Assert.DoesNotContain("f:replicas", Fields(obj, "creator"), StringComparison.Ordinal);
        Assert.Contains("\"f:metadata\":{\"f:labels\":{}}", Fields(obj, "creator"), StringComparison.Ordinal);
        Assert.Equal(["creator/Update", "scaler/Update"], Managers(obj));
    }

    [Fact]
    public void Update_WithoutChange_KeepsEntriesAndTimes()
    {
        var live = Create(Deployment);
        _clock.At += TimeSpan.FromHours(1);
        Assert.True(JsonTree.DeepEquals(live, Update(live, "{}", "other")));
    }

    [Fact]
    public void Update_OfStatus_OwnsNoSpec_AndNamesItsSubresource()
    {
        var obj = Update(Create(Deployment), """{"status":{"replicas":1},"spec":{"replicas":9}}""", "controller", "status");
        var entry = obj.GetMap("metadata")!.GetList("managedFields")!.Cast<JsonMap>().Single(e => e.GetString("manager") == "controller");
        Assert.Equal("status", entry.GetString("subresource"));
        Assert.Equal("""{"f:status":{"f:replicas":{}}}""", Text(entry["fieldsV1"]));
    }

    [Fact]
    public void Update_WithOneEmptyEntry_ForgetsAll_AndTracksNothing()
    {
        var obj = Update(Create(Deployment), """{"metadata":{"managedFields":[{}]}}""", "m");
        Assert.Empty(Managers(obj));
        Assert.Empty(Managers(Update(obj, """{"spec":{"replicas":8}}""", "m")));
    }

    [Fact]
    public void ManyUpdaters_AreCapped()
    {
        var obj = Create(Deployment);
        for (var i = 0; i < 15; i++)
        {
            _clock.At += TimeSpan.FromMinutes(1);
            obj = Update(obj, """{"metadata":{"labels":{"lN":"x"}}}""".Replace("N", i.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal), $"m{i:00}");
        }
        var managers = Managers(obj);
        Assert.Equal(10, managers.Length);
        Assert.Equal("ancient-changes/Update", managers[0]);
        Assert.Contains("f:l5", Fields(obj, "ancient-changes"), StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_ToNothing_Creates()
    {
        var obj = Apply(null, Deployment, "me");
        Assert.Equal(["me/Apply"], Managers(obj));
        Assert.Equal(
            """{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}}}}""",
            Fields(obj, "me"));
        Assert.Equal(3L, obj.GetPath("spec", "replicas"));
    }

    [Fact]
    public void Apply_Again_ChangesNothing()
    {
        var live = Apply(null, Deployment, "me");
        _clock.At += TimeSpan.FromHours(1);
        Assert.True(JsonTree.DeepEquals(live, Apply(live, Deployment, "me")));
    }

    [Fact]
    public void Apply_ThatLeavesFieldsOut_RemovesThem_UnlessOthersOwnThem()
    {
        var config = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","labels":{"x":"y"}},"data":{"a":"1","b":"2","c":"3"}}""";
        var live = Apply(null, config, "me", type: "core/v1.ConfigMap");
        live = Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"b":"2"}}""", "you", type: "core/v1.ConfigMap");
        live = Update(live, """{"data":{"d":"4"}}""", "it", type: "core/v1.ConfigMap");
        var obj = Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}""", "me", type: "core/v1.ConfigMap");
        Assert.Equal("""{"a":"1","b":"2","d":"4"}""", Text(obj["data"]));
        Assert.Null(obj.GetMap("metadata")!.GetMap("labels"));
        Assert.Equal("""{"f:data":{"f:a":{}}}""", Fields(obj, "me"));
        var empty = Apply(obj, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}""", "me", type: "core/v1.ConfigMap");
        Assert.Equal("""{"b":"2","d":"4"}""", Text(empty["data"]));
        Assert.Equal(["you/Apply", "it/Update"], Managers(empty));
    }

    [Fact]
    public void Apply_OfListItems_MergesByKey_AndRemovesWholeItems()
    {
        static string Config(string containers) => """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":[""" + containers + "]}}}}";
        var live = Apply(null, Config("""{"name":"a","image":"1"},{"name":"b","image":"1"}"""), "me");
        live = Apply(live, Config("""{"name":"side","image":"s"}"""), "injector");
        var obj = Apply(live, Config("""{"name":"b","image":"2"},{"name":"c","image":"3"}"""), "me");
        Assert.Equal("""[{"name":"b","image":"2","resources":{}},{"name":"side","image":"s","resources":{}},{"name":"c","image":"3","resources":{}}]""",
            Text(obj.GetPath("spec", "template", "spec", "containers")));
    }

    [Fact]
    public void Apply_AgainstAnothersField_IsAConflict_UnlessForced()
    {
        var live = Create(Deployment, "kubectl-client-side-apply");
        const string Config = """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":7}}""";
        var e = Assert.Throws<ApiException>(() => Apply(live, Config, "me"));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas", e.Message);
        Assert.Equal((409, "Conflict"), (e.Code, e.Reason));
        Assert.Equal("""{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-client-side-apply\" using apps/v1","field":".spec.replicas"}]}""", Text(e.Details));
        var forced = Apply(live, Config, "me", force: true);
        Assert.Equal(7L, forced.GetPath("spec", "replicas"));
        Assert.DoesNotContain("f:replicas", Fields(forced, "kubectl-client-side-apply"), StringComparison.Ordinal);
        // The same value is shared, not fought over.
        var shared = Apply(live, Config.Replace('7', '3'), "me");
        Assert.Contains("f:replicas", Fields(shared, "kubectl-client-side-apply"), StringComparison.Ordinal);
        Assert.Contains("f:replicas", Fields(shared, "me"), StringComparison.Ordinal);
    }

    [Fact]
    public void Conflicts_OfSeveralManagers_AreListed()
    {
        var live = Apply(null, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}""", "me", type: "core/v1.ConfigMap");
        live = Update(live, """{"data":{"b":"3","c":"4"}}""", "it", type: "core/v1.ConfigMap");
        var e = Assert.Throws<ApiException>(() => Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"x","b":"x","c":"x"}}""", "you", type: "core/v1.ConfigMap"));
        Assert.Equal("Apply failed with 3 conflicts: conflicts with \"it\" using v1:\n- .data.b\n- .data.c\nconflicts with \"me\":\n- .data.a", e.Message);
    }

    [Fact]
    public void Apply_WithKubectl_AfterClientSideApply_TakesItsOwnFieldsOver()
    {
        var live = Create("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"1\"}}"}},"data":{"a":"1","b":"2"}}""",
            "kubectl-client-side-apply", "core/v1.ConfigMap");
        var obj = Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"9"}}""", "kubectl", type: "core/v1.ConfigMap");
        Assert.Equal("""{"a":"9","b":"2"}""", Text(obj["data"]));
        Assert.Equal("{\"apiVersion\":\"v1\",\"data\":{\"a\":\"9\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}\n", obj.GetPath("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"));
        Assert.Throws<ApiException>(() => Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"b":"9"}}""", "kubectl", type: "core/v1.ConfigMap"));
    }

    [Fact]
    public void Apply_ToAnObjectThatWasNeverTracked_GivesItABeforeFirstApply()
    {
        var live = Normalizer.Normalize(Map("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}"""), Schema.Type("core/v1.ConfigMap"));
        var e = Assert.Throws<ApiException>(() => Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"2"}}""", "me", type: "core/v1.ConfigMap"));
        Assert.Contains("conflict with \"before-first-apply\" using v1: .data.a", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"Deployment"}""", "Incorrect version specified in apply patch. Specified patch version: v1, expected: apps/v1")]
    [InlineData("""{"apiVersion":"apps/v1","metadata":{"managedFields":[]}}""", "metadata.managedFields must be nil")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"n"},"spec":{"foo":1}}""", "failed to create typed patch object (n/d; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":"x","template":{"spec":{"containers":[{"image":"x"}]}}}}""",
        "failed to create typed patch object (/d; apps/v1, Kind=Deployment): errors:\n  .spec.replicas: expected numeric (int or float), got x\n  .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field \"name\" (and doesn't have default value)")]
    public void Apply_OfWhatIsNoConfiguration_IsRefused(string config, string message) =>
        Assert.Equal(message, Assert.Throws<ApiException>(() => Apply(null, config, "me")).Message);

    [Fact]
    public void Manager_ComesFromTheOptionElseTheUserAgent()
    {
        Assert.Equal("m", ManagedFields.ManagerOf("m", "kubectl/v1"));
        Assert.Equal("kubectl", ManagedFields.ManagerOf("", "kubectl/v1.20 (linux)"));
        Assert.Equal("unknown", ManagedFields.ManagerOf(null, null));
    }

    [Fact]
    public void OtherVersions_OfManagers_AreConverted()
    {
        // The older version calls spec.replicas spec.count.
        TypeSchema Version(string field) => new()
        {
            Name = "Foo", Custom = true, IsKind = true, HasTypeMeta = true,
            Fields = [new FieldSchema { Name = "metadata", Type = new(Schema.Type("meta/v1.ObjectMeta")) }, new FieldSchema { Name = "spec", Type = new(new TypeSchema { Custom = true, Fields = [new FieldSchema { Name = field, Type = new(ValueKind.Int64) }] }) }],
        };
        var (oldType, newType) = (Version("count"), Version("replicas"));
        (JsonMap, TypeSchema)? Convert(JsonMap obj, string version)
        {
            var (from, to) = version == "x/v1" ? ("replicas", "count") : ("count", "replicas");
            var copy = obj.DeepClone();
            if (copy.GetMap("spec") is { } spec && spec.TryGetValue(from, out var n))
            {
                spec.Remove(from);
                spec[to] = n;
            }
            return (copy, version == "x/v1" ? oldType : newType);
        }
        ApplyContext At(string version) => new() { Type = version == "x/v1" ? oldType : newType, ApiVersion = version, Time = _clock, Convert = Convert };
        var live = ServerSideApply.Apply(null, Map("""{"apiVersion":"x/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"count":1}}"""), "old", false, At("x/v1"));
        var asNew = Convert(live, "x/v2")!.Value.Item1;
        var e = Assert.Throws<ApiException>(() => ServerSideApply.Apply(asNew, Map("""{"apiVersion":"x/v2","kind":"Foo","metadata":{"name":"f"},"spec":{"replicas":2}}"""), "new", false, At("x/v2")));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"old\": .spec.count", e.Message);
        var upgraded = ServerSideApply.Apply(asNew, Map("""{"apiVersion":"x/v2","kind":"Foo","metadata":{"name":"f"},"spec":{"replicas":2}}"""), "old", false, At("x/v2"));
        Assert.Equal(["old/Apply"], Managers(upgraded));
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", Fields(upgraded, "old"));
    }
}
