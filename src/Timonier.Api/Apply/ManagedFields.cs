using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Normalize;

namespace Timonier.Api.Apply;

/// <summary>Keeps metadata.managedFields on create and update, as upstream's fieldmanager does.</summary>
public static class ManagedFields
{
    /// <summary>Upstream's cap on entries of operation Update; the oldest are merged into one of this name per version.</summary>
    private const int UpdateManagersMax = 10;
    private const string AncientChanges = "ancient-changes";

    /// <summary>Fields that nobody owns, for upstream sets them itself.</summary>
    private static readonly FieldSet Stripped = FieldSet.FromJson(JsonParser.ParseMap("""
        {"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},"f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},"f:uid":{},"f:clusterName":{},
        "f:generation":{},"f:managedFields":{},"f:resourceVersion":{}}}
        """u8));

    /// <summary>The manager of a request: what it names, else the first part of its user agent.</summary>
    public static string ManagerOf(string? fieldManager, string? userAgent)
    {
        if (!string.IsNullOrEmpty(fieldManager))
            return fieldManager;
        var name = (userAgent ?? "").Split('/')[0];
        var text = new StringBuilder();
        foreach (var rune in name.EnumerateRunes())
        {
            if (text.Length + rune.Utf8SequenceLength > 128)
                break;
            if (!Rune.IsControl(rune))
                text.Append(rune);
        }
        return text.Length == 0 ? "unknown" : text.ToString();
    }

    /// <summary>Sets the managedFields of an object that is about to be created or updated, after defaults and before admission.</summary>
    /// <param name="live">The object before; null on create.</param>
    /// <param name="obj">Normalized; its metadata is changed in place.</param>
    public static void Update(JsonMap? live, JsonMap obj, string manager, ApplyContext context)
    {
        var metadata = obj.EnsureMap("metadata");
        var given = metadata.GetList("managedFields");
        var liveEntries = live?.GetMap("metadata")?.GetList("managedFields");
        // One empty entry asks to forget all; none at all comes from clients that do not know the field.
        List<ManagerEntry> entries;
        if (context.Subresource.Length > 0)
            entries = ManagerEntry.Decode(liveEntries) ?? [];
        else if (given is [JsonMap { Count: 0 }])
            entries = [];
        else
            entries = given is { Count: > 0 } && ManagerEntry.Decode(given) is { Count: > 0 } decoded ? decoded : ManagerEntry.Decode(liveEntries) ?? [];
        // An object that was never tracked is not tracked from an update on.
        if (entries.Count > 0 || live is null)
        {
            Update(live ?? Zero(context), obj, entries, manager, context);
            Cap(entries);
        }
        if (entries.Count > 0)
            metadata["managedFields"] = ManagerEntry.Encode(entries);
        else
            metadata.Remove("managedFields");
    }

    /// <summary>What upstream compares a new object with: its type's zero value.</summary>
    internal static JsonMap Zero(ApplyContext context) => Normalizer.Normalize([], context.Type);

    internal static void Update(JsonMap live, JsonMap obj, List<ManagerEntry> entries, string manager, ApplyContext context)
    {
        var self = new ManagerEntry(manager.Length == 0 ? "unknown" : manager, ManagerEntry.Update, context.ApiVersion, context.Subresource, ManagerEntry.Now(context.Time), FieldSet.Empty);
        var comparison = TakeOver(live, obj, entries, applier: null, context);
        var taken = comparison.Changed.Difference(Stripped);
        if (taken.IsEmpty)
            return;
        var at = entries.FindIndex(e => e.SameManager(self));
        if (at < 0)
            entries.Add(self with { Set = taken });
        else
            entries[at] = self with { Set = entries[at].Set.Union(taken) };
    }

    /// <summary>
    /// Takes changed and removed fields away from all managers but <paramref name="applier"/>, and tells what changed in the
    /// request's version. Managers whose version is gone, or that own nothing any more, are dropped.
    /// </summary>
    internal static Comparison TakeOver(JsonMap live, JsonMap obj, List<ManagerEntry> entries, ManagerEntry? applier, ApplyContext context)
    {
        var comparison = Compare(live, obj, context.ApiVersion, context) ?? Comparison.Same;
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            var entry = entries[i];
            if (applier is null || !entry.SameManager(applier))
            {
                if ((entry.ApiVersion == context.ApiVersion ? comparison : Compare(live, obj, entry.ApiVersion, context)) is not { } change)
                {
                    entries.RemoveAt(i);
                    continue;
                }
                if (!change.IsSame)
                    entries[i] = entry = entry with { Set = entry.Set.Difference(change.Changed).Difference(change.Removed) };
            }
            if (entry.Set.IsEmpty)
                entries.RemoveAt(i);
        }
        return comparison;
    }

    /// <summary>What an object's change is in another version; null when that version is gone.</summary>
    internal static Comparison? Compare(JsonMap live, JsonMap obj, string apiVersion, ApplyContext context)
    {
        if (context.InVersion(live, apiVersion) is not { } before || context.InVersion(obj, apiVersion) is not { } after)
            return null;
        try
        {
            return TypedTree.Compare(before.Object, after.Object, Place.Root(after.Type)).Without(context.Ignored);
        }
        catch (FormatException)
        {
            // A list without its keys: validation refuses the object with a better message.
            return Comparison.Same;
        }
    }

    /// <summary>The set without what nobody owns.</summary>
    internal static FieldSet Strip(FieldSet set) => set.Difference(Stripped);

    private static void Cap(List<ManagerEntry> entries)
    {
        var updaters = entries.Where(e => !e.Applied).OrderBy(e => e.Time ?? "", StringComparer.Ordinal).ThenBy(e => e.Manager, StringComparer.Ordinal).ToList();
        var count = updaters.Count;
        var firsts = new Dictionary<string, ManagerEntry>(StringComparer.Ordinal);
        foreach (var updater in updaters)
        {
            if (count <= UpdateManagersMax)
                return;
            // The first of a version is set aside; it becomes the bucket when a second one comes.
            if (!firsts.TryGetValue(updater.ApiVersion, out var bucket))
            {
                firsts[updater.ApiVersion] = updater;
                continue;
            }
            entries.Remove(bucket);
            entries.Remove(updater);
            bucket = bucket with { Manager = AncientChanges, Subresource = "", Time = updater.Time, Set = bucket.Set.Union(updater.Set) };
            if (entries.FindIndex(e => e.SameManager(bucket)) is >= 0 and var at)
            {
                bucket = bucket with { Set = bucket.Set.Union(entries[at].Set) };
                entries.RemoveAt(at);
            }
            entries.Add(bucket);
            firsts[updater.ApiVersion] = bucket;
            count--;
        }
    }
}
