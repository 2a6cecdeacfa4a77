using Timonier.Api.Json;

namespace Timonier.Api.Apply;

/// <summary>What changed between two trees.</summary>
internal readonly record struct Comparison(FieldSet Added, FieldSet Modified, FieldSet Removed)
{
    public static readonly Comparison Same = new(FieldSet.Empty, FieldSet.Empty, FieldSet.Empty);

    public bool IsSame => Added.IsEmpty && Modified.IsEmpty && Removed.IsEmpty;

    public FieldSet Changed => Added.Union(Modified);

    /// <summary>Without fields that the request cannot change.</summary>
    public Comparison Without(FieldSet ignored) =>
        ignored.IsEmpty ? this : new(Added.RecursiveDifference(ignored), Modified.RecursiveDifference(ignored), Removed.RecursiveDifference(ignored));
}

/// <summary>The operations of structured-merge-diff on trees, each guided by the schema through a <see cref="Place"/>.</summary>
internal static class TypedTree
{
    /// <summary>Compares two trees that both are there.</summary>
    public static Comparison Compare(object? old, object? now, Place place)
    {
        var shape = place.ShapeOf(now ?? old);
        switch (shape)
        {
            case Shape.Struct or Shape.Map when old is JsonMap or null && now is JsonMap or null && !(IsEmpty(old) && IsEmpty(now)):
                return CompareMaps(old as JsonMap ?? [], now as JsonMap ?? [], place, shape);
            case Shape.ListOfMaps or Shape.SetOfScalars when old is JsonList or null && now is JsonList or null && !(IsEmpty(old) && IsEmpty(now)):
                return CompareLists(old as JsonList ?? [], now as JsonList ?? [], place);
            default:
                return JsonTree.DeepEquals(old, now) ? Comparison.Same : Comparison.Same with { Modified = FieldSet.Leaf };
        }
    }

    private static bool IsEmpty(object? value) => value is null or JsonMap { Count: 0 } or JsonList { Count: 0 };

    private static Comparison CompareMaps(JsonMap old, JsonMap now, Place place, Shape shape)
    {
        FieldSet.Builder added = new(), modified = new(), removed = new();
        foreach (var (key, value) in old)
        {
            if (!now.TryGetValue(key, out var newValue))
            {
                removed.Add("f:" + key, Whole(value, place.Under(key)));
                continue;
            }
            // Most of an update is unchanged, and most values are scalars: no step is made for them.
            if (ReferenceEquals(value, newValue) || (value is string a && newValue is string b && a == b))
                continue;
            var inner = Compare(value, newValue, place.Under(key));
            if (inner.IsSame)
                continue;
            var step = "f:" + key;
            added.Add(step, inner.Added);
            modified.Add(step, inner.Modified);
            removed.Add(step, inner.Removed);
        }
        foreach (var (key, value) in now)
        {
            if (!old.ContainsKey(key))
                added.Add("f:" + key, Whole(value, place.Under(key)));
        }
        return new(added.Build(false), modified.Build(false), removed.Build(false));
    }

    private static Comparison CompareLists(JsonList old, JsonList now, Place place)
    {
        FieldSet.Builder added = new(), modified = new(), removed = new();
        var oldItems = Group(old, place);
        var newItems = Group(now, place);
        foreach (var (step, items) in oldItems)
        {
            if (!newItems.TryGetValue(step, out var counterparts))
            {
                removed.Add(step, items.Count == 1 ? Whole(items[0], place.Item) : FieldSet.Leaf);
                continue;
            }
            // Items with the same keys (upstream allows them in old objects) are compared as one value.
            var inner = items.Count == 1 && counterparts.Count == 1
                ? Compare(items[0], counterparts[0], place.Item)
                : JsonTree.DeepEquals(items, counterparts) ? Comparison.Same : Comparison.Same with { Modified = FieldSet.Leaf };
            added.Add(step, inner.Added);
            modified.Add(step, inner.Modified);
            removed.Add(step, inner.Removed);
        }
        foreach (var (step, items) in newItems)
        {
            if (!oldItems.ContainsKey(step))
                added.Add(step, items.Count == 1 ? Whole(items[0], place.Item) : FieldSet.Leaf);
        }
        return new(added.Build(false), modified.Build(false), removed.Build(false));
    }

    private static Dictionary<string, JsonList> Group(JsonList list, Place place)
    {
        var groups = new Dictionary<string, JsonList>(list.Count, StringComparer.Ordinal);
        foreach (var item in list)
        {
            var step = place.StepOf(item);
            if (!groups.TryGetValue(step, out var group))
                groups[step] = group = [];
            group.Add(item);
        }
        return groups;
    }

    /// <summary>The set of a value that stands on one side only: itself and all below it.</summary>
    private static FieldSet Whole(object? value, Place place)
    {
        var builder = new FieldSet.Builder();
        switch (place.ShapeOf(value), value)
        {
            case (Shape.Struct or Shape.Map, JsonMap map):
                foreach (var (key, item) in map)
                    builder.Add("f:" + key, Whole(item, place.Under(key)));
                break;
            case (Shape.ListOfMaps or Shape.SetOfScalars, JsonList list):
                foreach (var (step, items) in Group(list, place))
                    builder.Add(step, items.Count == 1 ? Whole(items[0], place.Item) : FieldSet.Leaf);
                break;
        }
        return builder.Build(member: true);
    }

