using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Patches;

/// <summary>
/// Upstream's strategic merge patch: as a merge patch, but lists merge by the schema's patch strategy and merge key, and the patch
/// may hold directives: $patch (replace, delete), $retainKeys, $setElementOrder/FIELD, $deleteFromPrimitiveList/FIELD.
/// Source: apimachinery strategicpatch.
/// </summary>
public static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeleteFromPrimitiveList = "$deleteFromPrimitiveList/";
    private const string SetElementOrder = "$setElementOrder/";

    /// <param name="target">Changed in place, and lost when the patch is refused.</param>
    /// <returns>The patched object: <paramref name="target"/>, or another when the patch replaces the whole.</returns>
    /// <exception cref="ApiException">BadRequest: directives that contradict, or a list item without its merge key.</exception>
    public static JsonMap Apply(JsonMap target, JsonMap patch, TypeSchema type) => MergeMap(target, patch, new FieldType(type));

    private static JsonMap MergeMap(JsonMap original, JsonMap patch, FieldType? type)
    {
        if (patch.TryGetValue(Directive, out var directive))
        {
            return directive switch
            {
                "replace" => Clean(patch),
                "delete" => [],
                _ => throw ApiException.BadRequest($"unknown patch type found: {directive}"),
            };
        }
        if (patch.TryGetValue(RetainKeys, out var retained))
            ApplyRetainKeys(original, patch, retained);
        var done = ApplyElementOrders(original, patch, type);
        foreach (var (patchKey, value) in patch)
        {
            if (patchKey == RetainKeys || patchKey.StartsWith(SetElementOrder, StringComparison.Ordinal) || done?.Contains(patchKey) == true)
                continue;
            var deletes = patchKey.StartsWith(DeleteFromPrimitiveList, StringComparison.Ordinal);
            var key = deletes ? patchKey[DeleteFromPrimitiveList.Length..] : patchKey;
            if (value is null)
            {
                original.Remove(key);
                continue;
            }
            var (fieldType, field) = Lookup(type, key);
            var present = original.TryGetValue(key, out var old);
            if (deletes)
            {
                if (old is JsonList scalars && value is JsonList gone)
                    scalars.RemoveAll(s => gone.Exists(g => JsonTree.DeepEquals(g, s)));
                continue;
            }
            original[key] = (present ? old : null, value) switch
            {
                (JsonMap oldMap, JsonMap newMap) when !Replaces(field) => MergeMap(oldMap, newMap, fieldType),
                (JsonList oldList, JsonList newList) when Merges(field) => MergeList(oldList, newList, fieldType?.Element, field!.PatchMergeKey),
                _ => CleanValue(value),
            };
        }
        return original;
    }

    private static (FieldType? Type, FieldSchema? Field) Lookup(FieldType? type, string key) => type?.Kind switch
    {
        ValueKind.Object => type.Type!.Field(key) is { } field ? (field.Type, field) : (null, null),
        ValueKind.Map => (type.Element, null),
        _ => (null, null),
    };

    private static bool Merges(FieldSchema? field) => field?.PatchStrategy is "merge" or "merge,retainKeys";

    private static bool Replaces(FieldSchema? field) => field?.PatchStrategy is "replace" or "replace,retainKeys";

    private static void ApplyRetainKeys(JsonMap original, JsonMap patch, object? retained)
    {
        if (retained is not JsonList keys)
            throw ApiException.BadRequest("invalid patch format of retainKeys");
        foreach (var key in patch.Keys)
        {
            if (key != RetainKeys && !key.StartsWith('$') && patch[key] is not null && !keys.Contains(key))
                throw ApiException.BadRequest("invalid patch format of retainKeys");
        }
        foreach (var key in original.Keys.ToArray())
        {
            if (!keys.Contains(key))
                original.Remove(key);
        }
    }

    /// <summary>Merges the lists that $setElementOrder names and orders them; answers with the keys that are done.</summary>
    private static HashSet<string>? ApplyElementOrders(JsonMap original, JsonMap patch, FieldType? type)
    {
        HashSet<string>? done = null;
        foreach (var (directive, value) in patch)
        {
            if (!directive.StartsWith(SetElementOrder, StringComparison.Ordinal))
                continue;
            var order = value as JsonList ?? throw ApiException.BadRequest("invalid patch format of setElementOrder list");
            var key = directive[SetElementOrder.Length..];
            var (fieldType, field) = Lookup(type, key);
            var mergeKey = field?.PatchMergeKey;
            var oldList = original.GetList(key);
            var newList = patch.GetList(key);
            (done ??= []).Add(key);
            if (patch.TryGetValue(key, out var written) && written is null)
            {
                original.Remove(key);
                continue;
            }
            if (newList is not null && mergeKey is not null)
                CheckOrder(newList, order, mergeKey);
            var serverOrder = oldList is null ? new JsonList() : new JsonList(oldList);
            JsonList merged;
            if (oldList is null)
            {
                if (newList is null)
                    continue;
                merged = (JsonList)CleanValue(newList)!;
            }
            else
            {
                merged = newList is null ? oldList : Merges(field) ? MergeList(oldList, newList, fieldType?.Element, mergeKey) : (JsonList)CleanValue(newList)!;
            }
            original[key] = OrderElements(merged, order, serverOrder, mergeKey);
        }
        return done;
    }

    /// <summary>Every item of the patch, but those that are deleted, stands in the order list, in the same order.</summary>
    private static void CheckOrder(JsonList items, JsonList order, string mergeKey)
    {
        var at = 0;
        foreach (var item in items)
        {
            if (item is not JsonMap map || map.ContainsKey(Directive))
                continue;
            while (at < order.Count && !Same(order[at], item, mergeKey))
                at++;
            if (at == order.Count)
                throw ApiException.BadRequest("invalid patch format of setElementOrder list");
        }
    }

    private static JsonList MergeList(JsonList original, JsonList patch, FieldType? element, string? mergeKey)
    {
        if (original.Count == 0 && patch.Count == 0)
            return original;
        if (!original.Concat(patch).All(i => i is JsonMap))
        {
            var scalars = new JsonList();
            foreach (var item in original.Concat(patch))
            {
                if (item is JsonList)
                    throw ApiException.BadRequest("lists of lists are not supported");
                if (!scalars.Exists(s => JsonTree.DeepEquals(s, item)))
                    scalars.Add(item);
            }
            return OrderElements(scalars, patch, original, null);
        }
        if (mergeKey is null)
            throw ApiException.BadRequest($"cannot merge lists without merge key for {element?.Type?.Name}");
        var serverOrder = new JsonList(original);
        var additions = new JsonList();
        var replace = false;
        foreach (var item in patch.Cast<JsonMap>())
        {
            if (!item.TryGetValue(Directive, out var directive))
            {
                additions.Add(item);
                continue;
            }
            switch (directive)
            {
                case "delete":
                    if (!item.ContainsKey(mergeKey))
                        throw NoMergeKey(item, mergeKey);
                    original.RemoveAll(o => Same(o, item, mergeKey));
                    break;
                case "replace":
                    replace = true;
                    break;
                default:
                    throw ApiException.BadRequest($"unknown patch type found: {directive}");
            }
        }
        if (replace)
            return (JsonList)CleanValue(additions)!;
        foreach (var item in additions.Cast<JsonMap>())
        {
            if (!item.ContainsKey(mergeKey))
                throw NoMergeKey(item, mergeKey);
            var at = original.FindIndex(o => Same(o, item, mergeKey));
            if (at >= 0)
                original[at] = MergeMap((JsonMap)original[at]!, item, element);
            else
                original.Add(Clean(item));
        }
        return OrderElements(original, additions, serverOrder, mergeKey);
    }

    private static ApiException NoMergeKey(JsonMap item, string mergeKey) =>
        ApiException.BadRequest($"map: {Encoding.UTF8.GetString(JsonEncoder.Encode(item))} does not contain declared merge key: {mergeKey}");

    /// <summary>
    /// Items that the patch names follow the patch's order, the others the server's; where both meet, a server-only item
    /// stands first only if it stood before the patch's item on the server. New items so come before what follows on the server.
    /// </summary>
    private static JsonList OrderElements(JsonList items, JsonList patchOrder, JsonList serverOrder, string? mergeKey)
    {
        int IndexIn(JsonList order, object? item) => order.FindIndex(o => Same(o, item, mergeKey));
        var fromPatch = new List<(object? Item, int At, int Server)>();
        var serverOnly = new List<(object? Item, int At)>();
        foreach (var item in items)
        {
            var at = IndexIn(patchOrder, item);
            if (at >= 0)
                fromPatch.Add((item, at, IndexIn(serverOrder, item)));
            else
                serverOnly.Add((item, IndexIn(serverOrder, item)));
        }
        fromPatch = [.. fromPatch.OrderBy(p => p.At)];
        serverOnly = [.. serverOnly.OrderBy(p => p.At)];
        var result = new JsonList(items.Count);
        int left = 0, right = 0;
        while (left < serverOnly.Count || right < fromPatch.Count)
        {
            var takeServer = right == fromPatch.Count
                || (left < serverOnly.Count && serverOnly[left].At >= 0 && fromPatch[right].Server >= 0 && serverOnly[left].At < fromPatch[right].Server);
            result.Add(takeServer ? serverOnly[left++].Item : fromPatch[right++].Item);
        }
        return result;
    }

    private static bool Same(object? a, object? b, string? mergeKey) =>
        mergeKey is null ? JsonTree.DeepEquals(a, b) : a is JsonMap x && b is JsonMap y && x.TryGetValue(mergeKey, out var i) && y.TryGetValue(mergeKey, out var j) && JsonTree.DeepEquals(i, j);

    /// <summary>A copy without directives, nulls and items that are to be deleted: what stands where nothing stood.</summary>
    private static JsonMap Clean(JsonMap patch)
    {
        var clean = new JsonMap(patch.Count);
        foreach (var (key, value) in patch)
        {
            if (value is not null && !key.StartsWith('$'))
                clean[key] = CleanValue(value);
        }
        return clean;
    }

    private static object? CleanValue(object? value)
    {
        switch (value)
        {
            case JsonMap map:
                return map.GetString(Directive) == "delete" ? new JsonMap() : Clean(map);
            case JsonList list:
                var clean = new JsonList(list.Count);
                foreach (var item in list)
                {
                    if (item is not JsonMap map || !map.TryGetValue(Directive, out var directive) || (directive is not "delete" && map.Count > 1))
                        clean.Add(CleanValue(item));
                }
                return clean;
            default:
                return value;
        }
    }
}
