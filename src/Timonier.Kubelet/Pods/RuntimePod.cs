using System.Globalization;

namespace Timonier.Kubelet.Pods;

internal enum RuntimeState
{
    Created,
    Running,
    Exited,
    Unknown,
}

/// <summary>A sandbox as the runtime has it. <see cref="Ips"/> is empty for a pod in the host's network.</summary>
internal sealed record RuntimeSandbox(string Id, uint Attempt, bool Ready, DateTimeOffset CreatedAt, IReadOnlyList<string> Ips);

/// <summary>A container as the runtime has it. Times are null until they come; <see cref="ExitCode"/> counts in state Exited only.</summary>
internal sealed record RuntimeContainer
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required RuntimeState State { get; init; }
    public int RestartCount { get; init; }

    /// <summary>Of the spec it was made from; see <see cref="PodNames.ContainerHash"/>. Empty: unknown.</summary>
    public string Hash { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public int ExitCode { get; init; }
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public string Image { get; init; } = "";
    public string ImageId { get; init; } = "";
    public string LogPath { get; init; } = "";

    public bool IsRunning => State == RuntimeState.Running;
    public bool IsFailed => State == RuntimeState.Unknown || (State == RuntimeState.Exited && ExitCode != 0);
}

/// <summary>All that the runtime knows of one pod. Both lists are newest first.</summary>
internal sealed record RuntimePod(IReadOnlyList<RuntimeSandbox> Sandboxes, IReadOnlyList<RuntimeContainer> Containers)
{
    public static readonly RuntimePod Empty = new([], []);

    public RuntimeSandbox? ReadySandbox => Sandboxes.FirstOrDefault(s => s.Ready);

    /// <summary>Nothing of the pod runs any more.</summary>
    public bool IsStopped => ReadySandbox is null && !Containers.Any(c => c.IsRunning);

    /// <summary>The newest container of that name.</summary>
    public RuntimeContainer? Find(string name) => Containers.FirstOrDefault(c => c.Name == name);

    /// <summary>The one before the newest.</summary>
    public RuntimeContainer? FindPrevious(string name) => Containers.Where(c => c.Name == name).Skip(1).FirstOrDefault();

    public static RuntimePod From(IEnumerable<RuntimeSandbox> sandboxes, IEnumerable<RuntimeContainer> containers) => new(
        [.. sandboxes.OrderByDescending(s => s.CreatedAt).ThenByDescending(s => s.Attempt)],
        [.. containers.OrderByDescending(c => c.CreatedAt).ThenByDescending(c => c.RestartCount)]);

    public static RuntimeSandbox FromCri(Cri.V1.PodSandbox sandbox, Cri.V1.PodSandboxStatus? status)
    {
        string[] ips = status?.Network is { Ip.Length: > 0 } network ? [network.Ip, .. network.AdditionalIps.Select(i => i.Ip)] : [];
        return new(sandbox.Id, sandbox.Metadata.Attempt, sandbox.State == Cri.V1.PodSandboxState.SandboxReady, FromNanoseconds(sandbox.CreatedAt) ?? default, ips);
    }

    public static RuntimeContainer FromCri(Cri.V1.ContainerStatus status) => new()
    {
        Id = status.Id,
        Name = status.Metadata.Name,
        State = (RuntimeState)status.State,
        RestartCount = int.Parse(Annotation(status, PodNames.RestartCountAnnotation, "0"), CultureInfo.InvariantCulture),
        Hash = Annotation(status, PodNames.HashAnnotation, ""),
        CreatedAt = FromNanoseconds(status.CreatedAt) ?? default,
        StartedAt = FromNanoseconds(status.StartedAt),
        FinishedAt = FromNanoseconds(status.FinishedAt),
        ExitCode = status.ExitCode,
        Reason = status.Reason,
        Message = status.Message,
        Image = status.Image?.Image ?? "",
        ImageId = status.ImageRef,
        LogPath = status.LogPath,
    };

    private static string Annotation(Cri.V1.ContainerStatus status, string name, string absent) =>
        status.Annotations.TryGetValue(name, out var value) ? value : absent;

    private static DateTimeOffset? FromNanoseconds(long nanoseconds) =>
        nanoseconds <= 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
}
