using Timonier.Api.Apply;
using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.Apply;

/// <summary>
/// Server-side apply by what a schema says of its lists and maps, after upstream's integration tests of apply and structured-merge-diff's
/// (merge/set_test.go, nested_test.go, preserve_unknown_test.go, default_keys_test.go).
/// </summary>
public class CustomApplyTests
{
    private static readonly TypeSchema Type = CustomTypes.Compile("Thing", "e.io", "v1", (JsonMap)YamlReader.Read("""
        type: object
        properties:
          set: {type: array, x-kubernetes-list-type: set, items: {type: string}}
          numbers: {type: array, x-kubernetes-list-type: set, items: {type: integer}}
          atomicList: {type: array, x-kubernetes-list-type: atomic, items: {type: string}}
          atomicMap: {type: object, x-kubernetes-map-type: atomic, properties: {a: {type: string}, b: {type: string}}}
          map: {type: object, additionalProperties: {type: string}}
          ports: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [port, protocol], items: {type: object, required: [port], properties: {port: {type: integer}, protocol: {type: string, default: TCP}, name: {type: string}}}}
          outer: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}, inner: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], properties: {k: {type: string}, v: {type: integer}}}}}}}
          free: {type: object, x-kubernetes-preserve-unknown-fields: true}
          union: {x-kubernetes-int-or-string: true}
        """)!, new ApiSchema());

    private static readonly ApplyContext Context = new() { Type = Type, ApiVersion = "e.io/v1", Time = TimeProvider.System };

    /// <summary>Manager "a" applies, then "b" (or, where written "UPDATE ", updates the whole), then "a" again; what is then there.</summary>
    [Theory]
    // Sets: items are owned one by one.
    [InlineData("""{"set":["x","y"]}""", """{"set":["y","z"]}""", """{"set":["x"]}""", """{"set":["x","y","z"]}""")]
    [InlineData("""{"set":["x","y"]}""", """{"set":["z"]}""", """{"set":["x"]}""", """{"set":["x","z"]}""")]
    [InlineData("""{"numbers":[1,2]}""", """{"numbers":[3]}""", """{}""", """{"numbers":[3]}""")]
    [InlineData("""{"set":["x"]}""", """{}""", """{}""", """{}""")]
    // Maps of keys: an item's fields are owned one by one, the item goes with its last owner.
    [InlineData("""{"ports":[{"port":80,"name":"a"}]}""", """{"ports":[{"port":80,"protocol":"UDP","name":"u"}]}""", """{"ports":[{"port":81}]}""", """{"ports":[{"name":"u","port":80,"protocol":"UDP"},{"port":81,"protocol":"TCP"}]}""")]
    [InlineData("""{"ports":[{"port":80,"name":"a"}]}""", """{"ports":[{"port":80,"protocol":"TCP"}]}""", """{"ports":[]}""", """{"ports":[{"port":80,"protocol":"TCP"}]}""")]
    [InlineData("""{"outer":[{"name":"o","inner":[{"k":"1","v":1},{"k":"2","v":2}]}]}""", """{"outer":[{"name":"o","inner":[{"k":"3","v":3}]}]}""", """{"outer":[{"name":"o","inner":[{"k":"2","v":5}]}]}""", """{"outer":[{"inner":[{"k":"2","v":5},{"k":"3","v":3}],"name":"o"}]}""")]
    [InlineData("""{"outer":[{"name":"o","inner":[{"k":"1","v":1}]},{"name":"p"}]}""", """{"outer":[{"name":"p","inner":[{"k":"9"}]}]}""", """{}""", """{"outer":[{"inner":[{"k":"9"}],"name":"p"}]}""")]
    // Granular maps and untyped trees; lists within what is untyped are atomic.
    [InlineData("""{"map":{"a":"1","b":"2"}}""", """{"map":{"c":"3"}}""", """{"map":{"a":"1"}}""", """{"map":{"a":"1","c":"3"}}""")]
    [InlineData("""{"free":{"a":{"b":1,"c":2},"l":[1]}}""", """{"free":{"a":{"d":3}}}""", """{"free":{"a":{"b":1}}}""", """{"free":{"a":{"b":1,"d":3}}}""")]
    // Atomic: one value.
    [InlineData("""{"atomicList":["x","y"]}""", """{"map":{}}""", """{"atomicList":["y"]}""", """{"atomicList":["y"],"map":{}}""")]
    [InlineData("""{"atomicMap":{"a":"1","b":"2"}}""", """{}""", """{"atomicMap":{"a":"1"}}""", """{"atomicMap":{"a":"1"}}""")]
    [InlineData("""{"union":1}""", """{}""", """{"union":"50%"}""", """{"union":"50%"}""")]
    // What an update adds is not the applier's to remove.
    [InlineData("""{"set":["x"]}""", """UPDATE {"set":["x","y"]}""", """{"set":["x"]}""", """{"set":["x","y"]}""")]
    [InlineData("""{"map":{"a":"1"}}""", """UPDATE {"map":{"a":"1","b":"2"}}""", """{}""", """{"map":{"b":"2"}}""")]
    [InlineData("""{"map":{"a":"1"}}""", """UPDATE {"map":{"a":"2"}}""", """{}""", """{"map":{"a":"2"}}""")]
    public void Applies_MergeAsTheSchemaSays(string first, string second, string third, string expected)
    {
        var live = Apply(null, first, "a");
        live = second.StartsWith("UPDATE ", StringComparison.Ordinal) ? Update(live, second[7..], "b") : Apply(live, second, "b");
        live = Apply(live, third, "a");
        live.Remove("metadata");
        live.Remove("apiVersion");
        live.Remove("kind");
        Assert.Equal(Text(Map(expected)), Text(live));
    }

