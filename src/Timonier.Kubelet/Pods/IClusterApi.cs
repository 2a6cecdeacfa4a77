using Timonier.Api.Core.V1;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Pods;

/// <summary>What a pod's worker asks of, and tells, the API server. A fake stands behind it in tests.</summary>
internal interface IClusterApi : IVolumeSource
{
    /// <summary>Reads all that the pod's volumes and environments refer to, as it is now.</summary>
    Task<ContainerSources> SourcesAsync(Pod pod, CancellationToken cancellationToken);

    /// <summary>The pod's image pull secrets that exist.</summary>
    Task<IReadOnlyList<Secret>> PullSecretsAsync(Pod pod, CancellationToken cancellationToken);

    /// <summary>The handler of the pod's RuntimeClass; empty without one.</summary>
    /// <exception cref="ContainerConfigException">There is no such class.</exception>
    Task<string> RuntimeHandlerAsync(Pod pod, CancellationToken cancellationToken);

    /// <summary>Writes the status over what the server has. False when the pod is gone, or another has its name.</summary>
    Task<bool> UpdateStatusAsync(Pod pod, PodStatus status, CancellationToken cancellationToken);

    /// <summary>The last step of a deletion: grace period 0, this uid only. A pod that is gone is no error.</summary>
    Task DeleteAsync(Pod pod, CancellationToken cancellationToken);

    /// <param name="container">Null: the event is about the whole pod.</param>
    void Event(Pod pod, Container? container, string type, string reason, string message);
}
