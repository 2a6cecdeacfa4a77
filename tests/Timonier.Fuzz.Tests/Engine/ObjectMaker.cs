using System.Globalization;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Fuzz.Tests.Engine;

/// <summary>Objects of any kind by chance, after the schema: right in form most of the time, wrong in one value now and then.</summary>
internal sealed class ObjectMaker(Random random)
{
    private const int DepthMax = 7;

    private static readonly string[] Texts =
        ["", "a", "b", "name-1", "app", "nginx:1.25", "/var/lib/x", "10.0.0.1", "fe80::1", "Always", "TCP", "http", "*", "app.kubernetes.io/name", "../..", "a b", "ü", "\u0000", "-1", "true", "null", "$(VAR)", "%s", new('x', 300)];

    /// <summary>One value in so many is of a wrong type.</summary>
    public int WrongOneIn { get; init; } = 60;

    public JsonMap Make(ResourceSchema resource, string name, string @namespace)
    {
        var obj = (JsonMap)Struct(resource.Type, 0);
        obj["apiVersion"] = resource.GroupVersion.ToString();
        obj["kind"] = resource.Kind;
        var metadata = obj.EnsureMap("metadata");
        metadata["name"] = name;
        metadata.Remove("resourceVersion");
        metadata.Remove("uid");
        metadata.Remove("deletionTimestamp");
        if (random.Next(4) > 0)
            metadata.Remove("managedFields");
        if (resource.Namespaced)
            metadata["namespace"] = @namespace;
        else
            metadata.Remove("namespace");
        return obj;
    }

    private object Struct(TypeSchema type, int depth)
    {
        var map = new JsonMap();
        if (type.HasTypeMeta && depth > 0)
            map["kind"] = Text();
        foreach (var field in type.JsonFields)
        {
            if (field.Required || random.Next(depth < 3 ? 2 : 5) == 0)
                map[field.Name] = random.Next(WrongOneIn) == 0 ? Wrong() : Value(field, field.Type, depth + 1);
        }
        return map;
    }

    private object? Value(FieldSchema? field, FieldType type, int depth)
    {
        if (field is { Enum.Count: > 0 } && random.Next(8) > 0)
            return field.Enum[random.Next(field.Enum.Count)];
        switch (type.Kind)
        {
            case ValueKind.String: return Text();
            case ValueKind.Int32 or ValueKind.Int64: return random.Next(6) == 0 ? Extreme() : random.Next(100);
            case ValueKind.Float64: return random.NextDouble() * 10;
            case ValueKind.Bool: return random.Next(2) == 0;
            case ValueKind.Bytes: return Convert.ToBase64String([1, 2, 3]);
            case ValueKind.Time: return "2026-01-02T03:04:05Z";
            case ValueKind.MicroTime: return "2026-01-02T03:04:05.000006Z";
            case ValueKind.Duration: return "1m0s";
            case ValueKind.Quantity: return random.Next(3) == 0 ? "1e3" : "100Mi";
            case ValueKind.IntOrString: return random.Next(2) == 0 ? "http" : 80L;
            case ValueKind.FieldsV1: return new JsonMap { ["f:metadata"] = new JsonMap { ["f:labels"] = new JsonMap { ["."] = new JsonMap() } } };
            case ValueKind.Any: return depth > DepthMax ? null : new JsonMap { ["a"] = Wrong(), ["b"] = new JsonList { 1L, Wrong() } };
            case ValueKind.Object: return depth > DepthMax ? new JsonMap() : Struct(type.Type!, depth);
            case ValueKind.List:
                return depth > DepthMax ? [] : new JsonList(Enumerable.Range(0, random.Next(3)).Select(_ => Value(null, type.Element!, depth + 1)));
            default:
                var map = new JsonMap();
                for (var i = random.Next(3); i > 0 && depth <= DepthMax; i--)
                    map[Text()] = Value(null, type.Element!, depth + 1);
                return map;
        }
    }

    /// <summary>Something that most fields are not.</summary>
    public object? Wrong() => random.Next(9) switch
    {
        0 => null, 1 => "", 2 => Extreme(), 3 => 1.5, 4 => true, 5 => new JsonMap(), 6 => new JsonList(), 7 => Deep(random.Next(190)), _ => Text(),
    };

    private static object? Deep(int levels)
    {
        object? value = 1L;
        for (var i = 0; i < levels; i++)
            value = i % 2 == 0 ? new JsonList { value } : new JsonMap { ["a"] = value };
        return value;
    }

    private object Extreme() => random.Next(6) switch { 0 => long.MaxValue, 1 => long.MinValue, 2 => -1L, 3 => 2147483648L, 4 => 0L, _ => (object)1e300 };

    private string Text() => random.Next(10) == 0 ? random.Next().ToString(CultureInfo.InvariantCulture) : Texts[random.Next(Texts.Length)];
}
