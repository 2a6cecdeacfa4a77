using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>Where an object of a manifest goes.</summary>
internal static class ManifestPlace
{
    /// <summary>Its resource and namespace; the namespace of the command where it names none.</summary>
    public static async Task<(MappedResource Resource, string Namespace)> FindAsync(CliCall call, Manifest manifest, CancellationToken cancel)
    {
        var resource = await call.Cluster.Mapper.OfKindAsync(manifest.ApiVersion, manifest.Kind, manifest.Source, cancel);
        if (!resource.Namespaced)
            return (resource, "");
        var own = (string?)manifest.Object.GetPath("metadata", "namespace") ?? "";
        if (own.Length > 0 && call.NamespaceGiven && own != call.Namespace)
            throw new CliException($"the namespace from the provided object \"{own}\" does not match the namespace \"{call.Namespace}\". You must pass '--namespace={own}' to perform this operation.");
        if (own.Length == 0)
            manifest.Object.EnsureMap("metadata")["namespace"] = call.Namespace;
        return (resource, own.Length > 0 ? own : call.Namespace);
    }
}
