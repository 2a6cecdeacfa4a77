using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>The pod that a word stands for: its own name, or one of a workload's pods.</summary>
internal static class PodTarget
{
    public static readonly Api.Schema.GroupVersionResource Pods = new("", "v1", "pods");

    /// <param name="word">"web-0", "pod/web-0", "deployment/web", "service/web".</param>
    public static async Task<JsonMap> FindAsync(CliCall call, string word, CancellationToken cancel)
    {
        if (!word.Contains('/'))
            return await call.Cluster.Client.GetTreeAsync(Pods, call.Namespace, word, cancellationToken: cancel);
        var pods = await FindAllAsync(call, word, cancel);
        return pods.OrderByDescending(IsRunning).ThenBy(p => (string?)p.GetPath("metadata", "creationTimestamp"), StringComparer.Ordinal).FirstOrDefault()
            ?? throw new CliException($"no pods found for {word}");
    }

    /// <summary>All pods of what the word names.</summary>
    public static async Task<IReadOnlyList<JsonMap>> FindAllAsync(CliCall call, string word, CancellationToken cancel)
    {
        var target = (await ObjectTargets.NamedAsync(call, [word], null, cancel))[0];
        var obj = await call.Cluster.Client.GetTreeAsync(target.Resource.Resource, target.Namespace, target.Name, cancellationToken: cancel);
        if (target.Resource.Resource == Pods)
            return [obj];
        var selector = SelectorText(obj) ?? throw new CliException($"cannot get the pods of {target.Title}: selectors for {target.Resource.Kind} are not known");
        return (await call.Cluster.Client.ListTreesAsync(Pods, target.Namespace, new ListOptions { LabelSelector = selector }, cancel)).Items;
    }

    /// <summary>The label selector of a workload or service as text; null when it has none.</summary>
    public static string? SelectorText(JsonMap obj)
    {
        if (obj.GetPath("spec", "selector") is not JsonMap selector)
            return null;
        var labels = selector.GetMap("matchLabels") ?? (selector.ContainsKey("matchExpressions") ? [] : selector);
        var parts = labels.Select(l => $"{l.Key}={l.Value}").ToList();
        foreach (var expression in (selector.GetList("matchExpressions") ?? []).OfType<JsonMap>())
        {
            var (key, values) = (expression.GetString("key"), string.Join(',', expression.GetList("values") ?? []));
            parts.Add(expression.GetString("operator") switch { "In" => $"{key} in ({values})", "NotIn" => $"{key} notin ({values})", "Exists" => key!, _ => "!" + key });
        }
        return parts.Count > 0 ? string.Join(',', parts) : null;
    }

    public static bool IsRunning(JsonMap pod) => (string?)pod.GetPath("status", "phase") == "Running";

    public static IReadOnlyList<string> Containers(JsonMap pod, params ReadOnlySpan<string> lists)
    {
        var names = new List<string>();
        foreach (var list in lists)
            names.AddRange(((pod.GetMap("spec")?.GetList(list)) ?? []).OfType<JsonMap>().Select(c => c.GetString("name") ?? ""));
        return names;
    }

    /// <summary>The container to talk to: as given, else of the annotation, else the first.</summary>
    public static string Container(CliCall call, JsonMap pod, string? given, bool quiet)
    {
        var all = Containers(pod, "containers", "initContainers", "ephemeralContainers");
        var name = (string?)pod.GetPath("metadata", "name");
        if (!string.IsNullOrEmpty(given))
            return all.Contains(given) ? given : throw new CliException($"container {given} is not valid for pod {name}");
        if (pod.GetMap("metadata")?.GetMap("annotations")?.GetString("kubectl.kubernetes.io/default-container") is { Length: > 0 } marked && all.Contains(marked))
            return marked;
        if (all.Count > 1 && !quiet)
            call.Error.WriteLine($"Defaulted container \"{all[0]}\" out of: {string.Join(", ", Containers(pod, "containers").Concat(Containers(pod, "initContainers").Select(c => c + " (init)")))}");
        return all[0];
    }
}
