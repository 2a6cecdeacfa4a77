using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl patch.</summary>
internal sealed class PatchVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-patch");
    private readonly Option<string?> _patch = new("--patch", "-p") { Description = "The patch to be applied to the resource JSON or YAML file." };
    private readonly Option<string?> _patchFile = new("--patch-file") { Description = "A file containing a patch to be applied to the resource." };
    private readonly Option<string> _type = new("--type") { DefaultValueFactory = _ => "strategic", Description = "The type of patch being provided; one of [json merge strategic]" };
    private readonly Option<string?> _subresource = new("--subresource") { Description = "If specified, patch will operate on the subresource of the requested object." };

    public Command Create() => shell.Verb("patch", "Update fields of a resource", RunAsync, [_words, .. _manifests.Symbols, .. _mutation.Symbols, _patch, _patchFile, _type, _subresource]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var contentType = call.Get(_type) switch
        {
            "strategic" => PatchBody.StrategicType,
            "merge" => PatchBody.MergeType,
            "json" => PatchBody.JsonType,
            var other => throw new CliException($"--type must be one of [json merge strategic], not \"{other}\""),
        };
        var text = call.Get(_patch) ?? (call.Get(_patchFile) is { } file ? await File.ReadAllTextAsync(Path.Combine(call.Environment.CurrentDirectory, file), cancel) : throw new CliException("must specify --patch or --patch-file containing the contents of the patch"));
        object? patch;
        try
        {
            patch = YamlReader.Read(text);
        }
        catch (FormatException e)
        {
            throw new CliException($"unable to parse \"{text}\": {e.Message}");
        }
        foreach (var target in await ObjectTargets.NamedAsync(call, call.Get(_words), _manifests, cancel))
        {
            var before = await call.Cluster.Client.GetTreeAsync(target.Resource.Resource, target.Namespace, target.Name, cancellationToken: cancel);
            var done = ResourceArguments.Wrap(target.Resource, await _mutation.PatchAsync(call, target, contentType, patch, cancel, call.Get(_subresource)));
            _mutation.Report(call, done, JsonTree.DeepEquals(done.Object, before) ? "patched (no change)" : "patched", noteDryRun: false);
        }
        return 0;
    }
}
