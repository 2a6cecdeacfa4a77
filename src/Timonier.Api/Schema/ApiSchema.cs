namespace Timonier.Api.Schema;

/// <summary>A group with its versions, most preferred first.</summary>
public sealed record ApiGroupSchema(string Name, string PreferredVersion, IReadOnlyList<string> Versions);

/// <summary>
/// Every type and resource of the served Kubernetes level, read from the compact schema in this assembly. A group's
/// types are parsed when one of them is first asked for. Thread-safe; immutable once read.
/// </summary>
public sealed class ApiSchema
{
    private readonly Dictionary<string, Lazy<SchemaGroup>> _groups = new(StringComparer.Ordinal);
    private readonly Lazy<(List<ApiGroupSchema> Groups, List<ResourceSchema> Resources)> _resources;

    public ApiSchema()
    {
        const string Prefix = "Schema.", Suffix = ".schema";
        var assembly = typeof(ApiSchema).Assembly;
        foreach (var name in assembly.GetManifestResourceNames())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name == Prefix + "resources" + Suffix)
                continue;
            var key = name[Prefix.Length..^Suffix.Length].Replace('_', '/');
            _groups[key] = new Lazy<SchemaGroup>(() => SchemaText.Parse(ReadResource(name), Type));
        }
        _resources = new(() => ResourceText.Parse(ReadResource(Prefix + "resources" + Suffix), this));
    }

    /// <summary>The groups that are served, in the order of discovery.</summary>
    public IReadOnlyList<ApiGroupSchema> Groups => _resources.Value.Groups;

    /// <summary>Every resource of every version, those that upstream no longer serves too.</summary>
    public IReadOnlyList<ResourceSchema> Resources => _resources.Value.Resources;

    /// <summary>All schema groups ("core/v1", ...); parses all of them.</summary>
    public IEnumerable<SchemaGroup> SchemaGroups => _groups.Values.Select(g => g.Value);

    /// <param name="key">"core/v1".</param>
    /// <exception cref="KeyNotFoundException">There is no such group.</exception>
    public SchemaGroup Group(string key) => _groups[key].Value;

    /// <param name="key">"core/v1.PodSpec". An alias answers with the type it stands for.</param>
    /// <exception cref="KeyNotFoundException">There is no such type.</exception>
    public TypeSchema Type(string key) => FindType(key) ?? throw new KeyNotFoundException($"no type {key} in the schema");

    /// <summary>As <see cref="Type"/>, null when there is no such type.</summary>
    public TypeSchema? FindType(string key)
    {
        var dot = key.IndexOf('.', key.IndexOf('/'));
        if (dot < 0 || !_groups.TryGetValue(key[..dot], out var group))
            return null;
        return group.Value.Aliases.TryGetValue(key, out var target) ? Type(target) : group.Value.Types.GetValueOrDefault(key);
    }

    /// <summary>The type of a kind by what clients write; null when there is none.</summary>
    public TypeSchema? FindKind(GroupVersion groupVersion, string kind) =>
        FindType($"{(groupVersion.Group.Length == 0 ? "core" : groupVersion.Group)}/{groupVersion.Version}.{kind}") is { HasTypeMeta: true } type ? type : null;

    private static string ReadResource(string name)
    {
        using var stream = typeof(ApiSchema).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
