using System.Text;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.Fuzz.Tests.Engine;
using static Timonier.Fuzz.Tests.Targets.Corpus;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>JSON, YAML, protobuf and what turns trees into objects: what was read is written and read back the same.</summary>
internal static class CodecTargets
{
    private static readonly IReadOnlyList<byte[]> JsonTokens = Texts("{\"a\":", "[", "]", "}", ",", "null", "true", "\"", "\\u0000", "\\ud83d", "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}");

    private static readonly IReadOnlyList<byte[]> YamlTokens = Texts("&a ", "*a", "<<: *a\n", "- ", "? ", ": ", "|\n  ", ">-\n", "!!binary ", "!!float ", "!!set ", "---\n", "...\n", "%YAML 1.1\n", "\t", "# ", "{a: ", "[", "'", "\"\\x41", "~", "0o17", ".inf", "2001-01-01");

    public static readonly FuzzTarget[] All =
    [
        new("json", RunJson, [.. Objects.Take(60), .. Texts("", "[1.5e3,-0,1e999]", Repeat("[", 3000), Repeat("{\"a\":", 3000), "{\"a\":1,\"a\":2}", "\"\\ud800\"", "1" + Repeat("0", 5000))], JsonTokens) { Mutate = TreeMutator.Mutate },
        new("yaml", RunYaml, YamlSeeds(), YamlTokens),
        new("protobuf", RunProtobuf, Messages, [[0x0a, 0x00], [0xff, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], [0x0b], [0x0c], [0x12, 0x02, 0x12, 0x00]]) { Mutate = ProtobufMutator.Mutate },
        new("normalize", RunNormalize, Objects, JsonTokens) { Mutate = TreeMutator.Mutate },
    ];

    private static IReadOnlyList<byte[]> YamlSeeds() =>
    [
        .. Objects.Take(40).Select(json => Encoding.UTF8.GetBytes(YamlWriter.Write(JsonParser.Parse(json)))),
        .. Texts(
            "a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}, e: ~}\n", "? [1]\n: 2\n", "- |\n  text\n- >-\n  folded\n", "!!binary aGk=", "a: 0x1f\nb: 1e999\nc: .nan\nd: 0b11\n", Repeat("[", 3000), Repeat("- ", 3000), Repeat("? ", 500),
            "a: &a [x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(0, 8).Select(i => $"{(char)('b' + i)}: &{(char)('b' + i)} [{string.Join(',', Enumerable.Repeat("*" + (char)('a' + i), 9))}]\n")),
            string.Concat(Enumerable.Range(0, 30).Select(i => $"k{i}: &k{i} {Repeat("[", 190)}{(i == 0 ? "1" : $"*k{i - 1}")}{Repeat("]", 190)}\n"))),
    ];

    private static bool RunJson(byte[] input)
    {
        object? tree;
        try
        {
            tree = JsonParser.Parse(input, _ => { });
        }
        catch (JsonException)
        {
            return false;
        }
        if (!JsonTree.DeepEquals(JsonParser.Parse(JsonEncoder.Encode(tree)), tree))
            throw new FuzzException("JSON that is written differs from what was read");
        return true;
    }

    private static bool RunYaml(byte[] input)
    {
        object? tree;
        try
        {
            tree = YamlReader.Read(input, _ => { });
        }
        catch (FormatException)
        {
            return false;
        }
        if (!JsonTree.DeepEquals(JsonParser.Parse(JsonEncoder.Encode(tree)), tree))
            throw new FuzzException("YAML as JSON differs from what was read");
        if (!JsonTree.DeepEquals(YamlReader.Read(YamlWriter.Write(tree)), tree))
            throw new FuzzException("YAML that is written differs from what was read");
        return true;
    }

    private static bool RunProtobuf(byte[] input)
    {
        JsonMap tree;
        TypeSchema type;
        try
        {
            var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(input);
            if ((Schema.FindKind(GroupVersion.Parse(apiVersion), kind) ?? Schema.FindType("core/v1.Pod")) is not { NoProto: false } found)
                return false;
            tree = ProtobufDecoder.Decode(message.Span, type = found, apiVersion, kind);
        }
        catch (ApiException)
        {
            return false;
        }
        Rewrite(tree, type);
        return true;
    }

    private static bool RunNormalize(byte[] input)
    {
        JsonMap tree;
        TypeSchema type;
        try
        {
            var map = JsonParser.ParseMap(input);
            type = Schema.FindKind(GroupVersion.Parse(map.GetString("apiVersion") ?? ""), map.GetString("kind") ?? "") ?? Schema.Type("core/v1.Pod");
            tree = Normalizer.Normalize(map, type, []);
        }
        catch (Exception e) when (e is ApiException or JsonException)
        {
            return false;
        }
        if (!type.NoProto)
            Rewrite(tree, type);
        return true;
    }

    /// <summary>To protobuf and back: a second time gives the very same.</summary>
    private static void Rewrite(JsonMap tree, TypeSchema type)
    {
        var first = Again(JsonEncoder.Encode(tree), type);
        if (!first.AsSpan().SequenceEqual(Again(first, type)))
            throw new FuzzException($"{type} through protobuf twice differs from once");
    }

    private static byte[] Again(byte[] json, TypeSchema type)
    {
        var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(ProtobufEncoder.EncodeObject(json, type));
        return JsonEncoder.Encode(ProtobufDecoder.Decode(message.Span, type, apiVersion, kind));
    }
}
