using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl label and kubectl annotate: KEY=VALUE sets, KEY- removes.</summary>
internal sealed class LabelVerb(CliShell shell, string name, string field, string done)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-" + name);
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "If true, allow values to be overwritten." };
    private readonly Option<bool> _all = new("--all") { Description = "Select all resources, in the namespace of the specified resource types." };
    private readonly Option<bool> _list = new("--list") { Description = "If true, display the values for a given resource." };
    private readonly Option<string?> _resourceVersion = new("--resource-version") { Description = "If non-empty, the update will only succeed if this is the current resource-version for the object." };

    public Command Create() => shell.Verb(name, $"Update the {field} on a resource", RunAsync,
        [_words, .. _manifests.Symbols, .. _selection.Symbols, .. _mutation.Symbols, _overwrite, _all, _list, _resourceVersion]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var changes = call.Get(_words).Where(IsChange).ToList();
        var words = call.Get(_words).Where(w => !IsChange(w)).ToList();
        if (changes.Count == 0 && !call.Get(_list))
            throw new CliException($"at least one {field[..^1]} update is required");
        foreach (var target in await ObjectTargets.ReadAsync(call, words, _manifests, _selection, call.Get(_all), cancel))
        {
            if (call.Get(_list))
            {
                foreach (var (key, value) in Present(target))
                    call.Out.WriteLine($"{key}={value}");
                continue;
            }
            await ChangeAsync(call, target, changes, cancel);
        }
        return 0;
    }

    private static bool IsChange(string word) => word.Contains('=') || word.EndsWith('-');

    private JsonMap Present(ResourceObject target) => target.Object.GetMap("metadata")?.GetMap(field) ?? [];

    private async Task ChangeAsync(CliCall call, ResourceObject target, List<string> changes, CancellationToken cancel)
    {
        var present = Present(target);
        var patch = new JsonMap();
        var removed = false;
        foreach (var change in changes)
        {
            var equals = change.IndexOf('=');
            if (equals < 0)
            {
                var gone = change[..^1];
                if (!present.ContainsKey(gone))
                    call.Out.WriteLine($"{field[..^1]} \"{gone}\" not found.");
                else
                    (patch[gone], removed) = (null, true);
                continue;
            }
            var (key, value) = (change[..equals], change[(equals + 1)..]);
            if (present.GetString(key) is { } old && old != value && !call.Get(_overwrite))
                throw new CliException($"'{key}' already has a value ({old}), and --overwrite is false");
            if (present.GetString(key) != value)
                patch[key] = value;
        }
        if (patch.Count == 0)
        {
            _mutation.Report(call, target, name == "label" ? "not labeled" : done);
            return;
        }
        var metadata = new JsonMap { [field] = patch };
        if (call.Get(_resourceVersion) is { } version)
            metadata["resourceVersion"] = version;
        var changed = _mutation.ClientOnly(call) ? target.Object : await _mutation.PatchAsync(call, target, PatchBody.MergeType, new JsonMap { ["metadata"] = metadata }, cancel);
        _mutation.Report(call, ResourceArguments.Wrap(target.Resource, changed), removed && name == "label" && patch.All(p => p.Value is null) ? "unlabeled" : done);
    }
}
