using Timonier.Api.Autoscaling.V2;
using Timonier.Api.Coordination.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Node.V1;
using Timonier.Api.Policy.V1;
using Timonier.Api.Scheduling.V1;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>Budgets, quotas, limits, priorities, autoscaling, leases.</summary>
internal static class PolicyKinds
{
    public static IEnumerable<KeyValuePair<string, Strategy>> All() =>
    [
        new("poddisruptionbudgets.policy", new SimpleStrategy<PodDisruptionBudget>
        {
            Generation = true,
            NewStatus = () => new JsonMap { ["disruptionsAllowed"] = 0L, ["currentHealthy"] = 0L, ["desiredHealthy"] = 0L, ["expectedPods"] = 0L },
            Check = PolicyValidation.Budget,
            CheckStatus = (budget, _, errors) =>
            {
                errors.NonNegative("status.disruptionsAllowed", budget.Status.DisruptionsAllowed);
                errors.NonNegative("status.currentHealthy", budget.Status.CurrentHealthy);
                errors.NonNegative("status.desiredHealthy", budget.Status.DesiredHealthy);
                errors.NonNegative("status.expectedPods", budget.Status.ExpectedPods);
            },
        }),
        new("horizontalpodautoscalers.autoscaling", new SimpleStrategy<HorizontalPodAutoscaler>
        {
            NewStatus = () => new JsonMap { ["desiredReplicas"] = 0L, ["currentMetrics"] = null },
            Defaults = AutoscalerDefaults.Apply,
            Check = AutoscalerValidation.Validate,
            CheckStatus = (autoscaler, _, errors) =>
            {
                errors.NonNegative("status.currentReplicas", autoscaler.Status.CurrentReplicas);
                errors.NonNegative("status.desiredReplicas", autoscaler.Status.DesiredReplicas);
            },
        }),
        new("resourcequotas", new SimpleStrategy<ResourceQuota>
        {
            NewStatus = () => [],
            Check = PolicyValidation.Quota,
            CheckUpdate = (quota, old, _, errors) =>
            {
                if (!quota.Spec.Scopes.ToHashSet().SetEquals(old.Spec.Scopes))
                    errors.Invalid("spec.scopes", new JsonList(quota.Spec.Scopes), "field is immutable");
            },
            CheckStatus = PolicyValidation.QuotaStatus,
        }),
        new("limitranges", new SimpleStrategy<LimitRange> { CreateOnUpdate = true, Defaults = LimitDefaults, Check = PolicyValidation.Limits }),
        new("priorityclasses.scheduling.k8s.io", new SimpleStrategy<PriorityClass>
        {
            Generation = true, Immutable = ["preemptionPolicy"],
            Defaults = o => o.Default("preemptionPolicy", "PreemptLowerPriority"),
            Check = PolicyValidation.Priority,
            CheckUpdate = (now, old, _, errors) =>
            {
                if (now.Value != old.Value)
                    errors.Forbidden("value", "may not be changed in an update.");
            },
        }),
        new("runtimeclasses.node.k8s.io", new SimpleStrategy<RuntimeClass>
        {
            UnconditionalUpdate = false, Immutable = ["handler"],
            Check = (runtime, errors) =>
            {
                errors.Each("handler", runtime.Handler, Names.Label(runtime.Handler));
                foreach (var (name, amount) in runtime.Overhead?.PodFixed ?? new Dictionary<string, Api.Quantity>())
                    ResourceValidation.Amount(name, amount, $"overhead.podFixed.limits[{name}]", errors);
                if (runtime.Scheduling is not { } scheduling)
                    return;
                MetadataValidation.Labels(scheduling.NodeSelector, errors, "scheduling.nodeSelector");
                AffinityValidation.Tolerations(scheduling.Tolerations, "scheduling.tolerations.tolerations", errors);
                for (var i = 1; i < scheduling.Tolerations.Count; i++)
                {
                    if (scheduling.Tolerations.Take(i).Contains(scheduling.Tolerations[i]))
                        errors.Duplicate($"scheduling.tolerations[{i}]", new JsonMap { ["key"] = scheduling.Tolerations[i].Key, ["operator"] = scheduling.Tolerations[i].Operator });
                }
            },
        }),
        new("leases.coordination.k8s.io", new SimpleStrategy<Lease>
        {
            CreateOnUpdate = true, UnconditionalUpdate = false,
            Check = (lease, errors) =>
            {
                if (lease.Spec.LeaseDurationSeconds is <= 0)
                    errors.Invalid("spec.leaseDurationSeconds", lease.Spec.LeaseDurationSeconds, "must be greater than 0");
                if (lease.Spec.LeaseTransitions is < 0)
                    errors.Invalid("spec.leaseTransitions", lease.Spec.LeaseTransitions, Faults.NotNegative);
            },
        }),
    ];

    private static void LimitDefaults(JsonMap obj)
    {
        foreach (var limit in obj.Spec().Maps("limits").Where(l => l.Text("type") == "Container"))
        {
            // The limit defaults to the maximum, the request to the limit, else to the minimum.
            Fill(limit, "default", limit.GetMap("max"));
            Fill(limit, "defaultRequest", limit.GetMap("default"));
            Fill(limit, "defaultRequest", limit.GetMap("min"));
        }
    }

    private static void Fill(JsonMap limit, string key, JsonMap? from)
    {
        if (from is null)
            return;
        foreach (var (resource, amount) in from)
        {
            if (amount is not null)
                limit.EnsureMap(key).Default(resource, amount);
        }
    }
}
