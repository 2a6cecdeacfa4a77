using System.Collections.Concurrent;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>The API as a pod's worker sees it; remembers the last status, and every event as "reason message".</summary>
internal sealed class FakeCluster : IClusterApi
{
    public ConcurrentDictionary<string, ConfigMap> ConfigMaps { get; } = new();
    public ConcurrentQueue<string> Events { get; } = new();
    public ConcurrentBag<string> Deleted { get; } = [];
    public PodStatus? Status { get; private set; }

    public Task<ContainerSources> SourcesAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult(new ContainerSources
    {
        ConfigMaps = new Dictionary<string, ConfigMap>(ConfigMaps),
        Secrets = new Dictionary<string, Secret>(),
        Services = [],
        HostIps = [],
        NodeAllocatable = new Dictionary<string, Timonier.Api.Quantity>(),
    });

    public Task<IReadOnlyList<Secret>> PullSecretsAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Secret>>([]);

    public Task<string> RuntimeHandlerAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult("");

    public Task<bool> UpdateStatusAsync(Pod pod, PodStatus status, CancellationToken cancellationToken)
    {
        Status = status;
        return Task.FromResult(true);
    }

    public Task DeleteAsync(Pod pod, CancellationToken cancellationToken)
    {
        Deleted.Add(pod.Metadata.Uid);
        return Task.CompletedTask;
    }

    public void Event(Pod pod, Container? container, string type, string reason, string message) => Events.Enqueue($"{reason} {message}");

    public Task<PersistentVolume> PersistentVolumeAsync(string claimNamespace, string claimName, CancellationToken cancellationToken) => throw new VolumeException("no such claim");

    public Task<(string Token, DateTimeOffset RenewAt)> TokenAsync(Pod pod, TokenKey key, CancellationToken cancellationToken) => throw new VolumeException("no tokens");
}
