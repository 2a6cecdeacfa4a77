using System.Collections.Concurrent;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Probes;

/// <summary>A running container and what its probes need to know of its pod.</summary>
internal sealed record ProbeTarget(Container Container, RuntimeContainer Runtime, string PodIp);

/// <summary>
/// The probes of one pod's running containers: one loop per probe, which sleeps between attempts. Results are read by the
/// pod's worker, which is woken when one changes. Thread-safe.
/// </summary>
internal sealed class ProbeLoops(ProbeRunner runner, TimeProvider time, Action onChange, Action<Container, ProbeKind, ProbeOutcome> onUnhealthy) : IProbeResults, IAsyncDisposable
{
    private readonly ConcurrentDictionary<(string ContainerId, ProbeKind Kind), ProbeCounter> _counters = new();
    private readonly Dictionary<string, (CancellationTokenSource Stop, Task Loops)> _running = new(StringComparer.Ordinal);

    public bool LivenessFailed(string containerId) => Result(containerId, ProbeKind.Liveness) == ProbeResult.Failure;

    public bool StartupFailed(string containerId) => Result(containerId, ProbeKind.Startup) == ProbeResult.Failure;

    public bool Started(string containerId, Container container) => container.StartupProbe is null || Result(containerId, ProbeKind.Startup) == ProbeResult.Success;

    public bool Ready(string containerId, Container container) => container.ReadinessProbe is null || Result(containerId, ProbeKind.Readiness) == ProbeResult.Success;

    /// <summary>Starts loops for containers that are new, and ends those of containers that are gone. One caller at a time.</summary>
    public async Task SyncAsync(IEnumerable<ProbeTarget> targets)
    {
        var wanted = targets.Where(t => t.Container.LivenessProbe is not null || t.Container.ReadinessProbe is not null || t.Container.StartupProbe is not null).ToDictionary(t => t.Runtime.Id, StringComparer.Ordinal);
        foreach (var id in _running.Keys.Where(id => !wanted.ContainsKey(id)).ToArray())
            await StopAsync(id);
        foreach (var (id, target) in wanted)
        {
            if (_running.ContainsKey(id))
                continue;
            var stop = new CancellationTokenSource();
            _running[id] = (stop, RunAsync(target, stop.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var id in _running.Keys.ToArray())
            await StopAsync(id);
    }

    private ProbeResult? Result(string containerId, ProbeKind kind) => _counters.TryGetValue((containerId, kind), out var counter) ? counter.Result : null;

    private async Task StopAsync(string containerId)
    {
        if (!_running.Remove(containerId, out var entry))
            return;
        await entry.Stop.CancelAsync();
        await entry.Loops;
        entry.Stop.Dispose();
        foreach (var kind in Enum.GetValues<ProbeKind>())
            _counters.TryRemove((containerId, kind), out _);
    }

    // Nothing else is probed until the container has started.
    private async Task RunAsync(ProbeTarget target, CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (target.Container.StartupProbe is null)
            started.SetResult();
        var loops = new List<Task>();
        foreach (var (kind, probe) in (ReadOnlySpan<(ProbeKind, Probe?)>)[(ProbeKind.Startup, target.Container.StartupProbe), (ProbeKind.Liveness, target.Container.LivenessProbe), (ProbeKind.Readiness, target.Container.ReadinessProbe)])
        {
            if (probe is null)
                continue;
            var counter = _counters[(target.Runtime.Id, kind)] = new ProbeCounter(kind, probe);
            loops.Add(LoopAsync(target, kind, probe, counter, started, cancellationToken));
        }
        try
        {
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The container is gone, and with it its probes.
        }
    }

    private async Task LoopAsync(ProbeTarget target, ProbeKind kind, Probe probe, ProbeCounter counter, TaskCompletionSource started, CancellationToken cancellationToken)
    {
        if (kind != ProbeKind.Startup)
            await started.Task.WaitAsync(cancellationToken);
        var first = (target.Runtime.StartedAt ?? time.GetUtcNow()) + TimeSpan.FromSeconds(probe.InitialDelaySeconds) - time.GetUtcNow();
        if (first > TimeSpan.Zero)
            await Task.Delay(first, time, cancellationToken);
        var period = TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds));
        while (true)
        {
            var outcome = await runner.RunAsync(probe, target.PodIp, target.Container, target.Runtime.Id, cancellationToken);
            if (outcome.Result != ProbeResult.Success)
                onUnhealthy(target.Container, kind, outcome);
            var changed = counter.Add(outcome.Result);
            if (changed && kind == ProbeKind.Startup && counter.Result == ProbeResult.Success)
                started.TrySetResult();
            if (changed)
                onChange();
            // A startup probe ends with its first verdict; a container that failed a liveness probe is about to be killed.
            if (changed && (kind == ProbeKind.Startup || (kind == ProbeKind.Liveness && counter.Result == ProbeResult.Failure)))
                return;
            await Task.Delay(period, time, cancellationToken);
        }
    }
}
