using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Client.Node;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Images;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Eviction;

/// <summary>
/// Keeps the node alive: looks every ten seconds how much memory, disk and process ids are left, and ends one pod at a time while there is too
/// little. Also ends pods that write more to disk than they said. Upstream: pkg/kubelet/eviction.
/// </summary>
internal sealed class EvictionManager(
    IReadOnlyList<EvictionThreshold> thresholds, INodeSignals signals, Func<IReadOnlyList<PodWorker>> workers, Func<CancellationToken, Task<NodeStats>> stats, ImageCollector images, IClusterApi api, TimeProvider time, ILogger logger)
{
    // Upstream: monitoringInterval. What was just ended needs a moment to give back what it had.
    private static readonly TimeSpan LookPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AfterEvictionPause = TimeSpan.FromSeconds(2);

    /// <summary>What the node is short of. Replaced as a whole; read by the registrar and by the admission of pods.</summary>
    public NodePressure Pressure { get; private set; } = NodePressure.None;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var pause = LookPause;
            try
            {
                if (await SyncAsync(cancellationToken))
                    pause = AfterEvictionPause;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CriException)
            {
                logger.LogWarning("what the node has left could not be read: {Message}", e.Message);
            }
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <returns>True when a pod was ended.</returns>
    internal async Task<bool> SyncAsync(CancellationToken cancellationToken)
    {
        var evicted = await EvictBeyondLimitsAsync(cancellationToken);
        Observe();
        if (Pressure.Met.Count == 0 || evicted)
            return evicted;
        if (Pressure.Met.Any(t => NodePressure.Condition(t.Signal) == NodePressure.Disk))
        {
            await images.DeleteUnusedAsync(cancellationToken);
            Observe();
        }
        return Pressure.Met.Count > 0 && await EvictOneAsync(Pressure.Met[0], cancellationToken);
    }

    private IReadOnlyDictionary<EvictionSignal, SignalReading> Observe()
    {
        var readings = signals.Read();
        Pressure = Pressure.Next(thresholds, readings, time.GetUtcNow());
        return readings;
    }

    private async Task<bool> EvictBeyondLimitsAsync(CancellationToken cancellationToken)
    {
        var evicted = false;
        foreach (var worker in Active().Where(w => LocalStorageLimits.Has(w.Pod)))
        {
            var use = await signals.LocalStorageAsync(worker.Pod, worker.LastRuntime, cancellationToken);
            if (LocalStorageLimits.Exceeded(worker.Pod, use) is { } message)
                evicted |= Evict(worker, message, TimeSpan.Zero);
        }
        return evicted;
    }

    private async Task<bool> EvictOneAsync(EvictionThreshold threshold, CancellationToken cancellationToken)
    {
        var active = Active().ToArray();
        // One that is on its way out gives back its part first.
        if (workers().Any(w => !w.LastRuntime.IsStopped && w.Status.Reason == "Evicted"))
            return false;
        logger.LogWarning("the node is low on {Resource}: a pod has to go", NodePressure.Resource(threshold.Signal));
        var candidates = PodRanking.Order(await CandidatesAsync(active, threshold.Signal, cancellationToken), threshold.Signal);
        if (candidates.Count == 0 || !signals.Read().TryGetValue(threshold.Signal, out var reading))
            return false;
        var worker = active.First(w => w.Pod.Metadata.Uid == candidates[0].Pod.Metadata.Uid);
        return Evict(worker, PodRanking.Message(candidates[0], threshold, reading), TimeSpan.Zero);
    }

    private IEnumerable<PodWorker> Active() =>
        workers().Where(w => w.Pod.Metadata.DeletionTimestamp is null && w.Status.Phase is not ("Failed" or "Succeeded") && !w.LastRuntime.IsStopped);

    private async Task<IReadOnlyList<EvictionCandidate>> CandidatesAsync(PodWorker[] active, EvictionSignal signal, CancellationToken cancellationToken)
    {
        if (NodePressure.Condition(signal) == NodePressure.Disk)
        {
            var candidates = new List<EvictionCandidate>();
            foreach (var worker in active)
            {
                var use = await signals.LocalStorageAsync(worker.Pod, worker.LastRuntime, cancellationToken);
                candidates.Add(new(worker.Pod, use.Total, [.. use.Containers.Select(c => new ContainerUse(c.Key, c.Value))]));
            }
            return candidates;
        }
        var usage = signal == EvictionSignal.MemoryAvailable ? (await stats(cancellationToken)).Pods.ToDictionary(p => p.Uid) : [];
        return [.. active.Select(w => usage.TryGetValue(w.Pod.Metadata.Uid, out var pod)
            ? new EvictionCandidate(w.Pod, (long)pod.Usage.MemoryWorkingSetBytes, [.. pod.Containers.Select(c => new ContainerUse(c.Name, (long)c.Usage.MemoryWorkingSetBytes))])
            : new EvictionCandidate(w.Pod, 0, []))];
    }

    private bool Evict(PodWorker worker, string message, TimeSpan grace)
    {
        if (PodRanking.IsCritical(worker.Pod) || !worker.Evict(new("Evicted", message, IsDisruption: true, grace)))
            return false;
        api.Event(worker.Pod, null, EventRecorder.Warning, "Evicted", message);
        logger.LogWarning("{Pod} was evicted: {Message}", PodNames.Format(worker.Pod), message);
        return true;
    }
}
