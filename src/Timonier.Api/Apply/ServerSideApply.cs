using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;

namespace Timonier.Api.Apply;

/// <summary>
/// Server-side apply: lays a configuration over an object, removes what the manager applied before and now leaves out (where nobody
/// else owns it), and keeps managedFields. Source: apimachinery managedfields, structured-merge-diff merge.Updater.
/// </summary>
public static class ServerSideApply
{
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <param name="live">The object as it is, normalized; null when there is none. Not changed.</param>
    /// <param name="config">The applied configuration as the client sent it: not normalized, for only what it names is applied. Not changed.</param>
    /// <param name="manager">The field manager; the API demands one.</param>
    /// <param name="force">Take conflicting fields over.</param>
    /// <returns>The new object, normalized, with managedFields. It equals <paramref name="live"/> when nothing changed.</returns>
    /// <exception cref="ApiException">BadRequest: the configuration does not fit the schema; Conflict: others own fields that it changes.</exception>
    public static JsonMap Apply(JsonMap? live, JsonMap config, string manager, bool force, ApplyContext context)
    {
        Check(config, context);
        var before = live ?? ManagedFields.Zero(context);
        var entries = ManagerEntry.Decode(before.GetMap("metadata")?.GetList("managedFields")) ?? [];
        if (entries.Count == 0 && live is not null)
            ManagedFields.Update(ManagedFields.Zero(context), live, entries, "before-first-apply", context);
        var self = new ManagerEntry(manager, ManagerEntry.Apply, context.ApiVersion, context.Subresource, null, FieldSet.Empty);
        var merged = Merge(before, config, entries, ref self, context);
        if (!force && Conflicts(before, merged, entries, self, context) is { Count: > 0 } conflicts)
        {
            if (manager == "kubectl")
                conflicts = WithoutClientSideApplied(conflicts, before, context);
            if (conflicts.Count > 0)
                throw ConflictError(conflicts);
        }
        ManagedFields.TakeOver(before, merged, entries, self, context);
        var changed = !JsonTree.DeepEquals(before, merged);
        if (changed && entries.FindIndex(e => e.SameManager(self)) is >= 0 and var at)
            entries[at] = entries[at] with { Time = ManagerEntry.Now(context.Time) };
        var result = changed ? Normalizer.Normalize(merged, context.Type) : before.DeepClone();
        var metadata = result.EnsureMap("metadata");
        if (manager == "kubectl" && changed && metadata.GetMap("annotations") is { } annotations && annotations.ContainsKey(LastApplied))
            annotations[LastApplied] = LastAppliedText(config);
        if (entries.Count > 0)
            metadata["managedFields"] = ManagerEntry.Encode(entries);
        else
            metadata.Remove("managedFields");
        return result;
    }

    private static void Check(JsonMap config, ApplyContext context)
    {
        if (config.GetString("apiVersion") is var version && version != context.ApiVersion)
            throw ApiException.BadRequest($"Incorrect version specified in apply patch. Specified patch version: {version}, expected: {context.ApiVersion}");
        if (config.GetMap("metadata")?.GetList("managedFields") is not null)
            throw ApiException.BadRequest("metadata.managedFields must be nil");
        var faults = TypedCheck.Faults(config, context.Type);
        if (faults.Count == 0)
            return;
        var metadata = config.GetMap("metadata");
        var (ns, name) = (metadata?.GetString("namespace") ?? "", metadata?.GetString("name") ?? "");
        var text = faults.Count == 1 ? faults[0] : "errors:\n" + string.Join('\n', faults.Select(f => "  " + f));
        throw ApiException.BadRequest($"failed to create typed patch object ({(ns.Length > 0 ? $"{ns}/{name}" : $"/{name}")}; {context.ApiVersion}, Kind={config.GetString("kind")}): {text}");
    }

    /// <summary>The live object with the configuration over it, and without what the manager no longer applies. Puts the manager's new set into the entries.</summary>
    private static JsonMap Merge(JsonMap live, JsonMap config, List<ManagerEntry> entries, ref ManagerEntry self, ApplyContext context)
    {
        var place = Place.Root(context.Type);
        JsonMap merged;
        FieldSet set;
        try
        {
            merged = (JsonMap)TypedTree.Merge(live, config, place)!;
            set = ManagedFields.Strip(TypedTree.SetOf(config, place).RecursiveDifference(context.Ignored));
        }
        catch (FormatException e)
        {
            throw ApiException.BadRequest($"failed to create typed live object: {e.Message}");
        }
        var identity = self;
        var at = entries.FindIndex(e => e.SameManager(identity));
        var last = at >= 0 ? entries[at] : null;
        self = self with { Set = set, Time = last?.Time };
        if (at >= 0)
            entries[at] = self;
        else
            entries.Add(self);
        return last is null || last.Set.IsEmpty ? merged : Prune(merged, last, entries, context);
    }

