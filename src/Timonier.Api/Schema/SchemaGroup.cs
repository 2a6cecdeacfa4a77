namespace Timonier.Api.Schema;

/// <summary>The types of one API group version.</summary>
public sealed class SchemaGroup(string key, string apiGroup, string version, string openApiPrefix)
{
    /// <summary>"core/v1".</summary>
    public string Key { get; } = key;

    /// <summary>The group as clients name it; empty for core.</summary>
    public string ApiGroup { get; } = apiGroup;
    public string Version { get; } = version;

    /// <summary>"io.k8s.api.core.v1".</summary>
    public string OpenApiPrefix { get; } = openApiPrefix;

    /// <summary>By key, in the order of the file.</summary>
    public Dictionary<string, TypeSchema> Types { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys of types that are other names of a type in another group.</summary>
    public Dictionary<string, string> Aliases { get; } = new(StringComparer.Ordinal);
}
