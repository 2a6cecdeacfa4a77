using Timonier.Api.Authentication.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Meta.V1;
using Timonier.Client;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Nodes;

/// <summary><see cref="IClusterApi"/> over the client: what a pod starts with is read fresh, so that it sees what was written before it.</summary>
internal sealed class ClusterApi(ApiClient client, Informer<Service> services, EventRecorder events, NodeFacts facts, TimeProvider time) : IClusterApi
{
    // A status that conflicts was overtaken by another writer: read again and write over that.
    private const int ConflictsMax = 5;

    // Upstream renews a token at 80 % of its life, and after a day at the latest.
    private const double RenewAfter = 0.8;
    private static readonly TimeSpan RenewAfterMax = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string PodUid, TokenKey Key), (string Token, DateTimeOffset RenewAt)> _tokens = [];

    public async Task<ContainerSources> SourcesAsync(Pod pod, CancellationToken cancellationToken)
    {
        await services.WaitForSyncAsync(cancellationToken);
        var references = PodReferences.Of(pod);
        return new ContainerSources
        {
            ConfigMaps = await GetAllAsync<ConfigMap>(pod.Metadata.Namespace, references.ConfigMaps, cancellationToken),
            Secrets = await GetAllAsync<Secret>(pod.Metadata.Namespace, references.Secrets, cancellationToken),
            Services = [.. services.List(pod.Metadata.Namespace), .. pod.Metadata.Namespace != "default" && services.Get("default", "kubernetes") is { } kubernetes ? [kubernetes] : Array.Empty<Service>()],
            HostIps = facts.Addresses,
            NodeAllocatable = facts.Allocatable,
        };
    }

    public async Task<IReadOnlyList<Secret>> PullSecretsAsync(Pod pod, CancellationToken cancellationToken)
    {
        var names = pod.Spec.ImagePullSecrets.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        return [.. (await GetAllAsync<Secret>(pod.Metadata.Namespace, names, cancellationToken)).Values];
    }

    public async Task<string> RuntimeHandlerAsync(Pod pod, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(pod.Spec.RuntimeClassName))
            return "";
        var found = await client.TryGetAsync<Timonier.Api.Node.V1.RuntimeClass>("", pod.Spec.RuntimeClassName, cancellationToken);
        return found?.Handler ?? throw new ContainerConfigException($"RuntimeClass \"{pod.Spec.RuntimeClassName}\" not found");
    }

    public async Task<bool> UpdateStatusAsync(Pod pod, PodStatus status, CancellationToken cancellationToken)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                // Our own copy is mostly current; a conflict says that it is not.
                var current = i == 0 ? pod : await client.TryGetAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, cancellationToken);
                if (current is null || current.Metadata.Uid != pod.Metadata.Uid)
                    return false;
                await client.UpdateStatusAsync(current with { Status = PodStatusMaker.Rebase(status, current.Status) }, cancellationToken);
                return true;
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                return false;
            }
            catch (ApiException e) when (e.IsConflict && i < ConflictsMax)
            {
                // Again, over what is there now.
            }
        }
    }

    public async Task DeleteAsync(Pod pod, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var key in _tokens.Keys.Where(k => k.PodUid == pod.Metadata.Uid).ToArray())
                _tokens.Remove(key);
        }
        try
        {
            var options = new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = pod.Metadata.Uid } };
            await client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, options, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or another pod has the name now.
        }
    }

    public void Event(Pod pod, Container? container, string type, string reason, string message) =>
        events.Event(EventRecorder.ReferenceTo(pod, container is null ? "" : FieldPath(pod, container.Name)), type, reason, message);

    public async Task<PersistentVolume> PersistentVolumeAsync(string claimNamespace, string claimName, CancellationToken cancellationToken)
    {
        var claim = await client.TryGetAsync<PersistentVolumeClaim>(claimNamespace, claimName, cancellationToken)
            ?? throw new VolumeException($"error processing PVC {claimNamespace}/{claimName}: failed to fetch PVC from API server: persistentvolumeclaims \"{claimName}\" not found");
        if (claim.Status.Phase != "Bound" || claim.Spec.VolumeName.Length == 0)
            throw new VolumeException($"error processing PVC {claimNamespace}/{claimName}: PVC is not bound");
        return await client.TryGetAsync<PersistentVolume>("", claim.Spec.VolumeName, cancellationToken)
            ?? throw new VolumeException($"failed to fetch PV {claim.Spec.VolumeName} from API server: persistentvolumes \"{claim.Spec.VolumeName}\" not found");
    }

    public async Task<(string Token, DateTimeOffset RenewAt)> TokenAsync(Pod pod, TokenKey key, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_tokens.TryGetValue((pod.Metadata.Uid, key), out var known) && known.RenewAt > time.GetUtcNow())
                return known;
        }
        var request = new TokenRequest
        {
            Spec = new()
            {
                Audiences = key.Audience.Length > 0 ? [key.Audience] : [],
                ExpirationSeconds = key.ExpirationSeconds,
                BoundObjectRef = new() { ApiVersion = Pod.ApiVersion, Kind = Pod.KindName, Name = pod.Metadata.Name, Uid = pod.Metadata.Uid },
            },
        };
        var account = pod.Spec.ServiceAccountName.Length > 0 ? pod.Spec.ServiceAccountName : "default";
        TokenRequest answer;
        try
        {
            answer = await client.CreateTokenAsync(pod.Metadata.Namespace, account, request, cancellationToken);
        }
        catch (ApiException e)
        {
            throw new VolumeException($"failed to fetch token: {e.Message}", e);
        }
        var now = time.GetUtcNow();
        var life = (answer.Status.ExpirationTimestamp ?? now) - now;
        var renewIn = life * RenewAfter < RenewAfterMax ? life * RenewAfter : RenewAfterMax;
        lock (_lock)
            return _tokens[(pod.Metadata.Uid, key)] = (answer.Status.Token, now + renewIn);
    }

    private async Task<IReadOnlyDictionary<string, T>> GetAllAsync<T>(string @namespace, IReadOnlySet<string> names, CancellationToken cancellationToken)
        where T : class, Timonier.Api.Kinds.IKind<T>
    {
        var found = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (await client.TryGetAsync<T>(@namespace, name, cancellationToken) is { } value)
                found[name] = value;
        }
        return found;
    }

    private static string FieldPath(Pod pod, string container)
    {
        var list = pod.Spec.FindContainer(container)?.Kind switch
        {
            ContainerKind.Init or ContainerKind.Sidecar => "initContainers",
            ContainerKind.Ephemeral => "ephemeralContainers",
            _ => "containers",
        };
        return $"spec.{list}{{{container}}}";
    }
}
