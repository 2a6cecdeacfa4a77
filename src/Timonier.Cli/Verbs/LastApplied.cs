using System.Text;
using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>The annotation in which client-side apply remembers what it was given.</summary>
internal static class LastApplied
{
    public const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>Null when the object was never applied, or the annotation cannot be read.</summary>
    public static JsonMap? Get(JsonMap obj)
    {
        if (obj.GetMap("metadata")?.GetMap("annotations")?.GetString(Annotation) is not { Length: > 0 } text)
            return null;
        try
        {
            return JsonParser.ParseMap(Encoding.UTF8.GetBytes(text));
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <summary>Puts the object as it is into its own annotation.</summary>
    public static void Set(JsonMap obj)
    {
        var annotations = obj.EnsureMap("metadata").EnsureMap("annotations");
        annotations.Remove(Annotation);
        annotations[Annotation] = Encoding.UTF8.GetString(JsonEncoder.Encode(Sorted(obj))) + "\n";
    }

    private static object? Sorted(object? value) => value switch
    {
        JsonMap map => map.OrderBy(e => e.Key, StringComparer.Ordinal).Aggregate(new JsonMap(), (sorted, e) =>
        {
            sorted[e.Key] = Sorted(e.Value);
            return sorted;
        }),
        JsonList list => new JsonList(list.Select(Sorted)),
        _ => value,
    };
}
