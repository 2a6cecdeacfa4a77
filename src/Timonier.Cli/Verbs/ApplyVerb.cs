using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl apply: by a three-way merge on this side, or --server-side.</summary>
internal sealed class ApplyVerb(CliShell shell)
{
    /// <summary>As kubectl: how often a change that another one overtook is made again.</summary>
    private const int AttemptsMax = 5;

    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-client-side-apply");
    private readonly Option<bool> _serverSide = new("--server-side") { Description = "If true, apply runs in the server instead of the client." };
    private readonly Option<bool> _forceConflicts = new("--force-conflicts") { Description = "If true, server-side apply will force the changes against conflicts." };
    private readonly Option<bool> _force = new("--force") { Description = "If true, immediately remove resources from API and bypass graceful deletion." };
    private readonly Option<bool> _overwrite = new("--overwrite") { DefaultValueFactory = _ => true, Description = "Automatically resolve conflicts by using values from the modified configuration." };
    private readonly Option<bool> _wait = new("--wait") { Description = "If true, wait for resources to be gone before returning." };

    public Command Create() => shell.Verb("apply", "Apply a configuration to a resource by file name or stdin", RunAsync,
        [.. _manifests.Symbols, .. _mutation.Symbols, _serverSide, _forceConflicts, _force, _overwrite, _wait]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (!_manifests.Given(call))
            throw new CliException("must specify one of -f and -k");
        var manifests = await _manifests.ReadAsync(call, cancel);
        if (manifests.Count == 0)
            throw new CliException("no objects passed to apply");
        var failed = false;
        foreach (var manifest in manifests)
        {
            try
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                if (manifest.Name.Length == 0)
                    throw new CliException($"error when retrieving current configuration of:\nResource: \"{resource.GroupResource}\"\nfrom server for: \"{manifest.Source}\": resource name may not be empty");
                await (call.Get(_serverSide) ? ApplyOnServerAsync(call, manifest, resource, place, cancel) : ApplyAsync(call, manifest, resource, place, cancel));
            }
            catch (ApiException e)
            {
                call.Error.WriteLine(CreateVerb.OfManifest(e, "applying patch", manifest, call));
                failed = true;
            }
            catch (CliException e) when (manifests.Count > 1)
            {
                call.Error.WriteLine("error: " + e.Message);
                failed = true;
            }
        }
        return failed ? 1 : 0;
    }

    private async Task ApplyOnServerAsync(CliCall call, Manifest manifest, MappedResource resource, string place, CancellationToken cancel)
    {
        var query = _mutation.Query(call).Replace("fieldManager=kubectl-client-side-apply", "fieldManager=kubectl", StringComparison.Ordinal) + "&force=" + (call.Get(_forceConflicts) ? "true" : "false");
        var request = new ApiRequest { Method = "PATCH", Path = ResourcePath.For(resource.Resource, place, manifest.Name), Query = query, Body = JsonEncoder.Encode(manifest.Object), ContentType = PatchBody.ApplyType };
        var answer = await call.Cluster.Client.SendAsync(request, cancel);
        _mutation.Report(call, ResourceArguments.Wrap(resource, JsonParser.ParseMap(System.Buffers.BuffersExtensions.ToArray(answer.Body))), "serverside-applied");
    }

    private async Task ApplyAsync(CliCall call, Manifest manifest, MappedResource resource, string place, CancellationToken cancel)
    {
        LastApplied.Set(manifest.Object);
        for (var attempt = 1; ; attempt++)
        {
            if (await FindAsync(call, resource, place, manifest.Name, cancel) is not { } live)
            {
                var created = await _mutation.CreateAsync(call, resource, place, manifest.Object, cancel);
                _mutation.Report(call, ResourceArguments.Wrap(resource, created), "created");
                return;
            }
            var merged = Merge(manifest.Object, live);
            var patch = MergePatch.Create(live, merged);
            if (patch.Count == 0)
            {
                _mutation.Report(call, ResourceArguments.Wrap(resource, live), "unchanged");
                return;
            }
            if (LastApplied.Get(live) is null && attempt == 1 && !_mutation.ClientOnly(call))
                call.Error.WriteLine($"Warning: resource {resource.Resource.Resource}/{manifest.Name} is missing the {LastApplied.Annotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.");
            try
            {
                // With the revision that was merged with: a change in between is a conflict, and merged again.
                patch.EnsureMap("metadata")["resourceVersion"] = live.GetPath("metadata", "resourceVersion");
                var target = ResourceArguments.Wrap(resource, live);
                var done = _mutation.ClientOnly(call) ? merged : await _mutation.PatchAsync(call, target, PatchBody.MergeType, patch, cancel);
                _mutation.Report(call, ResourceArguments.Wrap(resource, done), "configured");
                return;
            }
            catch (ApiException e) when (e.IsConflict && attempt < AttemptsMax)
            {
            }
        }
    }

    /// <summary>The live object with what the manifest changes of it, by the schema's merge keys.</summary>
    internal static JsonMap Merge(JsonMap wanted, JsonMap live)
    {
        var type = new ApiSchema().FindKind(GroupVersion.Parse(wanted.GetString("apiVersion")!), wanted.GetString("kind")!);
        return ThreeWayMerge.Merge(LastApplied.Get(live), wanted, live, type);
    }

    private static async Task<JsonMap?> FindAsync(CliCall call, MappedResource resource, string place, string name, CancellationToken cancel)
    {
        try
        {
            return await call.Cluster.Client.GetTreeAsync(resource.Resource, place, name, cancellationToken: cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
