using System.Text;
using System.Text.Json;
using Timonier.Api.Apply;
using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
using Timonier.Fuzz.Tests.Engine;
using static Timonier.Fuzz.Tests.Targets.Corpus;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>The four patches and schemas of custom resources. An input is a JSON list: what there is, and what comes.</summary>
internal static class PatchTargets
{
    private const string Pod =
        """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"b"},"finalizers":["x/y"],"managedFields":[{"manager":"m","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}}]},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"A","value":"1"}]}],"tolerations":[{"key":"k"}]}}""";

    private static readonly IReadOnlyList<byte[]> Tokens = Texts(
        "\"$patch\":\"delete\",", "\"$patch\":\"replace\",", "\"$patch\":\"merge\",", "\"$retainKeys\":[\"name\"],", "\"$setElementOrder/containers\":[{\"name\":\"c\"}],", "\"$deleteFromPrimitiveList/finalizers\":[\"x/y\"],",
        "{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"},", "{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"},", "/-", "/0", "~0", "~1", "~2", "\"f:spec\":{},", "\"k:{\\\"name\\\":\\\"c\\\"}\":{},", "\"v:1\":{},", "\"i:0\":{},", "\".\":{},", "null", "{}", "[]");

    public static readonly FuzzTarget[] All =
    [
        Target("json-patch", RunJsonPatch,
            """[{"a":[1,2],"b":{"c":"d"}},[{"op":"add","path":"/a/-","value":3},{"op":"test","path":"/b/c","value":"d"},{"op":"move","from":"/a","path":"/e"},{"op":"copy","from":"/b","path":"/f"},{"op":"replace","path":"/b","value":null},{"op":"remove","path":"/e/-1"}]]""",
            $"[{{\"a\":1}},[{string.Join(',', Enumerable.Range(0, 60).Select(i => $"{{\"op\":\"copy\",\"from\":\"\",\"path\":\"/c{i}\"}}"))}]]",
            $"[{{}},[{string.Join(',', Enumerable.Range(0, 100).Select(i => $"{{\"op\":\"add\",\"path\":\"{Repeat("/a", (180 * i) + 1)}\",\"value\":{Repeat("{\"a\":", 180)}1{Repeat("}", 180)}}}"))}]]"),
        Target("merge-patch", RunMergePatch, """[{"a":{"b":1,"c":[1]}},{"a":{"b":null,"c":{"d":1}},"e":null}]"""),
        Target("strategic-patch", RunStrategic,
            $$$$"""[{{{{Pod}}}},{"spec":{"containers":[{"name":"c","ports":[{"containerPort":81}],"env":[{"name":"A","$patch":"delete"}]},{"name":"d","image":"x"}],"$setElementOrder/containers":[{"name":"d"},{"name":"c"}],"tolerations":[{"$patch":"replace"}]},"metadata":{"labels":{"a":null},"$deleteFromPrimitiveList/finalizers":["x/y"]}}]""",
            $$$$"""[{{{{Pod}}}},{"spec":{"volumes":[{"name":"v","$retainKeys":["name","emptyDir"],"emptyDir":{}}],"$patch":"merge","securityContext":{"$patch":"replace","runAsUser":1}}}]"""),
        Target("apply", RunApply,
            $$$$"""[{{{{Pod}}}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"n":"m"}},"spec":{"containers":[{"name":"c","image":"j"},{"name":"e","image":"k","ports":[{"containerPort":1},{"containerPort":1,"protocol":"UDP"}]}]}}]""",
            $$$$"""[null,{{{{Pod.Replace("managedFields", "annotations2", StringComparison.Ordinal)}}}}]"""),
        Target("crd-schema", RunSchema,
            """[{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1,"maximum":5,"multipleOf":2},"s":{"type":"string","pattern":"^[a-z]+$","format":"date-time","maxLength":3},"l":{"type":"array","items":{"type":"object","properties":{"k":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"uniqueItems":true},"m":{"type":"object","additionalProperties":{"type":"number"}},"x":{"x-kubernetes-int-or-string":true},"e":{"enum":[1,"a",null]}},"oneOf":[{"required":["a"]},{"not":{"required":["s"]}}]},{"a":2,"s":"abc","l":[{"k":"1"},{"k":"1"}],"m":{"z":1.5},"x":"1","e":"a"}]""",
            """[{"type":"string","pattern":"(a{1000}){1000}"},"aaaa"]""", """[{"type":"string","pattern":"(a*)*(b|c*)+$"},"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"]"""),
    ];

    private static FuzzTarget Target(string name, Func<object?, object?, bool> run, params string[] seeds) => new(name, input =>
    {
        try
        {
            return JsonParser.Parse(input) is JsonList { Count: 2 } pair && run(pair[0], pair[1]);
        }
        catch (Exception e) when (e is ApiException or JsonException)
        {
            return false;
        }
    }, Texts(seeds), Tokens) { Mutate = TreeMutator.Mutate };

    private static bool RunJsonPatch(object? target, object? patch) => Writable(JsonPatch.Apply(target, patch));

    private static bool RunMergePatch(object? target, object? patch)
    {
        if (target is not JsonMap map || patch is not JsonMap change)
            return false;
        MergePatch.Apply(map, change);
        return Writable(map);
    }

    private static bool RunStrategic(object? target, object? patch)
    {
        if (target is not JsonMap map || patch is not JsonMap change)
            return false;
        var type = TypeOf(map);
        return Writable(Normalizer.Normalize(StrategicMergePatch.Apply(Normalizer.Normalize(map, type), change, type), type));
    }

    private static bool RunApply(object? live, object? config)
    {
        if (config is not JsonMap wanted)
            return false;
        var type = TypeOf(wanted);
        var before = live is JsonMap map ? Normalizer.Normalize(map, type) : null;
        var context = new ApplyContext { Type = type, ApiVersion = "v1", Time = TimeProvider.System };
        var once = ServerSideApply.Apply(before, (JsonMap)JsonTree.DeepClone(wanted)!, "fuzz", force: true, context);
        Writable(once);
        return true;
    }

    private static bool RunSchema(object? schema, object? value)
    {
        if (schema is not JsonMap map)
            return false;
        SchemaValidator validator;
        try
        {
            validator = SchemaValidator.Compile(map);
        }
        catch (FormatException)
        {
            return false;
        }
        validator.Validate(value, null, "", new FieldErrors());
        return true;
    }

    private static TypeSchema TypeOf(JsonMap obj) =>
        Schema.FindKind(GroupVersion.Parse(obj.GetString("apiVersion") ?? ""), obj.GetString("kind") ?? "") ?? Schema.Type("core/v1.Pod");

    /// <summary>What is accepted can be stored and read again.</summary>
    private static bool Writable(object? tree)
    {
        JsonParser.Parse(JsonEncoder.Encode(tree));
        return true;
    }
}
