using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Policy.V1;
using Timonier.Client;
using Timonier.Scheduler.Filters;
using Timonier.Scheduler.Preemption;
using Timonier.Scheduler.Queue;
using Timonier.Scheduler.Scores;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler;

/// <summary>
/// The scheduler's loop: takes pods from the queue one by one, decides by <see cref="Algorithm"/> on a state that informers keep up,
/// assumes the decision, and binds beside the next decision.
/// </summary>
public sealed class PodScheduler : IAsyncDisposable
{
    public const string DefaultName = "default-scheduler";

    // Binds under way at once: enough to hide the API's latency, few enough not to flood it.
    private const int BindsMax = 16;

    private readonly ApiClient _client;
    private readonly EventRecorder _events;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Informer<Pod> _pods;
    private readonly Informer<PodDisruptionBudget> _budgets;
    private readonly ClusterState _state;
    private readonly Lock _stateLock = new();
    private readonly SchedulingQueue _queue;
    private readonly Algorithm _algorithm;
    private readonly Preemptor _preemptor;
    private readonly VolumeBinder _volumes;
    private readonly SemaphoreSlim _binds = new(BindsMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _underWay = [];
    private readonly InformerLookup _lookup;
    private Task _loop = Task.CompletedTask;
    private long _scheduled, _unschedulable, _errors;

    public PodScheduler(InformerFactory informers, ApiClient client, EventRecorder events, TimeProvider time, Random random, ILogger<PodScheduler> log)
    {
        (_client, _events, _time, _log) = (client, events, time, log);
        _pods = informers.For<Pod>();
        _budgets = informers.For<PodDisruptionBudget>();
        _lookup = new InformerLookup(informers);
        _queue = new SchedulingQueue(time);
        var volumeBinding = new VolumeBinding(_lookup);
        _volumes = new VolumeBinder(_lookup, volumeBinding, client, time);
        _state = new ClusterState { NamespaceLabels = _lookup.NamespaceLabels };
        IFilter[] filters = [new NodeUnschedulable(), new NodeName(), new TaintToleration(), new NodeAffinityFilter(), new NodePorts(), new NodeResourcesFit(), new VolumeRestrictions(_lookup), volumeBinding, new PodTopologySpread(), new InterPodAffinity()];
        IScore[] scores = [new TaintScore(), new NodeAffinityScore(), new PodTopologySpreadScore(), new InterPodAffinityScore(), new LeastAllocated(), new BalancedAllocation(), new ImageLocality()];
        _algorithm = new Algorithm(filters, scores, random);
        _preemptor = new Preemptor(_algorithm);
        _pods.AddHandler(new() { Added = pod => OnPod(null, pod), Updated = OnPod, Deleted = OnPodDeleted });
        informers.For<Node>().AddHandler(new() { Added = node => OnNode(null, node), Updated = OnNode, Deleted = node => Change(() => _state.RemoveNode(node.Metadata.Name)) });
        _lookup.OnChange(_queue.MoveAll);
    }

    /// <summary>Attempts so far by result, and pods that wait by where.</summary>
    public SchedulerFigures Figures => new(Volatile.Read(ref _scheduled), Volatile.Read(ref _unschedulable), Volatile.Read(ref _errors), _queue.Pending);

    /// <summary>Starts the loop; it begins once the informers (started by their factory) have synced.</summary>
    public bool IsRunning => !_loop.IsCompleted;

    public void Start() => _loop = RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        Task[] rest;
        lock (_underWay)
            rest = [.. _underWay];
        await Task.WhenAll(rest);
        _stop.Dispose();
        _binds.Dispose();
        _queue.Dispose();
    }

    private async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await Task.WhenAll(_pods.WaitForSyncAsync(cancel), _budgets.WaitForSyncAsync(cancel), _lookup.WaitForSyncAsync(cancel));
            while (true)
                await SchedulePodAsync(await _queue.TakeAsync(cancel), cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
    }

    private async Task SchedulePodAsync(PodInfo pod, CancellationToken cancel)
    {
        try
        {
            Placement placement;
            int nodes;
            PreemptionPlan? plan = null;
            lock (_stateLock)
            {
                placement = _algorithm.Place(pod, _state);
                nodes = _state.Nodes.Count;
                if (placement.NodeName is not null)
                    _state.SetPod(pod, placement.NodeName);
                else if (placement.Rejections.Count > 0)
                    plan = _preemptor.Plan(pod, _state, placement.Rejections, _budgets.List());
                if (plan is not null)
                    _state.Nominate(pod, plan.NodeName);
            }
            if (placement.NodeName is not null)
            {
                await _binds.WaitAsync(cancel);
                Track(BindAsync(pod, placement.NodeName, cancel));
                return;
            }
            Interlocked.Increment(ref _unschedulable);
            await ReportFailureAsync(pod, nodes, placement, plan, cancel);
            if (plan is not null)
                await PreemptAsync(pod, plan, cancel);
            _queue.Failed(pod.Uid, error: false);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            // The loop's edge: one pod's trouble must not stop the others.
            Interlocked.Increment(ref _errors);
            _log.LogError(e, "scheduling pod {Namespace}/{Name} failed", pod.Namespace, pod.Pod.Metadata.Name);
            _queue.Failed(pod.Uid, error: true);
        }
    }

