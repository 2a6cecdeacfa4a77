using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Images;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Pods;

/// <summary>A container could not be started: the waiting state it gets, and when to try again.</summary>
internal sealed record StartFailure(WaitingReason Waiting, DateTimeOffset RetryAt);

/// <summary>Makes one pod's sandbox and containers. Upstream: createPodSandbox, startContainer.</summary>
internal sealed class PodStarter(PodServices services)
{
    // What upstream's worker waits after a failure that nothing announces the end of.
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PostStartMax = TimeSpan.FromMinutes(30);

    private readonly ImagePuller _images = new(services.Cri, services.Api, services.Time);
    private readonly HookRunner _hooks = new(services.Probes, services.Time);
    private readonly PodKiller _killer = new(services);

    public PodResize Resize { get; } = new(services);

    public Cri.V1.PodSandboxConfig SandboxConfig(Pod pod, uint attempt)
    {
        var resolver = File.Exists(services.Dns.ResolverFile) ? File.ReadAllLines(services.Dns.ResolverFile) : [];
        var dns = DnsConfigMaker.Make(pod, services.Dns, resolver);
        return SandboxConfigMaker.Make(pod, attempt, dns, services.Directories.Logs(pod), services.Cgroups.Path(pod), services.Dns.Domain);
    }

    /// <returns>The new sandbox.</returns>
    public async Task<RuntimeSandbox> CreateSandboxAsync(Pod pod, uint attempt, CancellationToken cancellationToken)
    {
        var config = SandboxConfig(pod, attempt);
        Directory.CreateDirectory(config.LogDirectory);
        services.Cgroups.Create(pod);
        var handler = await services.Api.RuntimeHandlerAsync(pod, cancellationToken);
        await services.SandboxSlots.WaitAsync(cancellationToken);
        try
        {
            var id = await services.Cri.RunPodSandboxAsync(config, handler, cancellationToken);
            var status = await services.Cri.PodSandboxStatusAsync(id, cancellationToken);
            string[] ips = status.Network is { Ip.Length: > 0 } network ? [network.Ip, .. network.AdditionalIps.Select(i => i.Ip)] : [];
            return new(id, attempt, true, services.Time.GetUtcNow(), ips);
        }
        catch (CriException e)
        {
            services.Api.Event(pod, null, EventRecorder.Warning, "FailedCreatePodSandBox", $"Failed to create pod sandbox: {e.Message}");
            throw;
        }
        finally
        {
            services.SandboxSlots.Release();
        }
    }

    public void WriteHosts(Pod pod, IReadOnlyList<string> ips)
    {
        var node = pod.Spec.HostNetwork ? File.ReadAllText("/etc/hosts") : "";
        var path = services.Directories.EtcHosts(pod.Metadata.Uid);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, HostsFile.Make(pod, ips, services.Dns.Domain, node));
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
    }

    /// <returns>Null when the container runs.</returns>
    public async Task<StartFailure?> StartContainerAsync(
        Pod pod, ContainerStart start, RuntimeSandbox sandbox, ContainerSources sources, PodVolumes volumes, CancellationToken cancellationToken)
    {
        var container = start.Container;
        var sandboxConfig = SandboxConfig(pod, sandbox.Attempt);
        var step = "CreateContainerConfigError";
        try
        {
            var image = await _images.EnsureAsync(pod, container, sandboxConfig, cancellationToken);
            var environment = EnvironmentMaker.Make(pod, container, sources);
            var mounts = ContainerMounts.Make(pod, start, volumes, services.Directories, environment);
            var config = ContainerConfigMaker.Make(pod, start, image, environment, mounts, services.MemoryBytes);
            await TargetAsync(pod, container, config, cancellationToken);
            step = "CreateContainerError";
            Directory.CreateDirectory(Path.Combine(sandboxConfig.LogDirectory, container.Name));
            var id = await services.Cri.CreateContainerAsync(sandbox.Id, config, sandboxConfig, cancellationToken);
            Resize.Started(id, config.Linux.Resources);
            services.Api.Event(pod, container, EventRecorder.Normal, "Created", "Container created");
            step = "RunContainerError";
            await services.Cri.StartContainerAsync(id, cancellationToken);
            services.Api.Event(pod, container, EventRecorder.Normal, "Started", "Container started");
            return await PostStartAsync(pod, container, id, cancellationToken);
        }
        catch (ImageException e)
        {
            if (e.Reason is "ErrImagePull" or "ImagePullBackOff")
                services.Api.Event(pod, container, EventRecorder.Warning, "Failed", $"Error: {e.Reason}");
            return Failure(e.Reason, e.Message, e.RetryAt);
        }
        catch (Exception e) when (e is ContainerConfigException or CriException { IsUnavailable: false } or IOException)
        {
            var message = (e as CriException)?.Description ?? e.Message;
            services.Api.Event(pod, container, EventRecorder.Warning, "Failed", $"Error: {message}");
            return Failure(step, message);
        }
    }

    // An ephemeral container may look into the processes of the container that it names.
    private async Task TargetAsync(Pod pod, Container container, Cri.V1.ContainerConfig config, CancellationToken cancellationToken)
    {
        var target = pod.Spec.EphemeralContainers.FirstOrDefault(e => e.Name == container.Name)?.TargetContainerName;
        if (string.IsNullOrEmpty(target))
            return;
        var filter = new Cri.V1.ContainerFilter { State = new() { State = Cri.V1.ContainerState.ContainerRunning } };
        filter.LabelSelector[PodNames.UidLabel] = pod.Metadata.Uid;
        filter.LabelSelector[PodNames.ContainerLabel] = target;
        var running = await services.Cri.ListContainersAsync(filter, cancellationToken);
        var found = running.Count > 0 ? running[0] : throw new ContainerConfigException($"unable to find target container {target}");
        config.Linux.SecurityContext.NamespaceOptions.Pid = Cri.V1.NamespaceMode.Target;
        config.Linux.SecurityContext.NamespaceOptions.TargetId = found.Id;
    }

    private async Task<StartFailure?> PostStartAsync(Pod pod, Container container, string containerId, CancellationToken cancellationToken)
    {
        if (container.Lifecycle?.PostStart is not { } hook)
            return null;
        var failure = await _hooks.RunAsync(hook, pod.Status.PodIP, container, containerId, PostStartMax, cancellationToken);
        if (failure is null)
            return null;
        services.Api.Event(pod, container, EventRecorder.Warning, "FailedPostStartHook", "PostStartHook failed");
        services.Logger.LogWarning("postStart hook of {Container} in {Pod}: {Failure}", container.Name, PodNames.Format(pod), failure);
        var running = new RuntimeContainer { Id = containerId, Name = container.Name, State = RuntimeState.Running };
        await _killer.KillContainerAsync(pod, running, "FailedPostStartHook", pod.GracePeriod(), cancellationToken);
        return Failure("PostStartHookError", failure);
    }

    private StartFailure Failure(string reason, string message, DateTimeOffset? retryAt = null) =>
        new(new(reason, message), retryAt ?? services.Time.GetUtcNow() + RetryPause);
}
