using Microsoft.Extensions.Logging;
using Timonier.Api.Apiextensions.V1;
using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.Client;

namespace Timonier.ApiServer.Aggregation;

/// <summary>Keeps an APIService for each group version that this server serves itself: the built-in ones, and those of custom resources as they come and go.</summary>
public sealed class LocalApiServices : IDisposable
{
    /// <summary>Upstream's label: what carries "true" goes when its group version does; "onstart" is made at the start and then left alone.</summary>
    internal const string Managed = "kube-aggregator.kubernetes.io/automanaged";

    /// <summary>The registry follows a definition within this.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    private readonly ApiClient _client;
    private readonly ResourceRegistry _registry;
    private readonly Informer<APIService> _services;
    private readonly HashSet<GroupVersion> _builtIn;

    public LocalApiServices(ApiClient client, InformerFactory informers, ResourceRegistry registry, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _registry, _services) = (client, registry, informers.For<APIService>());
        _builtIn = [.. Served(registry.Resources).Where(v => ApiServicePriorities.Group(v) != ApiServicePriorities.CustomGroup)];
        var definitions = informers.For<CustomResourceDefinition>();
        Loop = new ControllerLoop<string>("local-apiservices", ReconcileAsync, time, loggers.CreateLogger<LocalApiServices>(), _services.WaitForSyncAsync, definitions.WaitForSyncAsync) { Workers = 1 };
        definitions.OnChange(_ =>
        {
            Loop.Queue.Add("");
            Loop.Queue.AddAfter("", Settle);
        });
        _services.AddHandler(new InformerHandler<APIService> { Deleted = _ => Loop.Queue.Add("") });
        Loop.Queue.Add("");
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string all, CancellationToken cancel)
    {
        var served = Served(_registry.Resources).ToDictionary(Name);
        foreach (var (name, version) in served.Where(s => _services.Get("", s.Key) is null))
        {
            try
            {
                await _client.CreateAsync(Local(version, _builtIn.Contains(version)), cancel);
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                // Our informer is behind, or somebody has given the group version to another server.
            }
        }
        foreach (var gone in _services.List().Where(s => s.Spec.Service is null && s.Metadata.Labels.GetValueOrDefault(Managed) == "true" && !served.ContainsKey(s.Metadata.Name)))
        {
            try
            {
                await _client.DeleteAsync<APIService>("", gone.Metadata.Name, null, cancel);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
            }
        }
    }

    /// <summary>The aggregator's own group has none upstream; versions that upstream removed have none anywhere.</summary>
    private static IEnumerable<GroupVersion> Served(IReadOnlyList<ResourceSchema> resources) =>
        resources.Where(r => r.Served != ServedState.No && r.GroupVersion.Group != "apiregistration.k8s.io").Select(r => r.GroupVersion).Distinct();

    private static string Name(GroupVersion version) => $"{version.Version}.{version.Group}";

    internal static APIService Local(GroupVersion version, bool builtIn) => new()
    {
        Metadata = new() { Name = Name(version), Labels = new Dictionary<string, string> { [Managed] = builtIn ? "onstart" : "true" } },
        Spec = new() { Group = version.Group, Version = version.Version, GroupPriorityMinimum = ApiServicePriorities.Group(version), VersionPriority = ApiServicePriorities.Version(version) },
    };
}
