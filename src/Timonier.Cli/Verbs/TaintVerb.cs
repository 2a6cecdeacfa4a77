using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl taint: KEY[=VALUE]:EFFECT sets, KEY[:EFFECT]- removes.</summary>
internal sealed class TaintVerb(CliShell shell)
{
    private static readonly string[] Effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

    private readonly Argument<string[]> _words = new("node") { Arity = ArgumentArity.ZeroOrMore };
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-taint");
    private readonly Option<bool> _all = new("--all") { Description = "Select all nodes in the cluster" };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "If true, allow taints to be overwritten, otherwise reject taint updates that overwrite existing taints." };

    public Command Create() => shell.Verb("taint", "Update the taints on one or more nodes", RunAsync, [_words, .. _selection.Symbols, .. _mutation.Symbols, _all, _overwrite]);

    private sealed record Change(string Key, string? Value, string? Effect, bool Removes);

    private static bool IsChange(string word) => word.Contains(':') || word.Contains('=') || word.EndsWith('-');

    private static Change Parse(string word)
    {
        var removes = word.EndsWith('-');
        var parts = (removes ? word[..^1] : word).Split(':', 2);
        var effect = parts.Length > 1 ? parts[1] : null;
        if (effect is null ? !removes : !Effects.Contains(effect))
            throw new CliException(effect is null ? $"unknown taint spec: {word}" : $"invalid taint effect: {effect}, unsupported taint effect");
        var pair = parts[0].Split('=', 2);
        return new Change(pair[0], pair.Length > 1 ? pair[1] : null, effect, removes);
    }

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        var changes = words.Where(IsChange).Select(Parse).ToList();
        if (changes.Count == 0)
            throw new CliException("at least one taint update is required");
        foreach (var node in await ObjectTargets.ReadAsync(call, [.. words.Where(w => !IsChange(w))], null, _selection, call.Get(_all), cancel))
        {
            if (node.Resource.Kind != "Node")
                throw new CliException($"invalid resource type {node.Resource.Resource.Resource}, only node(s) is supported");
            await ChangeAsync(call, node, changes, cancel);
        }
        return 0;
    }

    private async Task ChangeAsync(CliCall call, ResourceObject node, List<Change> changes, CancellationToken cancel)
    {
        static bool Hits(JsonMap taint, Change change) => taint.GetString("key") == change.Key && (change.Effect is null || taint.GetString("effect") == change.Effect);
        var taints = ((node.Object.GetPath("spec", "taints") as JsonList) ?? []).OfType<JsonMap>().ToList();
        foreach (var change in changes)
        {
            if (change.Removes ? !taints.Any(t => Hits(t, change)) : !call.Get(_overwrite) && taints.Any(t => Hits(t, change)))
            {
                throw new CliException(change.Removes ? $"taint \"{change.Key}{(change.Effect is null ? "" : ":" + change.Effect)}\" not found"
                    : $"node {node.Name} already has {change.Key} taint(s) with same effect(s) and --overwrite is false");
            }
            taints.RemoveAll(t => Hits(t, change));
            if (change.Removes)
                continue;
            var taint = new JsonMap { ["key"] = change.Key, ["effect"] = change.Effect };
            if (change.Value is { Length: > 0 })
                taint["value"] = change.Value;
            taints.Add(taint);
        }
        var patch = new JsonMap
        {
            // Another's taints must not be lost: the list is replaced as it was read, or not at all.
            ["metadata"] = new JsonMap { ["resourceVersion"] = node.Object.GetPath("metadata", "resourceVersion") },
            ["spec"] = new JsonMap { ["taints"] = taints.Count > 0 ? new JsonList(taints) : null },
        };
        var changed = _mutation.ClientOnly(call) ? node.Object : await _mutation.PatchAsync(call, node, PatchBody.MergeType, patch, cancel);
        var done = changes.All(c => c.Removes) ? "untainted" : changes.Any(c => c.Removes) ? "modified" : "tainted";
        _mutation.Report(call, ResourceArguments.Wrap(node.Resource, changed), done, noteDryRun: false);
    }
}
