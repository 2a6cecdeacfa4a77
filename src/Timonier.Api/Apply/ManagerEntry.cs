using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Api.Apply;

/// <summary>One entry of metadata.managedFields: what one manager owns by one operation.</summary>
internal sealed record ManagerEntry(string Manager, string Operation, string ApiVersion, string Subresource, string? Time, FieldSet Set)
{
    public const string Apply = "Apply";
    public const string Update = "Update";

    public bool Applied => Operation == Apply;

    /// <summary>Entries of one identity are one; an applier's does not hang on the version.</summary>
    public bool SameManager(ManagerEntry other) =>
        Manager == other.Manager && Operation == other.Operation && Subresource == other.Subresource && (Applied || ApiVersion == other.ApiVersion);

    /// <summary>As conflicts name it.</summary>
    public string Describe()
    {
        var text = $"\"{Manager}\"";
        if (Subresource.Length > 0)
            text += $" with subresource \"{Subresource}\"";
        return Applied ? text : $"{text} using {ApiVersion}";
    }

    public static string Now(TimeProvider time) => time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads a managedFields list; null when it cannot be read, which upstream treats as none.</summary>
    public static List<ManagerEntry>? Decode(JsonList? list)
    {
        var entries = new List<ManagerEntry>(list?.Count ?? 0);
        foreach (var item in list ?? [])
        {
            if (item is not JsonMap map || map.GetString("operation") is not (Apply or Update) || map.GetString("fieldsType") != "FieldsV1")
                return null;
            try
            {
                entries.Add(new(map.GetString("manager") ?? "", map.GetString("operation")!, map.GetString("apiVersion") ?? "", map.GetString("subresource") ?? "",
                    map.GetString("time"), FieldSet.FromJson(map.GetMap("fieldsV1") ?? [])));
            }
            catch (FormatException)
            {
                return null;
            }
        }
        return entries;
    }

    /// <summary>Sorted as upstream: appliers first, then by time, name, version, subresource.</summary>
    public static JsonList Encode(List<ManagerEntry> entries)
    {
        var sorted = entries.OrderBy(e => e.Operation, StringComparer.Ordinal).ThenBy(e => e.Time ?? "", StringComparer.Ordinal)
            .ThenBy(e => e.Manager, StringComparer.Ordinal).ThenBy(e => e.ApiVersion, StringComparer.Ordinal).ThenBy(e => e.Subresource, StringComparer.Ordinal);
        var list = new JsonList(entries.Count);
        foreach (var entry in sorted)
        {
            var map = new JsonMap(7);
            if (entry.Manager.Length > 0)
                map.Append("manager", entry.Manager);
            map.Append("operation", entry.Operation);
            map.Append("apiVersion", entry.ApiVersion);
            if (entry.Time is not null)
                map.Append("time", entry.Time);
            map.Append("fieldsType", "FieldsV1");
            map.Append("fieldsV1", entry.Set.ToJson());
            if (entry.Subresource.Length > 0)
                map.Append("subresource", entry.Subresource);
            list.Add(map);
        }
        return list;
    }
}
