using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.Patches;

/// <summary>JSON Patch (RFC 6902), with the limits and refusals of upstream's API server.</summary>
public static class JsonPatch
{
    private const int OperationsMax = 10_000;

    /// <summary>What all "copy" operations of one patch may add, as upstream's: the limit of a request body.</summary>
    private const int CopiedBytesMax = 3 * 1024 * 1024;

    /// <param name="target">Changed in place, and lost when the patch is refused.</param>
    /// <param name="patch">The parsed body; must be a list of operations.</param>
    /// <returns>The patched document: <paramref name="target"/>, or another value when the patch replaces the root.</returns>
    /// <exception cref="ApiException">BadRequest: no patch; Invalid: an operation does not apply.</exception>
    public static object? Apply(object? target, object? patch)
    {
        if (patch is not JsonList operations)
            throw ApiException.BadRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
        if (operations.Count > OperationsMax)
            throw ApiException.RequestEntityTooLarge($"The allowed maximum operations in a JSON patch is {OperationsMax}, got {operations.Count}");
        var copied = 0L;
        foreach (var item in operations)
        {
            if (item is not JsonMap operation)
                throw ApiException.BadRequest("json: cannot unmarshal array into Go value of type jsonpatch.Operation");
            target = ApplyOne(target, operation, ref copied);
        }
        return target;
    }

    private static object? ApplyOne(object? root, JsonMap operation, ref long copied)
    {
        var path = Pointer(operation, "path");
        switch (operation.GetString("op"))
        {
            case "add":
                return Add(root, path, JsonTree.DeepClone(Value(operation)));
            case "remove":
                Remove(root, path);
                return root;
            case "replace":
                if (!TryGet(root, path, out _))
                    throw DoesNotApply();
                if (path.Length + JsonTree.DepthOf(Value(operation)) > JsonParser.MaxDepth)
                    throw DoesNotApply();
                return Set(root, path, JsonTree.DeepClone(Value(operation)));
            case "move":
                var from = Pointer(operation, "from");
                if (!TryGet(root, from, out var moved))
                    throw DoesNotApply();
                // A value cannot become its own descendant.
                if (path.Length > from.Length && path.AsSpan(0, from.Length).SequenceEqual(from))
                    throw DoesNotApply();
                Remove(root, from);
                return Add(root, path, moved);
            case "copy":
                if (!TryGet(root, Pointer(operation, "from"), out var source))
                    throw DoesNotApply();
                copied += SizeOf(source);
                if (copied > CopiedBytesMax)
                    throw DoesNotApply();
                return Add(root, path, JsonTree.DeepClone(source));
            case "test":
                var found = TryGet(root, path, out var actual);
                if (!JsonTree.DeepEquals(found ? actual : null, operation["value"]))
                    throw DoesNotApply();
                return root;
            default:
                throw DoesNotApply();
        }
    }

    /// <summary>Upstream answers every operation that fails so, without telling which.</summary>
    private static ApiException DoesNotApply() => new(422, "Invalid", "the server rejected our request due to an error in our request");

    private static object? Value(JsonMap operation) => operation.TryGetValue("value", out var value) ? value : throw DoesNotApply();

    private static string[] Pointer(JsonMap operation, string key)
    {
        var text = operation.GetString(key) ?? throw DoesNotApply();
        if (text.Length == 0)
            return [];
        if (text[0] != '/')
            throw DoesNotApply();
        var steps = text[1..].Split('/');
        for (var i = 0; i < steps.Length; i++)
            steps[i] = steps[i].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        return steps;
    }

    private static bool TryGet(object? node, ReadOnlySpan<string> path, out object? value)
    {
        value = node;
        foreach (var step in path)
        {
            switch (value)
            {
                case JsonMap map when map.TryGetValue(step, out value):
                    break;
                case JsonList list when Index(step, list.Count) is { } at && at < list.Count:
                    value = list[at];
                    break;
                default:
                    return false;
            }
        }
        return true;
    }

    private static object? Parent(object? root, string[] path) => TryGet(root, path.AsSpan(0, path.Length - 1), out var parent) ? parent : throw DoesNotApply();

    private static object? Add(object? root, string[] path, object? value)
    {
        // Operation by operation a patch could nest deeper than any stack.
        if (path.Length + JsonTree.DepthOf(value) > JsonParser.MaxDepth)
            throw DoesNotApply();
        if (path.Length == 0)
            return value;
        switch (Parent(root, path))
        {
            case JsonMap map:
                map[path[^1]] = value;
                return root;
            case JsonList list when path[^1] == "-":
                list.Add(value);
                return root;
            case JsonList list when Index(path[^1], list.Count + 1) is { } at && at <= list.Count:
                list.Insert(at, value);
                return root;
            default:
                throw DoesNotApply();
        }
    }

    private static object? Set(object? root, string[] path, object? value)
    {
        if (path.Length == 0)
            return value;
        switch (Parent(root, path))
        {
            case JsonMap map: map[path[^1]] = value; break;
            case JsonList list: list[Index(path[^1], list.Count)!.Value] = value; break;
        }
        return root;
    }

    private static void Remove(object? root, string[] path)
    {
        if (path.Length == 0)
            throw DoesNotApply();
        switch (Parent(root, path))
        {
            case JsonMap map when map.Remove(path[^1]):
                break;
            case JsonList list when Index(path[^1], list.Count) is { } at && at < list.Count:
                list.RemoveAt(at);
                break;
            default:
                throw DoesNotApply();
        }
    }

    /// <summary>Negative indices count from the end, as in upstream's library; null when the step is no index.</summary>
    private static int? Index(string step, int count)
    {
        if (!int.TryParse(step, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) || index < -count)
            return null;
        return index < 0 ? index + count : index;
    }

    private static long SizeOf(object? value)
    {
        var size = 8L;
        switch (value)
        {
            case string text:
                size += text.Length;
                break;
            case JsonMap map:
                foreach (var (key, item) in map)
                    size += key.Length + SizeOf(item);
                break;
            case JsonList list:
                foreach (var item in list)
                    size += SizeOf(item);
                break;
        }
        return size;
    }
}