    private async Task BindAsync(PodInfo pod, string nodeName, CancellationToken cancel)
    {
        var metadata = pod.Pod.Metadata;
        try
        {
            await _volumes.BindAsync(pod.Pod, nodeName, cancel);
            await _client.BindAsync(metadata.Namespace, metadata.Name, metadata.Uid, nodeName, cancel);
            _queue.Remove(pod.Uid);
            Interlocked.Increment(ref _scheduled);
            _events.Event(pod.Pod, "Normal", "Scheduled", $"Successfully assigned {metadata.Namespace}/{metadata.Name} to {nodeName}");
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            Change(() => _state.RemovePod(pod.Uid));
            // Gone or bound by another: the informer tells.
            if (e is ApiException { IsNotFound: true } or ApiException { IsConflict: true })
                _log.LogInformation("pod {Namespace}/{Name} was not bound: {Message}", metadata.Namespace, metadata.Name, e.Message);
            else
                _events.Event(pod.Pod, "Warning", "FailedScheduling", e.Message);
            _queue.Failed(pod.Uid, error: true);
        }
        catch (OperationCanceledException)
        {
            // The server ends; what was assumed ends with it.
        }
        finally
        {
            _binds.Release();
        }
    }

    private async Task ReportFailureAsync(PodInfo pod, int nodes, Placement placement, PreemptionPlan? plan, CancellationToken cancel)
    {
        var preemption = plan is not null || pod.Pod.Spec.PreemptionPolicy == "Never" ? "" : FailureText.DescribePreemption(nodes, placement.Rejections);
        var message = FailureText.Describe(nodes, placement.Rejections, nodes == 0 ? "" : preemption);
        _events.Event(pod.Pod, "Warning", "FailedScheduling", message);
        await PodStatus.SetUnschedulableAsync(_client, pod.Pod, message, plan?.NodeName, _time.GetUtcNow(), cancel);
    }

    private async Task PreemptAsync(PodInfo pod, PreemptionPlan plan, CancellationToken cancel)
    {
        foreach (var victim in plan.Victims)
        {
            await PodStatus.SetDisruptedAsync(_client, victim.Pod, pod.Pod.Spec.SchedulerName, _time.GetUtcNow(), cancel);
            try
            {
                await _client.DeleteAsync<Pod>(victim.Namespace, victim.Pod.Metadata.Name, new() { Preconditions = new() { Uid = victim.Uid } }, cancel);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                continue;
            }
            _events.Event(victim.Pod, "Normal", "Preempted", $"Preempted by pod {pod.Uid} on node {plan.NodeName}");
        }
    }

    private void OnPod(Pod? old, Pod pod)
    {
        var info = new PodInfo(pod);
        var ended = pod.Status.Phase is "Succeeded" or "Failed";
        if (pod.Spec.NodeName.Length > 0)
        {
            _queue.Remove(info.Uid);
            Change(() =>
            {
                _state.RemoveNomination(info.Uid);
                if (ended)
                    _state.RemovePod(info.Uid);
                else
                    _state.SetPod(info, pod.Spec.NodeName);
            }, moves: ended || old?.Metadata.Labels != pod.Metadata.Labels || old?.Spec.NodeName != pod.Spec.NodeName);
            return;
        }
        if (ended || pod.Metadata.DeletionTimestamp is not null || pod.Spec.SchedulerName != DefaultName || pod.Spec.SchedulingGates.Count > 0)
        {
            _queue.Remove(info.Uid);
            return;
        }
        if (pod.Status.NominatedNodeName is { Length: > 0 } nominated)
            Change(() => _state.Nominate(info, nominated), moves: false);
        if (old is not null && old.Metadata.Generation == pod.Metadata.Generation && old.Metadata.Labels.SequenceEqual(pod.Metadata.Labels))
            _queue.Refresh(info);
        else
            _queue.Set(info);
    }

    private void OnPodDeleted(Pod pod)
    {
        _queue.Remove(pod.Metadata.Uid);
        Change(() =>
        {
            _state.RemoveNomination(pod.Metadata.Uid);
            _state.RemovePod(pod.Metadata.Uid);
        });
    }

    private void OnNode(Node? old, Node node)
    {
        // Heartbeats change conditions only; they make no room.
        var matters = old is null || old.Spec.Unschedulable != node.Spec.Unschedulable || !old.Spec.Taints.SequenceEqual(node.Spec.Taints)
            || !old.Metadata.Labels.SequenceEqual(node.Metadata.Labels) || !old.Status.Allocatable.SequenceEqual(node.Status.Allocatable);
        Change(() => _state.SetNode(node), matters);
    }

    private void Change(Action change, bool moves = true)
    {
        lock (_stateLock)
            change();
        if (moves)
            _queue.MoveAll();
    }

    private void Track(Task task)
    {
        lock (_underWay)
        {
            _underWay.RemoveAll(t => t.IsCompleted);
            _underWay.Add(task);
        }
    }
}
