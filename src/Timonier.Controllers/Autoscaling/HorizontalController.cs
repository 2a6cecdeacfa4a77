using System.Collections.Concurrent;
using Timonier.Api.Autoscaling.V2;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.Discovery;
using Scale = Timonier.Api.Autoscaling.V1.Scale;

namespace Timonier.Controllers.Autoscaling;

/// <summary>Scales what HorizontalPodAutoscalers point at, every 15 seconds for each that exists.</summary>
internal sealed class HorizontalController : Controller<NamespacedName>
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    private readonly Informer<HorizontalPodAutoscaler> _autoscalers;
    private readonly Informer<Pod> _pods;
    private readonly EventRecorder _events;
    private readonly KindMapper _kinds;
    private readonly MetricEvaluator _metrics;
    private readonly ConcurrentDictionary<NamespacedName, ScaleHistory> _histories = new();

    public HorizontalController(ControllerContext context) : base("horizontal-pod-autoscaler", context)
    {
        (_autoscalers, _pods) = (Follow<HorizontalPodAutoscaler>(), Follow<Pod>());
        _events = context.Events.Recorder(Name);
        _kinds = new(Client, Time);
        _metrics = new(new(Client), _kinds);
        _autoscalers.AddHandler(new()
        {
            Added = value => Queue.Add(NamespacedName.Of(value.Metadata)),
            Updated = (before, value) => { if (before.Metadata.Generation != value.Metadata.Generation) Queue.Add(NamespacedName.Of(value.Metadata)); },
            Deleted = value => _histories.TryRemove(NamespacedName.Of(value.Metadata), out _),
        });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_autoscalers.Get(key) is not { Metadata.DeletionTimestamp: null } autoscaler)
            return;
        Queue.AddAfter(key, Period);
        var draft = new StatusDraft(autoscaler, Now);
        try
        {
            await ScaleAsync(key, autoscaler, draft, cancellationToken);
        }
        catch (MetricException e)
        {
            _events.Event(autoscaler, EventRecorder.Warning, draft.FailureReason, e.Message);
        }
        if (!Trees.Same(draft.Status, autoscaler.Status))
            await Client.UpdateStatusAsync(autoscaler with { Status = draft.Status }, cancellationToken);
    }

    private async Task ScaleAsync(NamespacedName key, HorizontalPodAutoscaler autoscaler, StatusDraft draft, CancellationToken cancellationToken)
    {
        var target = autoscaler.Spec.ScaleTargetRef;
        var (resource, scale) = await GetScaleAsync(key.Namespace, target, draft, cancellationToken);
        draft.Set("AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        draft.Status = draft.Status with { CurrentReplicas = scale.Spec.Replicas };
        var history = _histories.GetOrAdd(key, _ => new() { Recommendations = { (Now, scale.Spec.Replicas) } });
        history.Forget(Now);
        var (desired, reason) = await DesireAsync(key, autoscaler, scale, history, draft, cancellationToken);
        if (desired != scale.Spec.Replicas)
        {
            try
            {
                await Client.UpdateScaleAsync(resource.Resource, scale with { Spec = scale.Spec with { Replicas = desired } }, cancellationToken);
            }
            catch (ApiException e)
            {
                draft.Set("AbleToScale", false, "FailedUpdateScale", $"the HPA controller was unable to update the target scale: {e.Message}");
                draft.FailureReason = "FailedRescale";
                throw new MetricException($"New size: {desired}; reason: {reason}; error: {e.Message}");
            }
            history.Changes.Add((Now, desired - scale.Spec.Replicas));
            draft.Set("AbleToScale", true, "SucceededRescale", $"the HPA controller was able to update the target scale to {desired}");
            draft.Status = draft.Status with { LastScaleTime = Now };
            _events.Event(autoscaler, EventRecorder.Normal, "SuccessfulRescale", $"New size: {desired}; reason: {reason}");
        }
        draft.Status = draft.Status with { DesiredReplicas = desired };
    }

    private async Task<(ServedResource Resource, Scale Scale)> GetScaleAsync(string @namespace, CrossVersionObjectReference target, StatusDraft draft, CancellationToken cancellationToken)
    {
        string why;
        try
        {
            if (await _kinds.FindAsync(target.ApiVersion, target.Kind, cancellationToken) is { } resource)
                return (resource, await Client.GetScaleAsync(resource.Resource, @namespace, target.Name, cancellationToken));
            why = $"no matches for kind \"{target.Kind}\" in version \"{target.ApiVersion}\"";
        }
        catch (ApiException e)
        {
            why = e.Message;
        }
        draft.Set("AbleToScale", false, "FailedGetScale", $"the HPA controller was unable to get the target's current scale: {why}");
        draft.FailureReason = "FailedGetScale";
        throw new MetricException(why);
    }

    private async Task<(int Replicas, string Reason)> DesireAsync(NamespacedName key, HorizontalPodAutoscaler autoscaler, Scale scale, ScaleHistory history, StatusDraft draft, CancellationToken cancellationToken)
    {
        var (spec, current) = (autoscaler.Spec, scale.Spec.Replicas);
        var least = spec.MinReplicas ?? 1;
        if (current == 0 && least != 0)
        {
            draft.Set("ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
            return (0, "");
        }
        if (current > spec.MaxReplicas)
            return (spec.MaxReplicas, "Current number of replicas above Spec.MaxReplicas");
        if (current < least)
            return (least, "Current number of replicas below Spec.MinReplicas");
        var (recommended, metric) = await EvaluateAsync(key, autoscaler, scale, draft, cancellationToken);
        var reason = recommended > current ? $"{metric} above target" : recommended < current ? "All metrics below target" : "";
        var verdict = ScaleLimits.Apply(spec, current, recommended, history, Now);
        draft.Set("AbleToScale", true, verdict.Able.Reason, verdict.Able.Message);
        draft.Set("ScalingLimited", verdict.Limit.Limited, verdict.Limit.Reason, verdict.Limit.Message);
        return (verdict.Replicas, reason);
    }

    /// <summary>The largest of what the metrics say. A metric that fails is passed over only when the others would not shrink the target.</summary>
    private async Task<(int Replicas, string Metric)> EvaluateAsync(NamespacedName key, HorizontalPodAutoscaler autoscaler, Scale scale, StatusDraft draft, CancellationToken cancellationToken)
    {
        if (scale.Status.Selector.Length == 0)
        {
            draft.Set("ScalingActive", false, "InvalidSelector", "the HPA target's scale is missing a selector");
            draft.FailureReason = "SelectorRequired";
            throw new MetricException("selector is required");
        }
        var selector = LabelSelectorParser.Parse(scale.Status.Selector);
        var pods = _pods.List(key.Namespace).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        var (up, down) = (autoscaler.Spec.Behavior?.ScaleUp?.Tolerance?.ToDouble(), autoscaler.Spec.Behavior?.ScaleDown?.Tolerance?.ToDouble());
        var on = new MetricTargets(key.Namespace, scale, pods, new(down ?? Tolerances.Default, up ?? Tolerances.Default), Now);
        // Without metrics: 80 % of the CPU requests, which the API server fills in as well.
        IReadOnlyList<MetricSpec> metrics = autoscaler.Spec.Metrics.Count > 0 ? autoscaler.Spec.Metrics : [new() { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 80 } } }];
        var results = new List<MetricResult>();
        (MetricSpec Metric, string Message)? first = null;
        foreach (var metric in metrics)
        {
            try
            {
                results.Add(await _metrics.EvaluateAsync(metric, on, cancellationToken));
            }
            catch (MetricException e)
            {
                first ??= (metric, e.Message);
                _events.Event(autoscaler, EventRecorder.Warning, MetricEvaluator.FailureReason(metric), e.Message);
            }
        }
        draft.Status = draft.Status with { CurrentMetrics = [.. results.Select(r => r.Status)] };
        var best = results.MaxBy(r => r.Replicas);
        if (first is { } failed && (best is null || best.Replicas < scale.Spec.Replicas))
        {
            draft.Set("ScalingActive", false, MetricEvaluator.FailureReason(failed.Metric), $"the HPA was unable to compute the replica count: {failed.Message}");
            draft.FailureReason = "FailedComputeMetricsReplicas";
            throw new MetricException($"invalid metrics ({metrics.Count - results.Count} invalid out of {metrics.Count}), first error is: {failed.Message}");
        }
        draft.Set("ScalingActive", true, "ValidMetricFound", $"the HPA was able to successfully calculate a replica count from {best!.Name}");
        return (best.Replicas, best.Name);
    }

    /// <summary>The status as it comes to be during one round.</summary>
    private sealed class StatusDraft(HorizontalPodAutoscaler autoscaler, DateTimeOffset now)
    {
        public HorizontalPodAutoscalerStatus Status { get; set; } = autoscaler.Status with { ObservedGeneration = autoscaler.Metadata.Generation };

        /// <summary>The reason of the event when the round fails.</summary>
        public string FailureReason { get; set; } = "";

        public void Set(string type, bool holds, string reason, string message)
        {
            var known = Status.Conditions.FirstOrDefault(c => c.Type == type);
            var status = holds ? "True" : "False";
            var wanted = new HorizontalPodAutoscalerCondition { Type = type, Status = status, Reason = reason, Message = message, LastTransitionTime = known?.Status == status ? known.LastTransitionTime : now };
            Status = Status with { Conditions = known is null ? [.. Status.Conditions, wanted] : [.. Status.Conditions.Select(c => c.Type == type ? wanted : c)] };
        }
    }
}
