using Timonier.Api.Schema;
using Timonier.ApiServer.OpenApi;

namespace Timonier.ApiServer.Discovery;

/// <summary>
/// What clients may read about the API: discovery and OpenAPI of everything that is served now. Made anew at the next question
/// after a change. Thread-safe.
/// </summary>
/// <param name="resources">Everything served now, custom resources included; a new list after each change. Cheap.</param>
/// <param name="serverAddress">"10.0.0.1:6443".</param>
/// <param name="serverVersion">"v1.36.0".</param>
public sealed class PublishedApi(ApiSchema schema, Func<IReadOnlyList<ResourceSchema>> resources, string serverAddress, string serverVersion)
{
    private readonly Lock _lock = new();
    private IReadOnlyList<CustomSchema> _customs = [];
    private IReadOnlyList<RemoteGroupVersion> _remotes = [];
    private IReadOnlyList<RemoteOpenApi> _remoteOpenApi = [];
    private BuiltInOpenApi? _builtIn;
    private Snapshot? _current;

    private sealed record Snapshot(IReadOnlyList<ResourceSchema> Served, DiscoveryDocuments Discovery, OpenApiDocuments OpenApi);

    public DiscoveryDocuments Discovery => Current.Discovery;

    public OpenApiDocuments OpenApi => Current.OpenApi;

    /// <summary>The schemas of the custom resources that are served from now on; call after they are.</summary>
    public void ChangeCustom(IReadOnlyList<CustomSchema> customs)
    {
        lock (_lock)
            (_customs, _current) = (customs, null);
    }

    /// <summary>The group versions that other servers answer for from now on.</summary>
    public void ChangeRemote(IReadOnlyList<RemoteGroupVersion> remotes)
    {
        lock (_lock)
            (_remotes, _current) = (remotes, null);
    }

    /// <summary>What those servers say of their part.</summary>
    public void ChangeRemoteOpenApi(IReadOnlyList<RemoteOpenApi> remotes)
    {
        lock (_lock)
            (_remoteOpenApi, _current) = (remotes, null);
    }

    private Snapshot Current
    {
        get
        {
            var served = resources();
            if (Volatile.Read(ref _current) is { } current && ReferenceEquals(current.Served, served))
                return current;
            lock (_lock)
            {
                if (_current is not null && ReferenceEquals(_current.Served, served))
                    return _current;
                _builtIn ??= new BuiltInOpenApi(schema, served.Where(new HashSet<ResourceSchema>(schema.Resources).Contains));
                return _current = new Snapshot(served, new DiscoveryDocuments(served, _remotes, serverAddress), new OpenApiDocuments(_builtIn, _customs, _remoteOpenApi, serverVersion));
            }
        }
    }
}
