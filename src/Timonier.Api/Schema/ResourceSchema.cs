namespace Timonier.Api.Schema;

/// <summary>How a built-in resource is offered at the served level.</summary>
public enum ServedState
{
    Default, OptIn, Aggregated,
    /// <summary>Removed upstream. Timonier serves the old versions of design.md section 2 by conversion.</summary>
    No,
}

/// <summary>A resource of the API: names, scope, verbs, storage. A custom resource compiles to the same form.</summary>
public sealed class ResourceSchema
{
    public required GroupVersion GroupVersion { get; init; }
    public required string Plural { get; init; }
    public required string Singular { get; init; }
    public required string Kind { get; init; }
    public required bool Namespaced { get; init; }

    /// <summary>The schema of the objects.</summary>
    public required TypeSchema Type { get; init; }
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>Field paths that a field selector may name.</summary>
    public IReadOnlyList<string> SelectableFields { get; init; } = [];
    public IReadOnlyList<string> Verbs { get; init; } = [];
    public IReadOnlyList<SubresourceSchema> Subresources { get; init; } = [];
    public ServedState Served { get; init; }

    /// <summary>The version that objects are stored in; null for a resource that is not stored (reviews, bindings).</summary>
    public GroupVersion? StorageVersion { get; init; }

    /// <summary>Upstream's hash of group, version and kind of storage, shown in discovery; empty when not stored.</summary>
    public string StorageVersionHash { get; init; } = "";

    /// <summary>Where objects stand below the storage root ("pods", "services/specs"); empty when not stored.</summary>
    public string StoragePrefix { get; init; } = "";

    /// <summary>The Kubernetes versions ("1.16") of the resource's life; empty when not said.</summary>
    public string Introduced { get; init; } = "";
    public string Deprecated { get; init; } = "";
    public string Removed { get; init; } = "";

    /// <summary>What to use in place of a deprecated version.</summary>
    public GroupVersionKind? Replacement { get; init; }

    public GroupVersionResource Resource => new(GroupVersion.Group, GroupVersion.Version, Plural);
    public GroupVersionKind GroupVersionKind => new(GroupVersion.Group, GroupVersion.Version, Kind);

    /// <summary>"pods", "deployments.apps".</summary>
    public string GroupResource => Resource.GroupResource;

    public SubresourceSchema? Subresource(string name) => Subresources.FirstOrDefault(s => s.Name == name);

    public override string ToString() => $"{GroupVersion}/{Plural}";
}

/// <summary>A subresource: the kind that its requests carry and the verbs that it knows.</summary>
/// <param name="Name">"status", "scale", "log", ...</param>
/// <param name="Kind">The kind of its body.</param>
/// <param name="GroupVersion">The body's group version where it is not the resource's own.</param>
/// <param name="Verbs">In discovery's words.</param>
/// <param name="Connect">A stream or a proxy, not an object.</param>
public sealed record SubresourceSchema(string Name, string Kind, GroupVersion? GroupVersion, IReadOnlyList<string> Verbs, bool Connect);