    /// <summary>The fields that an applied configuration names. The value itself is a member when it is a leaf.</summary>
    public static FieldSet SetOf(object? value, Place place)
    {
        var builder = new FieldSet.Builder();
        switch (place.ShapeOf(value), value)
        {
            case (Shape.Struct or Shape.Map, JsonMap map):
                foreach (var (key, item) in map)
                {
                    var child = SetOf(item, place.Under(key));
                    var member = item is null or JsonMap { Count: 0 } || !place.IsNamedField(key);
                    builder.Add("f:" + key, member ? child.Union(FieldSet.Leaf) : child);
                }
                return builder.Build(member: false);
            case (Shape.ListOfMaps or Shape.SetOfScalars, JsonList list):
                foreach (var item in list)
                    builder.Add(place.StepOf(item), SetOf(item, place.Item).Union(FieldSet.Leaf));
                return builder.Build(member: false);
            default:
                return FieldSet.Leaf;
        }
    }

    /// <summary>Lays an applied configuration over the live tree. New nodes where something changes, shared nodes elsewhere.</summary>
    public static object? Merge(object? live, object? config, Place place)
    {
        switch (place.ShapeOf(config), live, config)
        {
            case (Shape.Struct or Shape.Map, JsonMap old, JsonMap now):
                var map = new JsonMap(old.Count + now.Count);
                foreach (var (key, value) in old)
                    map.Append(key, now.TryGetValue(key, out var over) ? Merge(value, over, place.Under(key)) : value);
                foreach (var (key, value) in now)
                {
                    if (!old.ContainsKey(key))
                        map.Append(key, value);
                }
                return map;
            case (Shape.ListOfMaps or Shape.SetOfScalars, JsonList old, JsonList now):
                return MergeLists(old, now, place);
            default:
                return config;
        }
    }

    /// <summary>Items of the configuration keep its order; what only the live list has stays where it stood among those.</summary>
    private static JsonList MergeLists(JsonList live, JsonList config, Place place)
    {
        var liveSteps = live.ConvertAll(place.StepOf);
        var configSteps = config.ConvertAll(place.StepOf);
        var inConfig = new HashSet<string>(configSteps, StringComparer.Ordinal);
        var inLive = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (var i = 0; i < live.Count; i++)
            inLive.TryAdd(liveSteps[i], live[i]);
        var shared = configSteps.FindAll(inLive.ContainsKey);
        var nextShared = 0;
        var result = new JsonList(live.Count + config.Count);
        int l = 0, c = 0;
        while (l < live.Count || c < config.Count)
        {
            if (l < live.Count && !inConfig.Contains(liveSteps[l]))
            {
                result.Add(live[l++]);
                continue;
            }
            if (l < live.Count && c < config.Count && liveSteps[l] != configSteps[c] && (nextShared >= shared.Count || shared[nextShared] != liveSteps[l]))
            {
                // Shared, but its turn comes later or has been: the configuration's order decides.
                l++;
                continue;
            }
            if (c == config.Count)
            {
                l++;
                continue;
            }
            var step = configSteps[c];
            result.Add(inLive.TryGetValue(step, out var old) ? Merge(old, config[c], place.Item) : config[c]);
            if (nextShared < shared.Count && shared[nextShared] == step)
                nextShared++;
            if (l < live.Count && liveSteps[l] == step)
                l++;
            c++;
        }
        return result;
    }

    /// <summary>The tree without the members of the set; null when nothing is left of a map or list.</summary>
    public static object? Remove(object? value, FieldSet set, Place place)
    {
        switch (place.ShapeOf(value), value)
        {
            case (Shape.Struct or Shape.Map, JsonMap { Count: > 0 } map):
                var kept = new JsonMap(map.Count);
                foreach (var (key, item) in map)
                {
                    var child = set.Child("f:" + key);
                    if (child is null)
                        kept.Append(key, item);
                    else if (!child.IsMember && Remove(item, child, place.Under(key)) is { } rest)
                        kept.Append(key, rest);
                }
                return kept.Count == 0 ? null : kept;
            case (Shape.ListOfMaps or Shape.SetOfScalars, JsonList { Count: > 0 } list):
                var items = new JsonList(list.Count);
                foreach (var item in list)
                {
                    var child = set.Child(place.StepOf(item));
                    if (child is null)
                        items.Add(item);
                    else if (!child.IsMember && Remove(item, child, place.Item) is { } rest)
                        items.Add(rest);
                }
                return items.Count == 0 ? null : items;
            default:
                return value;
        }
    }

    /// <summary>The set with every named field on the way to a member as a member itself; keys of maps stay as they are.</summary>
    public static FieldSet WithNamedFields(FieldSet set, Place place)
    {
        var builder = new FieldSet.Builder();
        foreach (var (step, child) in set.Children)
        {
            var isField = step[0] == 'f';
            var below = isField ? place.Under(step[2..]) : place.Item;
            var inner = child.Children.Count == 0 ? child : WithNamedFields(child, below);
            builder.Add(step, isField && place.IsNamedField(step[2..]) ? inner.Union(FieldSet.Leaf) : inner);
        }
        return builder.Build(set.IsMember);
    }
}