    /// <summary>"b" applies against "a": whose field it is, as the refusal names it; empty: no conflict.</summary>
    [Theory]
    [InlineData("""{"set":["x"]}""", """{"set":["x","y"]}""", "")]
    [InlineData("""{"map":{"a":"1"}}""", """{"map":{"a":"1"}}""", "")]
    [InlineData("""{"map":{"a":"1"}}""", """{"map":{"a":"2"}}""", "Apply failed with 1 conflict: conflict with \"a\": .map.a")]
    [InlineData("""{"atomicList":["x"]}""", """{"atomicList":["x","y"]}""", "Apply failed with 1 conflict: conflict with \"a\": .atomicList")]
    [InlineData("""{"atomicMap":{"a":"1"}}""", """{"atomicMap":{"b":"1"}}""", "Apply failed with 1 conflict: conflict with \"a\": .atomicMap")]
    [InlineData("""{"ports":[{"port":80,"name":"a"}]}""", """{"ports":[{"port":80,"protocol":"TCP","name":"b"}]}""", "Apply failed with 1 conflict: conflict with \"a\": .ports[port=80,protocol=\"TCP\"].name")]
    [InlineData("""{"outer":[{"name":"o","inner":[{"k":"1","v":1}]}]}""", """{"outer":[{"name":"o","inner":[{"k":"1","v":2}]}]}""", "Apply failed with 1 conflict: conflict with \"a\": .outer[name=\"o\"].inner[k=\"1\"].v")]
    [InlineData("""{"free":{"l":[1]},"map":{"a":"1"}}""", """{"free":{"l":[2]},"map":{"a":"2"}}""", "Apply failed with 2 conflicts: conflicts with \"a\":\n- .free.l\n- .map.a")]
    public void Conflict_NamesTheFieldAndItsManager(string first, string second, string expected)
    {
        var live = Apply(null, first, "a");
        var fault = Record.Exception(() => Apply(live, second, "b"));
        Assert.Equal(expected, (fault as ApiException)?.Message ?? "");
        var forced = Apply(live, second, "b", force: true);
        Assert.Contains("\"b\"", Text(forced.GetPath("metadata", "managedFields")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"set":["x","x"]}""", ".set: duplicate entries for key [=\"x\"]")]
    [InlineData("""{"ports":[{"port":80},{"port":80,"protocol":"TCP"}]}""", ".ports: duplicate entries for key [port=80,protocol=\"TCP\"]")]
    [InlineData("""{"ports":[{"name":"n"}]}""", ".ports: element 0: associative list with keys has an element that omits key field \"port\" (and doesn't have default value)")]
    [InlineData("""{"nope":1}""", ".nope: field not declared in schema")]
    [InlineData("""{"map":[1]}""", ".map: expected map, got &[1]")]
    public void ConfigurationThatDoesNotFit_IsRefused(string config, string expected) =>
        Assert.Equal($"failed to create typed patch object (/x; e.io/v1, Kind=Thing): {expected}", Assert.Throws<ApiException>(() => Apply(null, config, "a")).Message);

    [Theory]
    [InlineData("""{"map":{"b":"2"},"ports":[{"port":80,"name":"n"}]}""", """{"map":{"a":"1","b":"2"},"ports":[{"name":"n","port":80,"protocol":"TCP"}]}""")]
    [InlineData("""{"atomicMap":{"a":"1"}}""", "may not mutate atomic arrays, maps or structs: .atomicMap")]
    [InlineData("""{"nope":1}""", ".nope: field not declared in schema")]
    public void Part_IsMergedWithoutManagers(string part, string expected)
    {
        var live = Map("""{"map":{"a":"1"},"ports":[{"port":80,"protocol":"TCP"}]}""");
        var result = Record.Exception(() => StructuredMerge.Apply(live, Map(part), Type)) is ApiException refusal ? refusal.Message : Text(Normalizer.Normalize(StructuredMerge.Apply(live, Map(part), Type), Type));
        Assert.EndsWith(expected, result, StringComparison.Ordinal);
    }

    private static JsonMap Apply(JsonMap? live, string config, string manager, bool force = false)
    {
        var named = Map(config);
        (named["apiVersion"], named["kind"], named["metadata"]) = ("e.io/v1", "Thing", new JsonMap { ["name"] = "x" });
        var applied = ServerSideApply.Apply(live, named, manager, force, Context);
        Defaults.Apply(applied, Type);
        return applied;
    }

    private static JsonMap Update(JsonMap live, string now, string manager)
    {
        var obj = Map(now);
        (obj["apiVersion"], obj["kind"], obj["metadata"]) = ("e.io/v1", "Thing", live.GetMap("metadata")!.DeepClone());
        obj = Normalizer.Normalize(obj, Type);
        ManagedFields.Update(live, obj, manager, Context);
        return obj;
    }
}
