namespace Timonier.Controllers.Common;

/// <summary>Changed copies of labels and annotations.</summary>
public static class Maps
{
    public static IReadOnlyDictionary<string, string> With(this IReadOnlyDictionary<string, string> map, string key, string value) =>
        new Dictionary<string, string>(map, StringComparer.Ordinal) { [key] = value };

    public static IReadOnlyDictionary<string, string> Without(this IReadOnlyDictionary<string, string> map, string key)
    {
        var copy = new Dictionary<string, string>(map, StringComparer.Ordinal);
        copy.Remove(key);
        return copy;
    }
}
