using System.Globalization;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Images;

/// <summary>A container waits for its image. The reason is upstream's ("ErrImagePull", "ImagePullBackOff", ...).</summary>
internal sealed class ImageException(string reason, string message, DateTimeOffset? retryAt = null) : Exception(message)
{
    public string Reason { get; } = reason;

    /// <summary>When another attempt makes sense; null: the usual time after a failure.</summary>
    public DateTimeOffset? RetryAt { get; } = retryAt;
}

/// <summary>Makes sure that a container's image is there, by its pull policy, and says so in events. One per pod. Upstream: images/image_manager.go.</summary>
internal sealed class ImagePuller(ICri cri, IClusterApi api, TimeProvider time)
{
    // The next look, which does not pull yet, turns the reason from ErrImagePull into ImagePullBackOff.
    private static readonly TimeSpan SaysBackOffAfter = TimeSpan.FromSeconds(2);

    private readonly RestartBackoff _backoff = new();
    private readonly Dictionary<string, (DateTimeOffset At, string Message)> _failures = new(StringComparer.Ordinal);

    /// <exception cref="ImageException">It is not there, and now is not the time, or it cannot be had.</exception>
    public async Task<ResolvedImage> EnsureAsync(Pod pod, Container container, Cri.V1.PodSandboxConfig? sandbox, CancellationToken cancellationToken)
    {
        try
        {
            _ = ImageReference.Normalize(container.Image);
        }
        catch (FormatException e)
        {
            api.Event(pod, container, EventRecorder.Warning, "InspectFailed", $"Failed to apply default image tag \"{container.Image}\": {e.Message}");
            throw new ImageException("InvalidImageName", $"Failed to apply default image tag \"{container.Image}\": {e.Message}");
        }
        var policy = container.ImagePullPolicy.Length > 0 ? container.ImagePullPolicy : ImageReference.IsLatest(container.Image) ? "Always" : "IfNotPresent";
        var present = await cri.ImageStatusAsync(container.Image, cancellationToken);
        // An image that was built or imported here carries no registry's digest: there is nothing newer to pull.
        if (present is not null && (policy != "Always" || present.RepoDigests.Count == 0))
        {
            api.Event(pod, container, EventRecorder.Normal, "Pulled", $"Container image \"{container.Image}\" already present on machine and can be accessed by the pod");
            return Resolve(present);
        }
        if (policy == "Never")
        {
            var message = $"Container image \"{container.Image}\" is not present with pull policy of Never";
            api.Event(pod, container, EventRecorder.Warning, "ErrImageNeverPull", message);
            throw new ImageException("ErrImageNeverPull", message);
        }
        return await PullAsync(pod, container, sandbox, cancellationToken);
    }

    private async Task<ResolvedImage> PullAsync(Pod pod, Container container, Cri.V1.PodSandboxConfig? sandbox, CancellationToken cancellationToken)
    {
        var image = container.Image;
        var failure = _failures.TryGetValue(image, out var known) ? known : default;
        if (failure.Message is not null && _backoff.Waiting(image, failure.At, time.GetUtcNow()) is { } waiting)
        {
            api.Event(pod, container, EventRecorder.Normal, "BackOff", $"Back-off pulling image \"{image}\"");
            throw new ImageException("ImagePullBackOff", $"Back-off pulling image \"{image}\": ErrImagePull: {failure.Message}", waiting.Until);
        }
        api.Event(pod, container, EventRecorder.Normal, "Pulling", $"Pulling image \"{image}\"");
        var started = time.GetTimestamp();
        try
        {
            await PullAsync(image, await api.PullSecretsAsync(pod, cancellationToken), sandbox, cancellationToken);
            var pulled = await cri.ImageStatusAsync(image, cancellationToken) ?? throw new CriException(GrpcStatus.NotFound, $"image \"{image}\" not found after pull", "PullImage");
            var took = Format(time.GetElapsedTime(started));
            api.Event(pod, container, EventRecorder.Normal, "Pulled", string.Create(CultureInfo.InvariantCulture, $"Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {pulled.Size} bytes."));
            _failures.Remove(image);
            return Resolve(pulled);
        }
        catch (CriException e)
        {
            var now = time.GetUtcNow();
            _backoff.Next(image, now);
            _failures[image] = (now, e.Message);
            api.Event(pod, container, EventRecorder.Warning, "Failed", $"Failed to pull image \"{image}\": {e.Message}");
            throw new ImageException("ErrImagePull", e.Message, now + SaysBackOffAfter);
        }
    }

    // Each credential that fits is tried; without any the pull is anonymous. The last failure is the one that is told.
    private async Task PullAsync(string image, IReadOnlyList<Secret> secrets, Cri.V1.PodSandboxConfig? sandbox, CancellationToken cancellationToken)
    {
        var credentials = RegistryCredentials.Find(image, secrets);
        for (var i = 0; i < credentials.Count; i++)
        {
            try
            {
                await cri.PullImageAsync(image, credentials[i], sandbox, cancellationToken);
                return;
            }
            catch (CriException) when (i < credentials.Count - 1)
            {
                // The next one may fit.
            }
        }
        if (credentials.Count == 0)
            await cri.PullImageAsync(image, null, sandbox, cancellationToken);
    }

    private static ResolvedImage Resolve(Cri.V1.Image image) => new(image.Id, image.Uid?.Value, image.Username);

    private static string Format(TimeSpan time) =>
        time.TotalSeconds < 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0}ms") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###}s");
}
