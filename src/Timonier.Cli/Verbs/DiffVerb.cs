using System.CommandLine;
using System.Diagnostics;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Yaml;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl diff: what apply would change, as the server would have it (a dry run), shown by diff or the program in KUBECTL_EXTERNAL_DIFF.</summary>
internal sealed class DiffVerb(CliShell shell)
{
    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-client-side-apply");
    private readonly Option<bool> _serverSide = new("--server-side") { Description = "If true, apply runs in the server instead of the client." };
    private readonly Option<bool> _forceConflicts = new("--force-conflicts") { Description = "If true, server-side apply will force the changes against conflicts." };

    public Command Create() => shell.Verb("diff", "Diff the live version against a would-be applied version", RunAsync, [.. _manifests.Symbols, .. _mutation.Symbols, _serverSide, _forceConflicts]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (!_manifests.Given(call))
            throw new CliException("must specify one of -f and -k", 2);
        var (live, merged) = (Directory.CreateTempSubdirectory("LIVE-"), Directory.CreateTempSubdirectory("MERGED-"));
        try
        {
            foreach (var manifest in await _manifests.ReadAsync(call, cancel))
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                var (before, after) = await BothAsync(call, manifest, resource, place, cancel);
                var name = string.Join('.', new[] { resource.Resource.Group, resource.Resource.Version, resource.Kind, place, manifest.Name }.Where(p => p.Length > 0));
                if (before is not null)
                    Write(live, name, before, resource);
                Write(merged, name, after, resource);
            }
            return await ShowAsync(call, live.FullName, merged.FullName, cancel);
        }
        finally
        {
            live.Delete(recursive: true);
            merged.Delete(recursive: true);
        }
    }

    private async Task<(JsonMap? Before, JsonMap After)> BothAsync(CliCall call, Manifest manifest, MappedResource resource, string place, CancellationToken cancel)
    {
        JsonMap? before = null;
        try
        {
            before = await call.Cluster.Client.GetTreeAsync(resource.Resource, place, manifest.Name, cancellationToken: cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
        }
        var path = ResourcePath.For(resource.Resource, place, before is null ? null : manifest.Name);
        const string DryRun = "dryRun=All&fieldManager=";
        if (call.Get(_serverSide))
            return (before, await SendAsync(call, "PATCH", ResourcePath.For(resource.Resource, place, manifest.Name), $"{DryRun}kubectl&force={(call.Get(_forceConflicts) ? "true" : "false")}", manifest.Object, PatchBody.ApplyType, cancel));
        LastApplied.Set(manifest.Object);
        if (before is null)
            return (null, await SendAsync(call, "POST", path, DryRun + _mutation.Manager(call), manifest.Object, ApiRequest.Json, cancel));
        var patch = MergePatch.Create(before, ApplyVerb.Merge(manifest.Object, before));
        return (before, patch.Count == 0 ? before : await SendAsync(call, "PATCH", path, DryRun + _mutation.Manager(call), patch, PatchBody.MergeType, cancel));
    }

    private static Task<JsonMap> SendAsync(CliCall call, string method, string path, string query, JsonMap body, string type, CancellationToken cancel) => call.Cluster.SendAsync(method, path, query, body, cancel, type);

    /// <summary>Without what says nothing; a Secret's values as stars, where they differ with other words.</summary>
    private static void Write(DirectoryInfo directory, string name, JsonMap obj, MappedResource resource)
    {
        obj = obj.DeepClone();
        obj.GetMap("metadata")?.Remove("managedFields");
        obj.GetMap("metadata")?.GetMap("annotations")?.Remove(LastApplied.Annotation);
        if (obj.GetMap("metadata")?.GetMap("annotations") is { Count: 0 })
            obj.GetMap("metadata")!.Remove("annotations");
        if (resource.Kind == "Secret" && obj.GetMap("data") is { } data)
        {
            // As long as its hash: equal values look alike, and nobody reads them.
            foreach (var key in data.Select(d => d.Key).ToList())
                data[key] = "*** " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes((string)obj.GetPath("metadata", "uid")! + data[key])))[..8];
        }
        File.WriteAllText(Path.Combine(directory.FullName, name), YamlWriter.Write(OutputFlags.Sorted(obj)));
    }

    private static async Task<int> ShowAsync(CliCall call, string live, string merged, CancellationToken cancel)
    {
        var words = (call.Environment.Variable("KUBECTL_EXTERNAL_DIFF") is { Length: > 0 } chosen ? chosen : "diff -u -N").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0], [.. words.Skip(1), live, merged]) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start) ?? throw new CliException($"failed to run \"{words[0]}\"", 2);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CliException($"error: failed to run \"{words[0]}\": {e.Message}", 2);
        }
        using (process)
        {
            var error = process.StandardError.ReadToEndAsync(cancel);
            call.Out.Write(await process.StandardOutput.ReadToEndAsync(cancel));
            call.Error.Write(await error);
            await process.WaitForExitAsync(cancel);
            return process.ExitCode;
        }
    }
}