    /// <summary>
    /// Removes the fields of the last apply, then puts back whatever some manager owns now, and what fell with its parent without
    /// having been in the last apply itself.
    /// </summary>
    private static JsonMap Prune(JsonMap merged, ManagerEntry last, List<ManagerEntry> entries, ApplyContext context)
    {
        if (context.InVersion(merged, last.ApiVersion) is not { } converted)
            return merged;
        var (whole, type) = converted;
        var place = Place.Root(type);
        var lastSet = TypedTree.WithNamedFields(last.Set, place);
        var pruned = Remove(whole, lastSet, place);
        foreach (var group in entries.GroupBy(e => e.ApiVersion).OrderByDescending(g => g.Key == last.ApiVersion))
        {
            if (context.InVersion(whole, group.Key) is not { } atVersion || context.InVersion(pruned, group.Key) is not { } prunedAtVersion)
                continue;
            var versionPlace = Place.Root(atVersion.Type);
            var owned = group.Aggregate(FieldSet.Empty, (all, e) => all.Union(e.Set));
            var keep = Named(prunedAtVersion.Object, versionPlace).Union(TypedTree.WithNamedFields(owned, versionPlace));
            pruned = Remove(atVersion.Object, Named(atVersion.Object, versionPlace).Difference(keep), versionPlace);
            if (group.Key != last.ApiVersion)
                pruned = context.Convert!(pruned, last.ApiVersion)!.Value.Object;
        }
        pruned = Remove(whole, Named(whole, place).Difference(Named(pruned, place)).Intersection(lastSet), place);
        return last.ApiVersion == context.ApiVersion ? pruned : context.Convert!(pruned, context.ApiVersion)!.Value.Object;
    }

    private static FieldSet Named(JsonMap obj, Place place) => TypedTree.WithNamedFields(TypedTree.SetOf(obj, place), place);

    private static JsonMap Remove(JsonMap obj, FieldSet set, Place place) => TypedTree.Remove(obj, set, place) as JsonMap ?? [];

    private static List<(ManagerEntry Entry, FieldSet Set)> Conflicts(JsonMap live, JsonMap merged, List<ManagerEntry> entries, ManagerEntry self, ApplyContext context)
    {
        var conflicts = new List<(ManagerEntry, FieldSet)>();
        foreach (var entry in entries)
        {
            if (entry.SameManager(self) || ManagedFields.Compare(live, merged, entry.ApiVersion, context) is not { } change)
                continue;
            var set = entry.Set.Intersection(change.Changed);
            if (!set.IsEmpty)
                conflicts.Add((entry, set));
        }
        return conflicts;
    }

    /// <summary>
    /// "kubectl apply --server-side" after client-side apply: fields that the last-applied annotation names, and that are still so,
    /// were the person's own and are no conflict.
    /// </summary>
    private static List<(ManagerEntry Entry, FieldSet Set)> WithoutClientSideApplied(List<(ManagerEntry Entry, FieldSet Set)> conflicts, JsonMap live, ApplyContext context)
    {
        if (live.GetPath("metadata", "annotations", LastApplied) is not string text)
            return conflicts;
        FieldSet own;
        try
        {
            var applied = JsonParser.ParseMap(Encoding.UTF8.GetBytes(text));
            if (applied.GetString("apiVersion") != context.ApiVersion)
                return conflicts;
            var place = Place.Root(context.Type);
            var change = TypedTree.Compare(applied, live, place);
            own = TypedTree.SetOf(applied, place).Difference(change.Modified).Difference(change.Added).Difference(change.Removed);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or FormatException)
        {
            return conflicts;
        }
        return [.. conflicts.Select(c => (c.Entry, Set: c.Set.Difference(own))).Where(c => !c.Set.IsEmpty)];
    }

    private static string LastAppliedText(JsonMap config)
    {
        var copy = config.DeepClone();
        if (copy.GetMap("metadata")?.GetMap("annotations") is { } annotations)
            annotations.Remove(LastApplied);
        SortAll(copy);
        return Encoding.UTF8.GetString(JsonEncoder.Encode(copy)) + "\n";
    }

    private static void SortAll(object? value)
    {
        if (value is JsonMap map)
        {
            map.SortKeys();
            foreach (var (_, item) in map)
                SortAll(item);
        }
        else if (value is JsonList list)
        {
            list.ForEach(SortAll);
        }
    }

    private static ApiException ConflictError(List<(ManagerEntry Entry, FieldSet Set)> conflicts)
    {
        var causes = new JsonList();
        var lines = new List<string>();
        var paths = conflicts.OrderBy(c => c.Entry.Manager, StringComparer.Ordinal).SelectMany(c => c.Set.Paths().Select(path => (Manager: c.Entry.Describe(), Path: path))).ToList();
        string? previous = null;
        foreach (var (manager, path) in paths)
        {
            causes.Add(new JsonMap { ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {manager}", ["field"] = path });
            if (manager != previous)
                lines.Add($"conflicts with {manager}:");
            lines.Add($"- {path}");
            previous = manager;
        }
        var message = paths.Count == 1
            ? $"Apply failed with 1 conflict: conflict with {paths[0].Manager}: {paths[0].Path}"
            : $"Apply failed with {paths.Count} conflicts: {string.Join('\n', lines)}";
        return new ApiException(409, "Conflict", message) { Details = new JsonMap { ["causes"] = causes } };
    }
}
