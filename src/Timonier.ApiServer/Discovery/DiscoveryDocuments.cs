using System.Collections.Concurrent;
using System.Security.Cryptography;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Discovery;

/// <summary>A ready answer. The ETag stands in quotes, as in the header; empty where upstream sends none.</summary>
public sealed record DiscoveryAnswer(ReadOnlyMemory<byte> Body, string ContentType, string ETag);

/// <summary>
/// All of discovery for one set of resources: immutable, so a change of the set (a custom resource, an APIService) makes a
/// new one. Each document is made when first asked for, then kept as bytes. Thread-safe.
/// </summary>
public sealed class DiscoveryDocuments
{
    private readonly IReadOnlyList<DiscoveredGroup> _groups;
    private readonly string _serverAddress;
    private readonly ConcurrentDictionary<(string Path, DiscoveryForm Form), DiscoveryAnswer> _answers = new();

    /// <param name="resources">Everything that this server serves, custom resources and converted old versions too.</param>
    /// <param name="remotes">Group versions of other servers behind APIServices.</param>
    /// <param name="serverAddress">"10.0.0.1:6443", as /api tells clients.</param>
    public DiscoveryDocuments(IEnumerable<ResourceSchema> resources, IReadOnlyList<RemoteGroupVersion> remotes, string serverAddress) =>
        (_groups, _serverAddress) = (DiscoveryModel.Build(resources, remotes), serverAddress);

    /// <param name="path">"/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"; a slash at the end does not matter.</param>
    /// <param name="accept">The Accept header; empty or null takes anything.</param>
    /// <returns>Null when the path is none of discovery's, or a remote server must answer it (/apis/GROUP/VERSION of an APIService).</returns>
    /// <exception cref="ApiException">NotAcceptable: no form of the document fits the Accept header.</exception>
    public DiscoveryAnswer? Find(string path, string? accept)
    {
        var steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (steps is not (["api"] or ["api", _] or ["apis"] or ["apis", _] or ["apis", _, _]) || !IsServed(steps))
            return null;
        var form = DiscoveryForms.Negotiate(accept, aggregated: steps.Length == 1)
            ?? throw ApiException.NotAcceptable("only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf");
        return _answers.GetOrAdd((string.Join('/', steps), form), static (key, self) => self.Make(key.Path.Split('/'), key.Form), this);
    }

    private bool IsServed(string[] steps) => steps switch
    {
        [_] => true,
        ["api", var version] => Group("") is { } core && Version(core, version) is not null,
        [_, var group] => group.Length > 0 && Group(group) is not null,
        [_, var group, var version] => Group(group) is { } found && Version(found, version) is { Remote: null },
        _ => false,
    };

    private DiscoveredGroup? Group(string name) => _groups.FirstOrDefault(g => g.Name == name);

    private static DiscoveredVersion? Version(DiscoveredGroup group, string name) => group.Versions.FirstOrDefault(v => v.GroupVersion.Version == name);

    private DiscoveryAnswer Make(string[] steps, DiscoveryForm form)
    {
        var named = _groups.Where(g => g.Name.Length > 0);
        var core = _groups.Where(g => g.Name.Length == 0);
        var document = steps switch
        {
            ["api"] when form.IsAggregated() => AggregatedWriter.List(core, form.Version()),
            ["apis"] when form.IsAggregated() => AggregatedWriter.List(named, form.Version()),
            ["api"] => DiscoveryWriter.Versions(core.FirstOrDefault() ?? new DiscoveredGroup("", []), _serverAddress),
            ["apis"] => DiscoveryWriter.GroupList(named),
            ["api", var version] => DiscoveryWriter.ResourceList(Version(Group("")!, version)!),
            [_, var group] => DiscoveryWriter.Group(Group(group)!),
            _ => DiscoveryWriter.ResourceList(Version(Group(steps[1])!, steps[2])!),
        };
        var body = form.Encode(document);
        var etag = form.IsAggregated() ? $"\"{Convert.ToHexString(SHA512.HashData(body))}\"" : "";
        return new DiscoveryAnswer(body, form.ContentType(), etag);
    }
}
