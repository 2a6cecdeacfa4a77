using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Testing.Fakes;

/// <summary>The equality selectors ("a=b,c!=d", "a") and the resourceVersion of a query.</summary>
internal sealed record Selection(long Revision, string[] Labels, string[] Fields)
{
    public static Selection Parse(string query)
    {
        var values = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => Uri.UnescapeDataString(p[1]));
        long.TryParse(values.GetValueOrDefault("resourceVersion"), CultureInfo.InvariantCulture, out var revision);
        string[] Split(string name) => values.GetValueOrDefault(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        return new(revision, Split("labelSelector"), Split("fieldSelector"));
    }

    public bool Matches(JsonMap value) =>
        Labels.All(term => Holds(term, key => (value.GetPath("metadata", "labels") as JsonMap)?.GetString(key)))
        && Fields.All(term => Holds(term, key => value.GetPath(key.Split('.'))?.ToString()));

    private static bool Holds(string term, Func<string, string?> find)
    {
        var not = term.Split("!=", 2);
        if (not.Length == 2)
            return (find(not[0]) ?? "") != not[1];
        var equal = term.Split('=', 2);
        return equal.Length == 2 ? (find(equal[0]) ?? "") == equal[1] : find(term) is not null;
    }
}
