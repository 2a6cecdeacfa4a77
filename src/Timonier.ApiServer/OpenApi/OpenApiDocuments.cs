using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>A ready answer: compressed, as nearly every client takes it.</summary>
/// <param name="ETag">In quotes.</param>
/// <param name="Immutable">The address names the content by its hash: it may be cached for good.</param>
public sealed record OpenApiAnswer(ReadOnlyMemory<byte> Gzip, string ContentType, string ETag, bool Immutable)
{
    /// <summary>For the client that does not accept gzip.</summary>
    public byte[] Decompress()
    {
        using var plain = new MemoryStream();
        using (var gzip = new GZipStream(new MemoryStream(Gzip.ToArray()), CompressionMode.Decompress))
            gzip.CopyTo(plain);
        return plain.ToArray();
    }
}

/// <summary>
/// /openapi/v2 and /openapi/v3 for the built-in resources and one set of custom ones: immutable, a change of the set makes a
/// new one. Documents are made when first asked for; hashes come from what they are made of. Thread-safe.
/// </summary>
/// <param name="remotes">Of other servers: in the index and the old document; the documents of their group versions they serve themselves, or ours are made of their old document.</param>
/// <param name="serverVersion">"v1.36.0"; also stands for the built-in schemas in the hashes.</param>
public sealed class OpenApiDocuments(BuiltInOpenApi builtIn, IReadOnlyList<CustomSchema> customs, IReadOnlyList<RemoteOpenApi> remotes, string serverVersion)
{
    public const string SwaggerPath = "/openapi/v2";
    public const string IndexPath = "/openapi/v3";

    private const string Json = "application/json";
    private const string Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    /// <summary>How clients before 1.27 spell it; as a Content-Type, their own parser refuses it.</summary>
    private const string OldProtobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    private readonly ConcurrentDictionary<string, Lazy<OpenApiAnswer>> _answers = new(StringComparer.Ordinal);

    /// <param name="path">"/openapi/v2", "/openapi/v3" or "/openapi/v3/apis/GROUP/VERSION".</param>
    /// <param name="hash">The query parameter of that name; null or empty when absent. A wrong one is not looked at: the answer then is not immutable.</param>
    /// <returns>Null when there is no such document.</returns>
    /// <exception cref="ApiException">NotAcceptable.</exception>
    public OpenApiAnswer? Find(string path, string? accept, string? hash)
    {
        path = path.TrimEnd('/');
        if (path == SwaggerPath)
            return Keep("v2 " + Negotiate(accept), () => Swagger(Negotiate(accept)));
        if (path == IndexPath)
            return Keep(path, Index);
        if (VersionOf(path) is not { } version)
            return null;
        var answer = Keep(path, () => Document(version));
        return answer with { Immutable = !string.IsNullOrEmpty(hash) && answer.ETag.AsSpan().Trim('"').SequenceEqual(hash) };
    }

    /// <summary>Is there such a document?</summary>
    public bool Has(string path) => path.TrimEnd('/') is var name && (name is SwaggerPath or IndexPath || VersionOf(name) is not null);

    private GroupVersion? VersionOf(string path)
    {
        if (!path.StartsWith(IndexPath + "/api", StringComparison.Ordinal))
            return null;
        GroupVersion? version = path[(IndexPath.Length + 1)..].Split('/') switch
        {
            ["api", var v] => new GroupVersion("", v),
            ["apis", var g, var v] => new GroupVersion(g, v),
            _ => null,
        };
        return version is { } asked && (Versions.Contains(asked) || Converted(asked) is not null) ? version : null;
    }

    /// <summary>The server behind that has no document of its own in the new form, of which ours is made.</summary>
    private RemoteOpenApi? Converted(GroupVersion version) => remotes.FirstOrDefault(r => r.GroupVersion == version && r.DocumentAddress is null && r.Paths.Count > 0);

    private IEnumerable<GroupVersion> Versions => builtIn.GroupVersions.Concat(customs.Select(c => c.Resource.GroupVersion)).Distinct();

    private OpenApiAnswer Keep(string key, Func<OpenApiAnswer> make) => _answers.GetOrAdd(key, _ => new Lazy<OpenApiAnswer>(make)).Value;

    private static string Negotiate(string? accept)
    {
        if (string.IsNullOrWhiteSpace(accept))
            return Json;
        foreach (var range in accept.Split(','))
        {
            var type = range.Split(';')[0].Trim();
            if (type is Json or "*/*" or "application/*")
                return Json;
            if (type is Protobuf or OldProtobuf)
                return Protobuf;
        }
        throw ApiException.NotAcceptable($"only the following media types are accepted: {Json}, {Protobuf}");
    }

