using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl create -f, and its subcommands that make one object from flags.</summary>
internal sealed class CreateVerb(CliShell shell)
{
    internal const string Manager = "kubectl-create";

    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new(Manager);
    private readonly Option<bool> _saveConfig = new("--save-config") { Description = "If true, the configuration of current object will be saved in its annotation." };
    private readonly Option<string?> _raw = new("--raw") { Description = "Raw URI to POST to the server." };

    public Command Create() => shell.Verb("create", "Create a resource from a file or from stdin", RunAsync,
        [.. _manifests.Symbols, .. _mutation.Symbols, _saveConfig, _raw, .. new Generators(shell).Commands()]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (!_manifests.Given(call))
            throw new CliException("must specify one of -f and -k");
        var failed = false;
        foreach (var manifest in await _manifests.ReadAsync(call, cancel))
        {
            if (call.Get(_raw) is { } raw)
            {
                call.Out.Write(System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(await call.Cluster.SendAsync("POST", raw, "", manifest.Object, cancel))));
                continue;
            }
            try
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                if (call.Get(_saveConfig))
                    LastApplied.Set(manifest.Object);
                var created = await _mutation.CreateAsync(call, resource, place, manifest.Object, cancel);
                _mutation.Report(call, ResourceArguments.Wrap(resource, created), "created");
            }
            catch (ApiException e)
            {
                call.Error.WriteLine(OfManifest(e, "creating", manifest, call));
                failed = true;
            }
        }
        return failed ? 1 : 0;
    }

    /// <summary>kubectl names the file with every error but a validation's.</summary>
    internal static string OfManifest(ApiException error, string doing, Manifest manifest, CliCall call)
    {
        var text = CliShell.Describe(error, call);
        var colon = text.IndexOf(": ", StringComparison.Ordinal);
        return error.IsInvalid || colon < 0 ? text : text.Insert(colon + 2, $"error when {doing} \"{manifest.Source}\": ");
    }
}
