using System.Collections.Concurrent;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>The parts of the documents that the built-in resources fill: made once, when first asked for, kept compressed. Thread-safe.</summary>
public sealed class BuiltInOpenApi
{
    internal const string Title = "Kubernetes";

    private readonly ApiSchema _schema;
    private readonly IReadOnlyList<ResourceSchema> _resources;
    private readonly Lazy<byte[]> _paths;
    private readonly Lazy<byte[]> _definitions;
    private readonly Lazy<byte[]> _protobuf;
    private readonly ConcurrentDictionary<GroupVersion, Lazy<byte[]>> _documents = new();

    /// <param name="resources">The built-in resources that are served.</param>
    public BuiltInOpenApi(ApiSchema schema, IEnumerable<ResourceSchema> resources)
    {
        (_schema, _resources) = (schema, [.. resources]);
        _paths = new(() => OpenApiFragments.Members(Paths(OpenApiDialect.V2, _resources), commaFirst: false));
        _definitions = new(() => OpenApiFragments.Members(Definitions(OpenApiDialect.V2, _resources), commaFirst: false));
        _protobuf = new(MakeProtobuf);
    }

    internal IEnumerable<GroupVersion> GroupVersions => _resources.Select(r => r.GroupVersion).Distinct();

    internal byte[] SwaggerPaths => _paths.Value;
    internal byte[] SwaggerDefinitions => _definitions.Value;
    internal byte[] SwaggerProtobuf => _protobuf.Value;

    /// <summary>The whole OpenAPI 3 document of a built-in group version.</summary>
    internal byte[] Document(GroupVersion version, string serverVersion) => _documents.GetOrAdd(version, v => new(() =>
    {
        var resources = _resources.Where(r => r.GroupVersion == v).ToList();
        return OpenApiFragments.Join(
            OpenApiFragments.Text(DocumentHead(serverVersion)),
            OpenApiFragments.Members(Paths(OpenApiDialect.V3, resources), commaFirst: false),
            OpenApiFragments.Text(DocumentMiddle),
            OpenApiFragments.Members(Definitions(OpenApiDialect.V3, resources), commaFirst: false),
            OpenApiFragments.Text("}}}"));
    })).Value;

    internal static string DocumentHead(string serverVersion) => $$"""{"openapi":"3.0.0","info":{"title":"{{Title}}","version":"{{serverVersion}}"},"paths":{""";

    internal const string DocumentMiddle = """},"components":{"schemas":{""";

    /// <summary>What the definitions of custom resources refer to.</summary>
    internal IEnumerable<(string, JsonMap)> CustomBasics(OpenApiDialect dialect) => Definitions(dialect, []);

    internal string? KindName(GroupVersion version, string kind) => KindType(version, kind) is { } type ? _schema.Group(type.Group).OpenApiPrefix + "." + type.Name : null;

    private TypeSchema? KindType(GroupVersion version, string kind) => _schema.FindKind(version, kind) ?? _schema.FindType("meta/v1." + kind);

    private IEnumerable<(string, JsonMap)> Paths(OpenApiDialect dialect, IEnumerable<ResourceSchema> resources)
    {
        var paths = new OpenApiPaths(dialect, KindName);
        return resources.SelectMany(r => paths.Of(r, custom: false)).OrderBy(p => p.Path, StringComparer.Ordinal);
    }

    private IEnumerable<(string, JsonMap)> Definitions(OpenApiDialect dialect, IReadOnlyList<ResourceSchema> resources)
    {
        var types = new OpenApiTypes(_schema, dialect);
        string[] always = ["DeleteOptions", "Status", "ObjectMeta", "ListMeta"];
        var roots = always.Select(n => _schema.Type("meta/v1." + n)).ToList();
        foreach (var resource in resources)
        {
            roots.Add(resource.Type);
            roots.AddRange(resource.Subresources.Select(s => KindType(s.GroupVersion ?? resource.GroupVersion, s.Kind)).OfType<TypeSchema>());
            if (KindType(resource.GroupVersion, resource.Kind + "List") is { } list)
                roots.Add(list);
        }
        var definitions = OpenApiTypes.Reachable(roots).Select(t => (types.Name(t), types.Definition(t, Kinds(t))));
        return definitions.Concat(OpenApiNames.Scalars(dialect)).OrderBy(d => d.Item1, StringComparer.Ordinal);
    }

    private IEnumerable<(GroupVersion, string)> Kinds(TypeSchema type)
    {
        if (!type.HasTypeMeta)
            return [];
        var group = _schema.Group(type.Group);
        if (group.Key != "meta/v1")
            return [(new(group.ApiGroup, group.Version), type.Name)];
        // Options are sent to every group version; a Status is of the core group.
        return type.Name.EndsWith("Options", StringComparison.Ordinal) ? GroupVersions.Select(v => (v, type.Name)) : [(new("", "v1"), type.Name)];
    }

    private byte[] MakeProtobuf()
    {
        var writer = new SwaggerProtobuf();
        foreach (var (path, item) in Paths(OpenApiDialect.V2, _resources))
            writer.Path(path, item);
        foreach (var (name, definition) in Definitions(OpenApiDialect.V2, _resources))
            writer.Definition(name, definition);
        return OpenApiFragments.Compress(writer.Written);
    }
}