    private OpenApiAnswer Swagger(string contentType)
    {
        var etag = $"\"{Hash("v2", customs)}\"";
        var paths = CustomPaths(OpenApiDialect.V2, customs).Concat(remotes.SelectMany(r => r.Paths));
        // What every server has (meta/v1) stands in ours already.
        var definitions = customs.SelectMany(c => CustomSchemas.Definitions(c, OpenApiDialect.V2))
            .Concat(remotes.SelectMany(r => r.Definitions).Where(d => !d.Name.StartsWith("io.k8s.apimachinery.", StringComparison.Ordinal)).DistinctBy(d => d.Name));
        if (contentType != Json)
        {
            var writer = new SwaggerProtobuf();
            writer.Head(BuiltInOpenApi.Title, serverVersion);
            foreach (var (path, item) in paths)
                writer.Path(path, item);
            foreach (var (name, definition) in definitions)
                writer.Definition(name, definition);
            return new(OpenApiFragments.Join(OpenApiFragments.Compress(writer.Written), builtIn.SwaggerProtobuf), contentType, etag, false);
        }
        var body = OpenApiFragments.Join(
            OpenApiFragments.Text($$"""{"swagger":"2.0","info":{"title":"{{BuiltInOpenApi.Title}}","version":"{{serverVersion}}"},"paths":{"""),
            builtIn.SwaggerPaths,
            OpenApiFragments.Members(paths, commaFirst: true),
            OpenApiFragments.Text("""},"definitions":{"""),
            builtIn.SwaggerDefinitions,
            OpenApiFragments.Members(definitions, commaFirst: true),
            OpenApiFragments.Text("}}"));
        return new(body, Json, etag, false);
    }

    private OpenApiAnswer Index()
    {
        var paths = new JsonMap();
        foreach (var version in Versions.Concat(remotes.Select(r => r.GroupVersion).Where(v => Converted(v) is not null)))
        {
            var path = version.Group.Length == 0 ? $"api/{version.Version}" : $"apis/{version}";
            paths[path] = new JsonMap { ["serverRelativeURL"] = $"{IndexPath}/{path}?hash={Hash(version)}" };
        }
        foreach (var remote in remotes.Where(r => r.DocumentAddress is not null))
            paths[$"apis/{remote.GroupVersion}"] = new JsonMap { ["serverRelativeURL"] = remote.DocumentAddress };
        var body = JsonEncoder.Encode(new JsonMap { ["paths"] = paths });
        return new(OpenApiFragments.Compress(body), Json, $"\"{Hash("v3", customs)}\"", false);
    }

    private OpenApiAnswer Document(GroupVersion version)
    {
        if (Converted(version) is { } remote)
            return new(Document(remote), Json, $"\"{Hash(version)}\"", false);
        var own = customs.Where(c => c.Resource.GroupVersion == version).ToList();
        var body = own.Count == 0 ? builtIn.Document(version, serverVersion) : OpenApiFragments.Join(
            OpenApiFragments.Text(BuiltInOpenApi.DocumentHead(serverVersion)),
            OpenApiFragments.Members(CustomPaths(OpenApiDialect.V3, own), commaFirst: false),
            OpenApiFragments.Text(BuiltInOpenApi.DocumentMiddle),
            OpenApiFragments.Members(builtIn.CustomBasics(OpenApiDialect.V3).Concat(own.SelectMany(c => CustomSchemas.Definitions(c, OpenApiDialect.V3))), commaFirst: false),
            OpenApiFragments.Text("}}}"));
        return new(body, Json, $"\"{Hash(version)}\"", false);
    }

    private byte[] Document(RemoteOpenApi remote) => OpenApiFragments.Join(
        OpenApiFragments.Text(BuiltInOpenApi.DocumentHead(serverVersion)),
        OpenApiFragments.Members(remote.Paths.Select(p => (p.Name, SwaggerConversion.Path(p.Value))), commaFirst: false),
        OpenApiFragments.Text(BuiltInOpenApi.DocumentMiddle),
        OpenApiFragments.Members(SwaggerConversion.Needed(remote.Paths.Select(p => p.Value), remote.Definitions).Select(d => (d.Name, SwaggerConversion.Schema(d.Value))), commaFirst: false),
        OpenApiFragments.Text("}}}"));

    private IEnumerable<(string, JsonMap)> CustomPaths(OpenApiDialect dialect, IReadOnlyList<CustomSchema> of)
    {
        var names = new HashSet<string>(of.SelectMany(c => new[] { OpenApiNames.Custom(c.Resource.GroupVersion, c.Resource.Kind), OpenApiNames.Custom(c.Resource.GroupVersion, c.ListKind) }), StringComparer.Ordinal);
        var paths = new OpenApiPaths(dialect, (version, kind) => OpenApiNames.Custom(version, kind) is var name && names.Contains(name) ? name : builtIn.KindName(version, kind));
        return of.SelectMany(c => paths.Of(c.Resource, custom: true));
    }

    private string Hash(GroupVersion version) => Hash(version.ToString(), customs.Where(c => c.Resource.GroupVersion == version));

    private string Hash(string what, IEnumerable<CustomSchema> of)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{what} {serverVersion} {typeof(OpenApiDocuments).Assembly.ManifestModule.ModuleVersionId}"));
        foreach (var remote in remotes.Where(r => what is "v2" or "v3" || r.GroupVersion.ToString() == what))
            hash.AppendData(Encoding.UTF8.GetBytes(remote.Hash));
        foreach (var custom in of)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{custom.Resource} {custom.Resource.Kind} {custom.ListKind} {custom.Resource.Namespaced} {string.Join(',', custom.Resource.Subresources.Select(s => s.Name))} "));
            hash.AppendData(JsonEncoder.Encode(custom.Schema));
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
