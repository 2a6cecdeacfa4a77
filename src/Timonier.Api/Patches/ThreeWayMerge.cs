using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Patches;

/// <summary>
/// What client-side apply makes of an object: fields of the last applied configuration that the new one leaves out are
/// removed, fields of the new one are set, all else stays. Lists merge by the schema's merge keys; without a schema they are replaced.
/// </summary>
public static class ThreeWayMerge
{
    /// <param name="lastApplied">Null when there is none: nothing is removed.</param>
    /// <returns>A new tree: <paramref name="live"/> with the changes. <see cref="MergePatch.Create"/> makes the patch of it.</returns>
    public static JsonMap Merge(JsonMap? lastApplied, JsonMap modified, JsonMap live, TypeSchema? type) =>
        MergeMap(lastApplied, modified, live, type is null ? null : new FieldType(type), retainKeys: false);

    private static JsonMap MergeMap(JsonMap? last, JsonMap modified, JsonMap live, FieldType? type, bool retainKeys)
    {
        var result = new JsonMap(live.Count + 4);
        foreach (var (key, value) in live)
        {
            var removed = !modified.TryGetValue(key, out var wanted) ? retainKeys || last?.ContainsKey(key) == true : wanted is null;
            if (!removed)
                result[key] = JsonTree.DeepClone(value);
        }
        foreach (var (key, value) in modified)
        {
            if (value is null)
                continue;
            var field = type is { Kind: ValueKind.Object } ? type.Type!.Field(key) : null;
            var fieldType = field?.Type ?? (type is { Kind: ValueKind.Map } ? type.Element : null);
            result[key] = (result[key], value) switch
            {
                (JsonMap old, JsonMap wanted) => MergeMap(last?.GetMap(key), wanted, old, fieldType, field?.PatchStrategy?.Contains("retainKeys", StringComparison.Ordinal) == true),
                (JsonList old, JsonList wanted) when field?.PatchStrategy?.StartsWith("merge", StringComparison.Ordinal) == true =>
                    MergeList(last?.GetList(key), wanted, old, fieldType!.Element, field.PatchMergeKey),
                _ => JsonTree.DeepClone(value),
            };
        }
        return result;
    }

    private static JsonList MergeList(JsonList? last, JsonList modified, JsonList live, FieldType? element, string? mergeKey)
    {
        object? KeyOf(object? item) => mergeKey is null ? item : (item as JsonMap)?[mergeKey];
        object? Find(JsonList? list, object? key) => list?.Find(i => JsonTree.DeepEquals(KeyOf(i), key));
        var result = new JsonList(live.Count + modified.Count);
        foreach (var wanted in modified)
        {
            result.Add((Find(live, KeyOf(wanted)), wanted) switch
            {
                (JsonMap old, JsonMap map) => MergeMap(Find(last, KeyOf(wanted)) as JsonMap, map, old, element, retainKeys: false),
                _ => JsonTree.DeepClone(wanted),
            });
        }
        // What only the server has keeps its place before the first of ours that followed it.
        for (var i = live.Count - 1; i >= 0; i--)
        {
            var key = KeyOf(live[i]);
            if (Find(modified, key) is not null || Find(last, key) is not null)
                continue;
            var after = i + 1 < live.Count ? result.FindIndex(r => JsonTree.DeepEquals(KeyOf(r), KeyOf(live[i + 1]))) : -1;
            result.Insert(after < 0 ? result.Count : after, JsonTree.DeepClone(live[i]));
        }
        return result;
    }
}
