using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl replace: the object as the manifest has it, nothing kept; with --force it is deleted and made anew.</summary>
internal sealed class ReplaceVerb(CliShell shell)
{
    private static readonly TimeSpan DeleteLimit = TimeSpan.FromMinutes(5);

    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-replace");
    private readonly Option<bool> _force = new("--force") { Description = "If true, immediately remove resources from API and bypass graceful deletion." };
    private readonly Option<int?> _gracePeriod = new("--grace-period") { Description = "Period of time in seconds given to the resource to terminate gracefully." };
    private readonly Option<bool> _saveConfig = new("--save-config") { Description = "If true, the configuration of current object will be saved in its annotation." };
    private readonly Option<string?> _subresource = new("--subresource") { Description = "If specified, replace will operate on the subresource of the requested object." };

    public Command Create() => shell.Verb("replace", "Replace a resource by file name or stdin", RunAsync, [.. _manifests.Symbols, .. _mutation.Symbols, _force, _gracePeriod, _saveConfig, _subresource]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (!_manifests.Given(call))
            throw new CliException("must specify one of -f and -k");
        var failed = false;
        foreach (var manifest in await _manifests.ReadAsync(call, cancel))
        {
            try
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                if (call.Get(_saveConfig))
                    LastApplied.Set(manifest.Object);
                if (call.Get(_force))
                    await DeleteAsync(call, new ResourceObject(resource, place, manifest.Name, []), cancel);
                var done = call.Get(_force) ? await _mutation.CreateAsync(call, resource, place, manifest.Object, cancel)
                    : _mutation.ClientOnly(call) ? manifest.Object
                    : await call.Cluster.SendAsync("PUT", ResourcePath.For(resource.Resource, place, manifest.Name, call.Get(_subresource)), _mutation.Query(call), manifest.Object, cancel);
                _mutation.Report(call, ResourceArguments.Wrap(resource, done), "replaced");
            }
            catch (ApiException e)
            {
                call.Error.WriteLine(CreateVerb.OfManifest(e, "replacing", manifest, call));
                failed = true;
            }
        }
        return failed ? 1 : 0;
    }

    private async Task DeleteAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        try
        {
            var options = new JsonMap { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["gracePeriodSeconds"] = (long)(call.Get(_gracePeriod) ?? 0), ["propagationPolicy"] = "Background" };
            await call.Cluster.SendAsync("DELETE", ResourcePath.For(target.Resource.Resource, target.Namespace, target.Name), "", options, cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return;
        }
        call.Out.WriteLine($"{target.Resource.Named} \"{target.Name}\" deleted");
        if (!await ObjectWait.UntilAsync(call, target, DeleteLimit, obj => obj is null, cancel))
            throw new CliException("timed out waiting for the condition");
    }
}
