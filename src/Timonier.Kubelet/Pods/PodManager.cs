using System.Globalization;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// One worker per pod of this node: starts it when the pod appears, tells it what happens, and clears what no pod owns. Thread-safe.
/// </summary>
internal sealed class PodManager(PodServices services)
{
    private static readonly TimeSpan OrphansRetryPause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (PodWorker Worker, Task Task)> _workers = new(StringComparer.Ordinal);
    private CancellationToken _stop;

    /// <summary>All workers, those of pods that are being cleaned up included.</summary>
    public IReadOnlyList<PodWorker> Workers
    {
        get
        {
            lock (_lock)
                return [.. _workers.Values.Select(w => w.Worker)];
        }
    }

    public PodWorker? Find(string podNamespace, string podName) =>
        Workers.Where(w => w.Pod.Metadata.Namespace == podNamespace && w.Pod.Metadata.Name == podName).OrderByDescending(w => w.Pod.Metadata.CreationTimestamp).FirstOrDefault();

    /// <summary>Follows the informer of this node's pods until cancelled, then waits for the workers.</summary>
    public async Task RunAsync(Informer<Pod> pods, CancellationToken cancellationToken)
    {
        _stop = cancellationToken;
        pods.AddHandler(new() { Added = Update, Updated = (_, now) => Update(now), Deleted = Remove });
        try
        {
            await pods.WaitForSyncAsync(cancellationToken);
            while (!await TryRemoveOrphansAsync(cancellationToken))
                await Task.Delay(OrphansRetryPause, services.Time, cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, services.Time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Task[] tasks;
            lock (_lock)
                tasks = [.. _workers.Values.Select(w => w.Task)];
            await Task.WhenAll(tasks);
        }
    }

    /// <summary>A task (container or sandbox) ended. One that no worker knows yet may belong to any that is busy starting it.</summary>
    public void TaskEnded(string id)
    {
        var workers = Workers;
        var owner = workers.FirstOrDefault(w => w.LastRuntime.Containers.Any(c => c.Id == id) || w.LastRuntime.Sandboxes.Any(s => s.Id == id));
        foreach (var worker in owner is not null ? [owner] : workers.Where(w => w.IsBusy))
            worker.TaskEnded(id);
    }

    /// <summary>Events may have been missed: everyone looks for himself.</summary>
    public void WakeAll()
    {
        foreach (var worker in Workers)
            worker.Wake();
    }

    public void ConfigMapChanged(ConfigMap map) => ContentsChanged(map.Metadata.Namespace, r => r.ConfigMaps.Contains(map.Metadata.Name));

    public void SecretChanged(Secret secret) => ContentsChanged(secret.Metadata.Namespace, r => r.Secrets.Contains(secret.Metadata.Name));

    private void ContentsChanged(string @namespace, Func<Volumes.PodReferences, bool> refers)
    {
        foreach (var worker in Workers.Where(w => w.Pod.Metadata.Namespace == @namespace && refers(w.References)))
            worker.ContentsChanged();
    }

    private void Update(Pod pod)
    {
        lock (_lock)
        {
            if (_workers.TryGetValue(pod.Metadata.Uid, out var known))
            {
                known.Worker.Update(pod);
                return;
            }
            var worker = new PodWorker(services, pod);
            // One that has a start time was let in before a restart.
            if (pod.Status.StartTime is null && Refuse(pod) is { } refusal)
                worker.Evict(refusal);
            _workers[pod.Metadata.Uid] = (worker, worker.RunAsync(_stop));
        }
    }

    private PodFailure? Refuse(Pod pod) =>
        PodAdmission.RefuseUnder(services.Pressure(), pod)
        ?? PodAdmission.RefuseBeside(pod, _workers.Values.Select(w => w.Worker).Where(w => w.Status.Phase is not ("Failed" or "Succeeded")).Select(w => w.Pod));

    private void Remove(Pod pod)
    {
        lock (_lock)
        {
            if (!_workers.TryGetValue(pod.Metadata.Uid, out var known))
                return;
            known.Worker.Remove(pod);
            // Remembered until it is through, so that its name can be taken again by a pod with another uid.
            _workers[pod.Metadata.Uid] = (known.Worker, ForgetAsync(pod.Metadata.Uid, known.Task));
        }
    }

    private async Task ForgetAsync(string uid, Task worker)
    {
        await worker;
        lock (_lock)
            _workers.Remove(uid);
    }

    private async Task<bool> TryRemoveOrphansAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RemoveOrphansAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is CriException or IOException or UnauthorizedAccessException)
        {
            services.Logger.LogWarning("what is left of pods that are gone could not be removed: {Message}", e.Message);
            return false;
        }
    }

    /// <summary>What runs, or lies on disk, for pods that are not in the API any more. Only called with a synced informer: absence is evidence then.</summary>
    private async Task RemoveOrphansAsync(CancellationToken cancellationToken)
    {
        var orphans = new Dictionary<string, Pod>(StringComparer.Ordinal);
        foreach (var sandbox in await services.Cri.ListPodSandboxAsync(null, cancellationToken))
            Note(sandbox.Labels, sandbox.Annotations);
        foreach (var container in await services.Cri.ListContainersAsync(null, cancellationToken))
            Note(container.Labels, container.Annotations);
        var killer = new PodKiller(services);
        foreach (var (uid, pod) in orphans)
        {
            services.Logger.LogInformation("{Pod} is not in the API any more: removing what is left of it", PodNames.Format(pod));
            var runtime = new PodRuntime(services.Cri, services.Directories, uid);
            await killer.KillPodAsync(pod, await runtime.ReadAsync(cancellationToken), pod.GracePeriod(), cancellationToken);
            await killer.RemoveAsync(pod, await runtime.ReadAsync(cancellationToken), cancellationToken);
            services.Cgroups.Remove(uid);
        }
        foreach (var directory in Subdirectories(services.Directories.Pods).Where(d => !IsKnown(Path.GetFileName(d))))
        {
            services.Volumes.TearDown(Path.GetFileName(directory));
            services.Cgroups.Remove(Path.GetFileName(directory));
        }
        foreach (var directory in Subdirectories(services.Directories.LogRoot).Where(d => !IsKnown(d[(d.LastIndexOf('_') + 1)..])))
            Directory.Delete(directory, recursive: true);

        void Note(IDictionary<string, string> labels, IDictionary<string, string> annotations)
        {
            if (!labels.TryGetValue(PodNames.UidLabel, out var uid) || IsKnown(uid))
                return;
            var grace = annotations.TryGetValue(PodNames.GraceAnnotation, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : (long?)null;
            orphans.TryAdd(uid, new Pod { Metadata = new() { Uid = uid, Name = labels[PodNames.NameLabel], Namespace = labels[PodNames.NamespaceLabel] }, Spec = new() { TerminationGracePeriodSeconds = grace } });
        }
    }

    private static string[] Subdirectories(string path) => Directory.Exists(path) ? Directory.GetDirectories(path) : [];

    private bool IsKnown(string uid)
    {
        lock (_lock)
            return _workers.ContainsKey(uid);
    }
}
