using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>The objects that a command line names one by one.</summary>
internal static class ObjectTargets
{
    /// <summary>By type and name or by manifest; not read from the server.</summary>
    public static async Task<IReadOnlyList<ResourceObject>> NamedAsync(CliCall call, IReadOnlyList<string> words, ManifestFlags? manifests, CancellationToken cancel)
    {
        if (manifests?.Given(call) == true)
        {
            var found = new List<ResourceObject>();
            foreach (var manifest in await manifests.ReadAsync(call, cancel))
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                found.Add(new(resource, place, manifest.Name, manifest.Object));
            }
            return found;
        }
        var targets = await ResourceArguments.ParseAsync(call.Cluster.Mapper, words, cancel);
        if (targets.Any(t => t.Name is null))
            throw new CliException("resource(s) were provided, but no name was specified");
        return [.. targets.Select(t => new ResourceObject(t.Resource, t.Resource.Namespaced ? call.Namespace : "", t.Name!, []))];
    }

    /// <summary>Read from the server: named ones, or with a selector or --all those that it chooses.</summary>
    public static async Task<IReadOnlyList<ResourceObject>> ReadAsync(CliCall call, IReadOnlyList<string> words, ManifestFlags? manifests, SelectionFlags? selection, bool all, CancellationToken cancel)
    {
        if (manifests?.Given(call) == true)
        {
            var named = await NamedAsync(call, words, manifests, cancel);
            var read = new List<ResourceObject>();
            foreach (var target in named)
                read.Add(ResourceArguments.Wrap(target.Resource, await call.Cluster.Client.GetTreeAsync(target.Resource.Resource, target.Namespace, target.Name, cancellationToken: cancel)));
            return read;
        }
        var targets = await ResourceArguments.ParseAsync(call.Cluster.Mapper, words, cancel);
        if (targets.Any(t => t.Name is null) && !all && selection?.Any(call) != true)
            throw new CliException("resource(s) were provided, but no name was specified");
        return await ResourceArguments.ReadAsync(call.Cluster, targets, selection is null ? call.Namespace : selection.Namespace(call), selection?.Options(call) ?? new ListOptions(), cancel);
    }
}
