using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// Drives one pod from its first sight to its end: waits until something happened (its spec, the runtime, a probe, a clock), looks at
/// what is, asks <see cref="PodDecision"/> what to do, does it, and reports. Level, not edge: a wake-up carries no meaning.
/// </summary>
#pragma warning disable CA1001 // RunAsync, which every worker is made for, disposes of the probes at its end.
internal sealed class PodWorker
#pragma warning restore CA1001
{
    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ExitPauseMin = TimeSpan.FromMilliseconds(10);
    private const int ExitChecksMax = 10;

    private readonly PodServices _services;
    private readonly PodRuntime _runtime;
    private readonly PodStarter _starter;
    private readonly PodKiller _killer;
    private readonly ProbeLoops _probes;
    private readonly StatusWriter _writer;
    private readonly RestartBackoff _restarts = new();
    private readonly Dictionary<string, WaitingReason> _waiting = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _lock = new();

    // Under _lock: set by the manager, read by the loop.
    private Pod _pod;
    private bool _isGone;
    private bool _contentsChanged = true;
    private readonly HashSet<string> _announcedExits = new(StringComparer.Ordinal);
    private PodFailure? _failedBecause;
    private CancellationTokenSource? _kill;
    private TimeSpan _killGrace;

    // The loop's own.
    private PodStatus _status;
    private PodVolumes? _volumes;
    private ContainerSources? _sources;
    private DateTimeOffset? _wakeAt;
    private TimeSpan _retryPause = RetryMin;
    private int _exitChecks;
    private bool _isEnded;

    public PodWorker(PodServices services, Pod pod)
    {
        (_services, _pod, _status) = (services, pod, pod.Status);
        _runtime = new PodRuntime(services.Cri, services.Directories, pod.Metadata.Uid);
        _starter = new PodStarter(services);
        _killer = new PodKiller(services);
        _writer = new StatusWriter(services.Api, services.Time, services.Logger);
        _probes = new ProbeLoops(services.Probes, services.Time, Wake, Unhealthy);
        References = PodReferences.Of(pod);
    }

    /// <summary>What the pod refers to, so that the manager can tell it of changes.</summary>
    public PodReferences References { get; private set; }

    public Pod Pod
    {
        get
        {
            lock (_lock)
                return _pod;
        }
    }

    /// <summary>The newest status that was made, which the API server may not have yet.</summary>
    public PodStatus Status => _status;

    /// <summary>The last that was read of the runtime.</summary>
    public RuntimePod LastRuntime { get; private set; } = RuntimePod.Empty;

    /// <summary>It is acting just now, so that what it knows of the runtime may be behind.</summary>
    public bool IsBusy { get; private set; }

    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>The pod as the API server has it now.</summary>
    public void Update(Pod pod)
    {
        lock (_lock)
        {
            var before = _pod;
            _pod = pod;
            _contentsChanged |= !SameMap(before.Metadata.Labels, pod.Metadata.Labels) || !SameMap(before.Metadata.Annotations, pod.Metadata.Annotations);
            if (_kill is not null && pod.GracePeriod() < _killGrace)
                _kill.Cancel();
            if (!IsOwnNews(before, pod))
                Wake();
        }
        References = PodReferences.Of(pod);
    }

    /// <summary>The pod is no longer in the API: what runs of it is ended.</summary>
    public void Remove(Pod last)
    {
        lock (_lock)
        {
            (_pod, _isGone) = (last, true);
            if (_kill is not null && last.GracePeriod() < _killGrace)
                _kill.Cancel();
        }
        Wake();
    }

    /// <summary>A config map or secret that the pod refers to changed.</summary>
    public void ContentsChanged()
    {
        lock (_lock)
            _contentsChanged = true;
        Wake();
    }

    /// <summary>A container's or sandbox's process ended; the runtime's own records follow in a moment.</summary>
    public void TaskEnded(string id)
    {
        lock (_lock)
            _announcedExits.Add(id);
        Wake();
    }

    /// <summary>The node needs what the pod uses, or can't run it: it fails for this reason. The first reason stands.</summary>
    /// <returns>False when it was failing already.</returns>
    public bool Evict(PodFailure reason)
    {
        lock (_lock)
        {
            if (_failedBecause is not null)
                return false;
            _failedBecause = reason;
        }
        Wake();
        return true;
    }

    /// <summary>Ends when nothing of the pod is left, in the runtime, on disk and in the API; or when cancelled, leaving containers running.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // The caller is the informer's loop, which must not wait.
        await Task.Yield();
        try
        {
            while (!await SyncSafelyAsync(cancellationToken))
                await WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The kubelet stops; containers go on.
        }
        finally
        {
            await _probes.DisposeAsync();
            await _writer.FlushAsync();
        }
    }

    // The edge of the loop: whatever went wrong with this pod is said here, once, and tried again with a growing pause.
    private async Task<bool> SyncSafelyAsync(CancellationToken cancellationToken)
    {
        try
        {
            IsBusy = true;
            var isOver = await SyncPodAsync(cancellationToken);
            _retryPause = RetryMin;
            return isOver;
        }
        catch (VolumeException e)
        {
            _services.Api.Event(Pod, null, EventRecorder.Warning, "FailedMount", e.Message);
        }
        catch (CriException e)
        {
            _services.Logger.LogWarning("{Pod}: {Message}", PodNames.Format(Pod), e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            _services.Logger.LogError(e, "sync of {Pod} failed", PodNames.Format(Pod));
            _services.Api.Event(Pod, null, EventRecorder.Warning, "FailedSync", $"error determining status: {e.Message}");
        }
        finally
        {
            IsBusy = false;
        }
        WakeAt(_services.Time.GetUtcNow() + _retryPause);
        _retryPause = _retryPause * 2 < RetryMax ? _retryPause * 2 : RetryMax;
        return false;
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        var pause = _wakeAt is { } at ? at - _services.Time.GetUtcNow() : Timeout.InfiniteTimeSpan;
        if (_wakeAt is not null && pause <= TimeSpan.Zero)
            return;
        try
        {
            var ready = _wake.Reader.WaitToReadAsync(cancellationToken).AsTask();
            await (_wakeAt is null ? ready : ready.WaitAsync(pause, _services.Time, cancellationToken));
        }
        catch (TimeoutException)
        {
            // The time that was waited for has come.
        }
    }

    /// <returns>True when nothing is left to do for this pod, ever.</returns>
    private async Task<bool> SyncPodAsync(CancellationToken cancellationToken)
    {
        _wake.Reader.TryRead(out _);
        _wakeAt = null;
        var (pod, isGone, contentsChanged, failedBecause) = Observe();
        var runtime = await ReadAsync(cancellationToken);
        if (isGone || pod.Metadata.DeletionTimestamp is not null)
            return await SyncTerminatingPodAsync(pod, runtime, isGone, cancellationToken);
        if (failedBecause is not null || pod.Status.Phase is "Failed" or "Succeeded")
        {
            await SyncEndedPodAsync(pod, runtime, failedBecause?.Grace, cancellationToken);
            return false;
        }
        var actions = PodDecision.Decide(pod, runtime, _probes);
        if (!actions.IsNothing)
        {
            Report(pod, runtime, cancellationToken);
            await PerformAsync(pod, runtime, actions, cancellationToken);
            runtime = await ReadAsync(cancellationToken);
            // What was started may be what the next one waited for (a sidecar runs: the next init container may).
            if (PodDecision.Decide(pod, runtime, _probes).Start.Any(s => !_waiting.ContainsKey(s.Container.Name)))
                Wake();
        }
        else if (contentsChanged || _volumes?.RenewAt <= _services.Time.GetUtcNow())
        {
            await SyncPodVolumesAsync(pod, cancellationToken);
        }
        foreach (var container in await _starter.Resize.SyncAsync(pod, runtime, cancellationToken))
        {
            await _killer.KillContainerAsync(pod, container, $"Container {container.Name} resize requires restart", pod.GracePeriod(), cancellationToken);
            Wake();
        }
        await _probes.SyncAsync(Targets(pod, runtime));
        var status = Report(pod, runtime, cancellationToken);
        await RemoveOldAsync(runtime, cancellationToken);
        WakeAt(_volumes?.RenewAt);
        WakeAt(DeadlineOf(pod with { Status = status }));
        if (status.Phase is "Failed" or "Succeeded")
            await SyncEndedPodAsync(pod with { Status = status }, runtime, null, cancellationToken);
        return false;
    }

    private (Pod Pod, bool IsGone, bool ContentsChanged, PodFailure? FailedBecause) Observe()
    {
        lock (_lock)
        {
            // What we said last is newer than what the informer brought back, except for what others wrote.
            var pod = _pod with { Status = PodStatusMaker.Rebase(_status, _pod.Status) };
            if (_failedBecause is null && pod.Status.StartTime is null)
                _failedBecause = PodAdmission.Refuse(pod);
            if (_failedBecause is null && DeadlineOf(pod) <= _services.Time.GetUtcNow() && pod.Status.Phase is not ("Failed" or "Succeeded"))
                _failedBecause = new("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
            var changed = _contentsChanged;
            _contentsChanged = false;
            return (pod, _isGone, changed, _failedBecause);
        }
    }

    private static DateTimeOffset? DeadlineOf(Pod pod) =>
        pod.Spec.ActiveDeadlineSeconds is { } seconds && pod.Status.StartTime is { } start ? start + TimeSpan.FromSeconds(seconds) : null;

    /// <summary>An announced end may not be in the runtime's answer yet: then look again, a few times, soon.</summary>
    private async Task<RuntimePod> ReadAsync(CancellationToken cancellationToken)
    {
        LastRuntime = await _runtime.ReadAsync(cancellationToken);
        lock (_lock)
        {
            _announcedExits.RemoveWhere(id => !LastRuntime.Containers.Any(c => c.Id == id && c.IsRunning) && !LastRuntime.Sandboxes.Any(s => s.Id == id && s.Ready));
            if (_announcedExits.Count == 0)
                _exitChecks = 0;
            else if (_exitChecks < ExitChecksMax)
                WakeAt(_services.Time.GetUtcNow() + ExitPauseMin * (1 << _exitChecks++));
            else
                _announcedExits.Clear();
        }
        return LastRuntime;
    }

    private async Task PerformAsync(Pod pod, RuntimePod runtime, PodActions actions, CancellationToken cancellationToken)
    {
        if (actions.KillPod)
            await _killer.KillPodAsync(pod, runtime, pod.GracePeriod(), cancellationToken);
        if (actions.KillPod && !actions.CreateSandbox)
            return;
        await Task.WhenAll(actions.Kill.Select(k => _killer.KillContainerAsync(pod, k.Container, k.Message, k.GraceOverride ?? pod.GracePeriod(), cancellationToken)));
        var starts = actions.Start.Where(s => MayStart(pod, s, runtime.Find(s.Container.Name))).ToArray();
        if (starts.Length == 0 && !actions.CreateSandbox)
            return;
        await SyncPodVolumesAsync(pod, cancellationToken);
        var sandbox = actions.CreateSandbox ? await _starter.CreateSandboxAsync(pod, actions.Attempt, cancellationToken) : runtime.Sandboxes.First(s => s.Id == actions.SandboxId);
        var ips = pod.IsHostNetwork() ? _services.HostIps : sandbox.Ips;
        if (actions.CreateSandbox || !File.Exists(_services.Directories.EtcHosts(pod.Metadata.Uid)))
            _starter.WriteHosts(pod, ips);
        pod = pod with { Status = pod.Status with { PodIP = ips.Count > 0 ? ips[0] : "", PodIPs = [.. ips.Select(i => new PodIP { Ip = i })] } };
        foreach (var start in starts)
        {
            var failure = await _starter.StartContainerAsync(pod, start, sandbox, _sources!, _volumes!, cancellationToken);
            _waiting.Remove(start.Container.Name);
            if (failure is null)
                continue;
            _waiting[start.Container.Name] = failure.Waiting;
            WakeAt(failure.RetryAt);
        }
    }

    /// <summary>A container that keeps ending is started again only after a pause.</summary>
    private bool MayStart(Pod pod, ContainerStart start, RuntimeContainer? last)
    {
        if (last is not { State: RuntimeState.Exited })
            return true;
        var name = start.Container.Name;
        var ended = last.FinishedAt ?? last.CreatedAt;
        if (_restarts.Waiting(name, ended, _services.Time.GetUtcNow()) is not { } waiting)
        {
            _restarts.Next(name, ended);
            return true;
        }
        var message = $"back-off {Timonier.Api.GoDuration.Format(waiting.Delay)} restarting failed container={name} pod={PodNames.Format(pod)}";
        _services.Api.Event(pod, start.Container, EventRecorder.Warning, "BackOff", $"Back-off restarting failed container {name} in pod {PodNames.Format(pod)}");
        _waiting[name] = new("CrashLoopBackOff", message);
        WakeAt(waiting.Until);
        return false;
    }

    private async Task SyncPodVolumesAsync(Pod pod, CancellationToken cancellationToken)
    {
        _sources = await _services.Api.SourcesAsync(pod, cancellationToken);
        _volumes = await _services.Volumes.SyncAsync(pod, _sources, cancellationToken);
    }

    /// <summary>After this the pod has no process, but it stays in the API, and its containers' logs stay readable.</summary>
    private async Task SyncEndedPodAsync(Pod pod, RuntimePod runtime, TimeSpan? grace, CancellationToken cancellationToken)
    {
        if (_isEnded)
            return;
        await _probes.SyncAsync([]);
        await _killer.KillPodAsync(pod, runtime, grace ?? pod.GracePeriod(), cancellationToken);
        runtime = await ReadAsync(cancellationToken);
        Report(pod, runtime, cancellationToken, isTerminated: true);
        _services.Volumes.TearDown(pod.Metadata.Uid);
        _services.Cgroups.Remove(pod.Metadata.Uid);
        _isEnded = true;
    }

    /// <summary>Ends everything, reports the last status, and lets go of the pod in the API. Called until it has succeeded.</summary>
    private async Task<bool> SyncTerminatingPodAsync(Pod pod, RuntimePod runtime, bool isGone, CancellationToken cancellationToken)
    {
        if (!isGone)
            Report(pod, runtime, cancellationToken, isTerminating: true);
        await KillAsync(runtime, cancellationToken);
        await _probes.SyncAsync([]);
        runtime = await ReadAsync(cancellationToken);
        if (!runtime.IsStopped)
        {
            WakeAt(_services.Time.GetUtcNow() + RetryMin);
            return false;
        }
        if (!isGone)
            Report(pod, runtime, cancellationToken, isTerminating: true, isTerminated: true);
        _services.Volumes.TearDown(pod.Metadata.Uid);
        await _writer.FlushAsync();
        if (!isGone)
            await _services.Api.DeleteAsync(pod, cancellationToken);
        await _killer.RemoveAsync(pod, runtime, cancellationToken);
        _services.Cgroups.Remove(pod.Metadata.Uid);
        return true;
    }

    // A deletion may be hurried while it runs (a shorter grace period, or by force): then the killing starts over with less time.
    private async Task KillAsync(RuntimePod runtime, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var kill = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Pod pod;
            lock (_lock)
                (pod, _kill, _killGrace) = (_pod, kill, _pod.GracePeriod());
            try
            {
                await _killer.KillPodAsync(pod with { Status = _status }, runtime, _killGrace, kill.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                runtime = await ReadAsync(cancellationToken);
            }
            finally
            {
                lock (_lock)
                    _kill = null;
            }
        }
    }

    private PodStatus Report(Pod pod, RuntimePod runtime, CancellationToken cancellationToken, bool isTerminating = false, bool isTerminated = false)
    {
        foreach (var name in _waiting.Keys.Where(n => runtime.Find(n) is { IsRunning: true }).ToArray())
            _waiting.Remove(name);
        var made = PodStatusMaker.Make(new PodStatusInput
        {
            Pod = pod,
            Runtime = runtime,
            Probes = _probes,
            Now = _services.Time.GetUtcNow(),
            Waiting = _waiting,
            HostIps = _services.HostIps,
            Terminating = isTerminating || isTerminated,
            Terminated = isTerminated,
            FailedBecause = isTerminating ? null : _failedBecause,
        });
        if (!PodStatusMaker.AreEqual(made, pod.Status) || !PodStatusMaker.AreEqual(made, _status))
            _writer.Set(Pod, made, cancellationToken);
        return _status = made;
    }

    // The newest two of each name stay: the one that runs, and the one before, whose logs and state can be asked for.
    private async Task RemoveOldAsync(RuntimePod runtime, CancellationToken cancellationToken)
    {
        foreach (var container in runtime.Containers.GroupBy(c => c.Name).SelectMany(g => g.Skip(2)).Where(c => !c.IsRunning))
        {
            await _services.Cri.RemoveContainerAsync(container.Id, cancellationToken);
            File.Delete(container.LogPath);
        }
        foreach (var sandbox in runtime.Sandboxes.Skip(1).Where(s => !s.Ready))
            await _services.Cri.RemovePodSandboxAsync(sandbox.Id, cancellationToken);
    }

    private IEnumerable<ProbeTarget> Targets(Pod pod, RuntimePod runtime)
    {
        var ip = pod.IsHostNetwork() ? _services.HostIps[0] : runtime.ReadySandbox is { Ips.Count: > 0 } sandbox ? sandbox.Ips[0] : "";
        return from entry in pod.Spec.AllContainers()
               where entry.Kind is ContainerKind.Regular or ContainerKind.Sidecar
               let running = runtime.Find(entry.Container.Name)
               where running is { IsRunning: true }
               select new ProbeTarget(entry.Container, running, ip);
    }

    private void Unhealthy(Container container, ProbeKind kind, ProbeOutcome outcome)
    {
        var message = outcome.Result == ProbeResult.Failure ? $"{kind} probe failed: {outcome.Output}" : $"{kind} probe errored and resulted in unknown state: {outcome.Output}";
        _services.Api.Event(Pod, container, EventRecorder.Warning, "Unhealthy", message);
    }

    private void WakeAt(DateTimeOffset? time) => _wakeAt = _wakeAt < time || time is null ? _wakeAt : time;

    // The informer brings back what we wrote ourselves: nothing to look at.
    private static bool IsOwnNews(Pod before, Pod now) =>
        before.Metadata.Generation == now.Metadata.Generation
        && before.Metadata.DeletionTimestamp == now.Metadata.DeletionTimestamp
        && before.Metadata.DeletionGracePeriodSeconds == now.Metadata.DeletionGracePeriodSeconds
        && SameMap(before.Metadata.Labels, now.Metadata.Labels)
        && SameMap(before.Metadata.Annotations, now.Metadata.Annotations)
        && PodConditions.OthersAreEqual(before.Status, now.Status);

    private static bool SameMap(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) =>
        a.Count == b.Count && a.All(p => b.TryGetValue(p.Key, out var value) && value == p.Value);
}
