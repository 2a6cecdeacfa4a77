using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Pods;

/// <summary>Ends containers, with their hooks and in their order. Upstream: killContainer, killPodWithSyncResult.</summary>
internal sealed class PodKiller(PodServices services)
{
    // Upstream: minimumGracePeriodInSeconds. Whatever the hooks used up, a process gets that long to end.
    private static readonly TimeSpan GraceMin = TimeSpan.FromSeconds(2);

    private readonly HookRunner _hooks = new(services.Probes, services.Time);

    /// <summary>Regular containers first and together, then the sidecars, last one first; then the sandbox.</summary>
    public async Task KillPodAsync(Pod pod, RuntimePod runtime, TimeSpan grace, CancellationToken cancellationToken)
    {
        var started = services.Time.GetTimestamp();
        var sidecars = pod.Spec.InitContainers.Where(PodSpecs.IsSidecar).Select(c => c.Name).Reverse().ToArray();
        var running = runtime.Containers.Where(c => c.State is RuntimeState.Running or RuntimeState.Unknown).ToArray();
        await Task.WhenAll(running.Where(c => !sidecars.Contains(c.Name)).Select(c => KillContainerAsync(pod, c, "", grace, cancellationToken)));
        foreach (var name in sidecars)
        {
            foreach (var container in running.Where(c => c.Name == name))
            {
                var left = grace - services.Time.GetElapsedTime(started);
                await KillContainerAsync(pod, container, "", left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
            }
        }
        foreach (var sandbox in runtime.Sandboxes)
            await IgnoreMissingAsync(services.Cri.StopPodSandboxAsync(sandbox.Id, cancellationToken));
    }

    /// <param name="message">For the Killing event; empty: the usual one.</param>
    public async Task KillContainerAsync(Pod pod, RuntimeContainer container, string message, TimeSpan grace, CancellationToken cancellationToken)
    {
        var started = services.Time.GetTimestamp();
        var spec = pod.Spec.FindContainer(container.Name)?.Container;
        services.Api.Event(pod, spec, EventRecorder.Normal, "Killing", message.Length > 0 ? message : $"Stopping container {container.Name}");
        if (spec?.Lifecycle?.PreStop is { } hook && grace > TimeSpan.Zero && container.IsRunning)
        {
            var failure = await _hooks.RunAsync(hook, pod.Status.PodIP, spec, container.Id, grace, cancellationToken);
            if (failure is not null)
            {
                services.Api.Event(pod, spec, EventRecorder.Warning, "FailedPreStopHook", "PreStopHook failed");
                services.Logger.LogWarning("preStop hook of {Container} in {Pod}: {Failure}", container.Name, PodNames.Format(pod), failure);
            }
        }
        var left = grace - services.Time.GetElapsedTime(started);
        await IgnoreMissingAsync(services.Cri.StopContainerAsync(container.Id, left > GraceMin ? left : GraceMin, cancellationToken));
    }

    /// <summary>Removes everything of a stopped pod from the runtime, and its logs.</summary>
    public async Task RemoveAsync(Pod pod, RuntimePod runtime, CancellationToken cancellationToken)
    {
        foreach (var container in runtime.Containers)
            await IgnoreMissingAsync(services.Cri.RemoveContainerAsync(container.Id, cancellationToken));
        foreach (var sandbox in runtime.Sandboxes)
            await IgnoreMissingAsync(services.Cri.RemovePodSandboxAsync(sandbox.Id, cancellationToken));
        var logs = services.Directories.Logs(pod);
        if (Directory.Exists(logs))
            Directory.Delete(logs, recursive: true);
    }

    private static async Task IgnoreMissingAsync(Task call)
    {
        try
        {
            await call;
        }
        catch (CriException e) when (e.IsNotFound)
        {
            // Gone is what was wanted.
        }
    }
}
