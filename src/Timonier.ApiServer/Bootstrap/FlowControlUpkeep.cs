using Timonier.Api.Errors;
using Timonier.Api.Flowcontrol.V1;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.ApiServer.Bootstrap;

/// <summary>
/// Keeps the flow schemas and priority levels of <see cref="FlowControlObjects"/> (KEP-1040, "Default Behavior"): the mandatory ones always, the
/// suggested ones as long as their annotation <see cref="FlowControlObjects.AutoUpdate"/> says so, and those that are suggested no more go.
/// </summary>
internal static class FlowControlUpkeep
{
    public static async Task ApplyAsync(ApiClient client, CancellationToken cancel)
    {
        // Levels first: schemas refer to them.
        await EnsureAsync(client, FlowControlObjects.PriorityLevels(), l => new Parts(l.Metadata.Name, Tree(l)), cancel);
        await EnsureAsync(client, FlowControlObjects.FlowSchemas(), s => new Parts(s.Metadata.Name, Tree(s)), cancel);
    }

    private sealed record Parts(string Name, JsonMap Tree);

    private static async Task EnsureAsync<T>(ApiClient client, IEnumerable<T> suggested, Func<T, Parts> of, CancellationToken cancel) where T : class, IKind<T>
    {
        var there = (await client.ListTreesAsync(T.Resource, null, null, cancel)).Items.ToDictionary(t => t.GetPath("metadata", "name") as string ?? "", StringComparer.Ordinal);
        foreach (var wanted in suggested.Select(of))
        {
            if (!there.Remove(wanted.Name, out var found))
                await IgnoreRaceAsync(() => client.CreateTreeAsync(T.Resource, null, wanted.Tree, "", cancel));
            else if (Correct(found, wanted) is { } corrected)
                await IgnoreRaceAsync(() => client.UpdateTreeAsync(T.Resource, null, wanted.Name, corrected, null, "", cancel));
        }
        foreach (var (name, _) in there.Where(t => Annotation(t.Value) == "true"))
            await IgnoreRaceAsync(() => client.DeleteTreeAsync(T.Resource, null, name, null, cancel));
    }

    /// <summary>The object as it should be; null when it is.</summary>
    private static JsonMap? Correct(JsonMap found, Parts wanted)
    {
        var mandatory = FlowControlObjects.IsMandatory(wanted.Name);
        // Without the annotation, an object that nobody has changed since it was made is ours to update.
        var update = mandatory || (Annotation(found) ?? (found.GetPath("metadata", "generation") is 1L ? "true" : "false")) == "true";
        var corrected = found.DeepClone();
        corrected.EnsureMap("metadata").EnsureMap("annotations")[FlowControlObjects.AutoUpdate] = update ? "true" : "false";
        var spec = wanted.Tree.GetMap("spec")!.DeepClone();
        // How much an exempt level counts and lends is the administrator's to say.
        if (mandatory && found.GetMap("spec")?.GetMap("exempt") is { } exempt)
            spec["exempt"] = exempt.DeepClone();
        if (update && !Covers(corrected.GetMap("spec"), spec))
            corrected["spec"] = spec;
        return JsonTree.DeepEquals(corrected, found) ? null : corrected;
    }

    /// <summary>Is all that is wanted there? What is there besides came from defaults.</summary>
    private static bool Covers(object? found, object? wanted) => (found, wanted) switch
    {
        (JsonMap a, JsonMap b) => b.All(f => a.TryGetValue(f.Key, out var value) && Covers(value, f.Value)),
        (JsonList a, JsonList b) => a.Count == b.Count && a.Zip(b).All(p => Covers(p.First, p.Second)),
        _ => Equals(found, wanted),
    };

    private static string? Annotation(JsonMap obj) => (obj.GetPath("metadata", "annotations") as JsonMap)?.GetString(FlowControlObjects.AutoUpdate);

    private static JsonMap Tree(IKind value) => JsonParser.ParseMap(JsonWrite.ToBytes(value));

    private static async Task IgnoreRaceAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsConflict || e.IsNotFound)
        {
            // Somebody was faster; the next round looks again.
        }
    }
}
