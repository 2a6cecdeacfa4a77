using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl scale, by the subresource.</summary>
internal sealed class ScaleVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-scale");
    private readonly Option<int> _replicas = new("--replicas") { Required = true, Description = "The new desired number of replicas." };
    private readonly Option<int?> _current = new("--current-replicas") { Description = "Precondition for current size." };
    private readonly Option<string?> _resourceVersion = new("--resource-version") { Description = "Precondition for resource version." };
    private readonly Option<bool> _all = new("--all") { Description = "Select all resources in the namespace of the specified resource types." };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "The length of time to wait before giving up on a scale operation." };

    public Command Create() => shell.Verb("scale", "Set a new size for a deployment, replica set, or replication controller", RunAsync,
        [_words, .. _manifests.Symbols, .. _selection.Symbols, .. _mutation.Symbols, _replicas, _current, _resourceVersion, _all, _timeout]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        foreach (var target in await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, _selection, call.Get(_all), cancel))
        {
            if (call.Get(_current) is { } expected && expected >= 0)
            {
                var now = (await call.Cluster.Client.GetTreeAsync(target.Resource.Resource, target.Namespace, target.Name, "scale", cancel)).GetPath("spec", "replicas") as long? ?? 0;
                if (now != expected)
                    throw new CliException($"Expected replicas to be {expected}, was {now}");
            }
            var patch = new JsonMap { ["spec"] = new JsonMap { ["replicas"] = (long)call.Get(_replicas) } };
            if (call.Get(_resourceVersion) is { } version)
                patch["metadata"] = new JsonMap { ["resourceVersion"] = version };
            if (!_mutation.ClientOnly(call))
                await _mutation.PatchAsync(call, target, PatchBody.MergeType, patch, cancel, "scale");
            _mutation.Report(call, target, "scaled");
        }
        return 0;
    }
}
