using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Fuzz.Tests.Engine;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>Where mutation begins: objects made after the schema, and the golden ones of ../shared where they are.</summary>
internal static class Corpus
{
    public static readonly ApiSchema Schema = new();

    private static readonly Lazy<IReadOnlyList<byte[]>> LazyObjects = new(() => [.. Made(), .. Golden("*.json")]);

    /// <summary>JSON objects of many kinds.</summary>
    public static IReadOnlyList<byte[]> Objects => LazyObjects.Value;

    /// <summary>The same in protobuf.</summary>
    public static IReadOnlyList<byte[]> Messages => [.. Objects.Take(150).Select(ToProtobuf).OfType<byte[]>(), .. Golden("*.pb")];

    public static IReadOnlyList<byte[]> Texts(params IEnumerable<string> texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    public static string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();

    private static IEnumerable<byte[]> Made()
    {
        var maker = new ObjectMaker(new Random(1)) { WrongOneIn = 1000 };
        return Schema.Resources.Where(one => one.Type.IsKind).Select(one => JsonEncoder.Encode(maker.Make(one, "a", "default"))).Where(one => one.Length < 20_000);
    }

    private static byte[]? ToProtobuf(byte[] json)
    {
        var obj = JsonParser.ParseMap(json);
        var type = Schema.FindKind(GroupVersion.Parse(obj.GetString("apiVersion")!), obj.GetString("kind")!);
        try
        {
            return type is null or { NoProto: true } ? null : ProtobufEncoder.EncodeObject(JsonEncoder.Encode(Api.Normalize.Normalizer.Normalize(obj, type)), type);
        }
        catch (ApiException)
        {
            return null; // one of the few with a value of a wrong type
        }
    }

    private static IEnumerable<byte[]> Golden(string pattern)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var golden = Path.Combine(folder.FullName, "shared", "kubernetes-api", "golden");
            if (Directory.Exists(golden))
                return Directory.GetFiles(golden, pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).Where(one => one.Length < 20_000);
        }
        return [];
    }
}
