using System.Globalization;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Policy.V1;
using Timonier.Api.Scheduling.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>Disruption budgets, quotas, limit ranges, priority classes.</summary>
internal static class PolicyValidation
{
    private static readonly string[] Scopes = ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating", "VolumeAttributesClass"];

    private static readonly HashSet<string> Standard = new(StringComparer.Ordinal)
    {
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers", "storage",
    };

    public static void Budget(PodDisruptionBudget budget, FieldErrors errors)
    {
        var spec = budget.Spec;
        if (spec.MinAvailable is not null && spec.MaxUnavailable is not null)
            errors.Invalid("spec", new JsonMap(), "minAvailable and maxUnavailable cannot be both set");
        if (spec.MinAvailable is { } min)
            WorkloadValidation.CountOrPercent(min, "spec.minAvailable", errors);
        if (spec.MaxUnavailable is { } max)
            WorkloadValidation.CountOrPercent(max, "spec.maxUnavailable", errors);
        errors.Selector("spec.selector", spec.Selector);
        errors.OneOfOptional("spec.unhealthyPodEvictionPolicy", spec.UnhealthyPodEvictionPolicy, "AlwaysAllow", "IfHealthyBudget");
    }

    public static void Quota(ResourceQuota quota, FieldErrors errors)
    {
        Amounts(quota.Spec.Hard, "spec.hard", errors);
        var shown = new JsonList(quota.Spec.Scopes);
        if (quota.Spec.Scopes.Any(s => !Scopes.Contains(s)))
            errors.Invalid("spec.scopes", shown, "unsupported scope");
        foreach (var scope in quota.Spec.Scopes)
        {
            if (quota.Spec.Hard.Keys.Any(r => Standard.Contains(r) && !AppliesTo(scope, r)))
                errors.Invalid("spec.scopes", shown, "unsupported scope applied to resource");
        }
        Conflicting(quota.Spec.Scopes.ToHashSet(), "spec.scopes", shown, errors);
        var expressions = quota.Spec.ScopeSelector?.MatchExpressions ?? [];
        const string Path = "spec.scopeSelector.matchExpressions";
        foreach (var expression in expressions)
        {
            if (!Scopes.Contains(expression.ScopeName))
                errors.Invalid($"{Path}.scopeName", expression.ScopeName, "unsupported scope");
            if (quota.Spec.Hard.Keys.Any(r => Standard.Contains(r) && !AppliesTo(expression.ScopeName, r)))
                errors.Invalid(Path, new JsonMap(), "unsupported scope applied to resource");
            if (expression.ScopeName is not ("PriorityClass" or "VolumeAttributesClass") && expression.Operator != "Exists")
                errors.Invalid($"{Path}.operator", expression.Operator, "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
            if (expression.Operator is "In" or "NotIn" && expression.Values.Count == 0)
                errors.Required($"{Path}.values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
            else if (expression.Operator is "Exists" or "DoesNotExist" && expression.Values.Count > 0)
                errors.Invalid($"{Path}.values", new JsonList(expression.Values), "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
            else if (expression.Operator is not ("In" or "NotIn" or "Exists" or "DoesNotExist"))
                errors.Invalid($"{Path}.operator", expression.Operator, "not a valid selector operator");
        }
        Conflicting(expressions.Select(e => e.ScopeName).ToHashSet(), Path, shown, errors);
    }

    public static void QuotaStatus(ResourceQuota quota, ResourceQuota old, FieldErrors errors)
    {
        Amounts(quota.Status.Hard, "status.hard", errors);
        Amounts(quota.Status.Used, "status.used", errors);
    }

    public static void Limits(LimitRange range, FieldErrors errors)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < range.Spec.Limits.Count; i++)
        {
            var (limit, path) = (range.Spec.Limits[i], $"spec.limits[{i}]");
            if (Names.Qualified(limit.Type) is { Count: > 0 } faults)
                errors.Each($"{path}.type", limit.Type, faults);
            else if (!limit.Type.Contains('/', StringComparison.Ordinal) && limit.Type is not ("Pod" or "Container" or "PersistentVolumeClaim"))
                errors.Invalid($"{path}.type", limit.Type, "must be a standard limit type or fully qualified");
            if (!types.Add(limit.Type))
                errors.Duplicate($"{path}.type", limit.Type);
            if (limit.Type == "Pod" && limit.Default.Count > 0)
                errors.Forbidden($"{path}.default", "may not be specified when `type` is 'Pod'");
            if (limit.Type == "Pod" && limit.DefaultRequest.Count > 0)
                errors.Forbidden($"{path}.defaultRequest", "may not be specified when `type` is 'Pod'");
            if (limit.Type == "PersistentVolumeClaim" && !limit.Min.ContainsKey("storage") && !limit.Max.ContainsKey("storage"))
                errors.Required($"{path}.limits", "either minimum or maximum storage value is required, but neither was provided");
            foreach (var resource in limit.Max.Keys.Union(limit.Min.Keys).Union(limit.Default.Keys).Union(limit.DefaultRequest.Keys).Union(limit.MaxLimitRequestRatio.Keys))
                Limit(limit, resource, path, errors);
        }
    }

    public static void Priority(PriorityClass priority, FieldErrors errors)
    {
        var system = priority.Metadata.Name.StartsWith("system-", StringComparison.Ordinal);
        var known = (priority.Metadata.Name, priority.Value) is ("system-node-critical", 2000001000) or ("system-cluster-critical", 2000000000);
        if (system && !known)
            errors.Forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only. error: " +
                (priority.Metadata.Name is "system-node-critical" or "system-cluster-critical" ? $"value of {priority.Metadata.Name} PriorityClass must be {(priority.Metadata.Name == "system-node-critical" ? 2000001000 : 2000000000)}" : $"{priority.Metadata.Name} is not a known system priority class"));
        if (!system && priority.Value > 1000000000)
            errors.Forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
        errors.OneOfOptional("preemptionPolicy", priority.PreemptionPolicy, "PreemptLowerPriority", "Never");
    }

    /// <summary>May a quota with this scope limit this resource?</summary>
    public static bool AppliesTo(string scope, string resource) => scope switch
    {
        "Terminating" or "NotTerminating" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity" =>
            resource is "pods" or "cpu" or "memory" or "ephemeral-storage" or "requests.cpu" or "requests.memory" or "requests.ephemeral-storage" or "limits.cpu" or "limits.memory" or "limits.ephemeral-storage",
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => resource is "persistentvolumeclaims" or "requests.storage",
        _ => true,
    };

    private static void Conflicting(HashSet<string> scopes, string path, JsonList shown, FieldErrors errors)
    {
        if (scopes.IsSupersetOf(["BestEffort", "NotBestEffort"]) || scopes.IsSupersetOf(["Terminating", "NotTerminating"]))
            errors.Invalid(path, shown, "conflicting scopes");
    }

    private static void Amounts(IReadOnlyDictionary<string, Quantity> amounts, string path, FieldErrors errors)
    {
        foreach (var (name, amount) in amounts)
        {
            errors.Each($"{path}[{name}]", name, Names.Qualified(name));
            if (!name.Contains('/', StringComparison.Ordinal) && !Standard.Contains(name) && !ResourceValidation.IsHugePages(name) && !name.StartsWith("requests.hugepages-", StringComparison.Ordinal))
            {
                errors.Invalid($"{path}[{name}]", name, "must be a standard resource type or fully qualified");
                errors.Invalid($"{path}[{name}]", name, "must be a standard resource for quota");
            }
            ResourceValidation.Amount(name, amount, $"{path}[{name}]", errors);
        }
    }

    private static void Limit(LimitRangeItem limit, string resource, string path, FieldErrors errors)
    {
        errors.Each($"{path}[{resource}]", resource, Names.Qualified(resource));
        var min = Get(limit.Min, resource);
        var max = Get(limit.Max, resource);
        var byDefault = Get(limit.Default, resource);
        var request = Get(limit.DefaultRequest, resource);
        Ordered(min, max, $"{path}.min[{resource}]", min, $"min value {min} is greater than max value {max}", errors);
        Ordered(min, request, $"{path}.defaultRequest[{resource}]", request, $"min value {min} is greater than default request value {request}", errors);
        Ordered(request, max, $"{path}.defaultRequest[{resource}]", request, $"default request value {request} is greater than max value {max}", errors);
        Ordered(request, byDefault, $"{path}.defaultRequest[{resource}]", request, $"default request value {request} is greater than default limit value {byDefault}", errors);
        Ordered(min, byDefault, $"{path}.default[{resource}]", min, $"min value {min} is greater than default value {byDefault}", errors);
        Ordered(byDefault, max, $"{path}.default[{resource}]", max, $"default value {byDefault} is greater than max value {max}", errors);
        if (Get(limit.MaxLimitRequestRatio, resource) is not { } ratio)
            return;
        if (ratio < new Quantity(1))
            errors.Invalid($"{path}.maxLimitRequestRatio[{resource}]", ratio.ToString(), $"ratio {ratio} is less than 1");
        if (min is { Sign: > 0 } low && max is { } high && ratio.ToDouble() > high.ToDouble() / low.ToDouble())
            errors.Invalid($"{path}.maxLimitRequestRatio[{resource}]", ratio.ToString(), $"ratio {ratio} is greater than max/min = {(high.ToDouble() / low.ToDouble()).ToString("F6", CultureInfo.InvariantCulture)}");
    }

    private static Quantity? Get(IReadOnlyDictionary<string, Quantity> amounts, string resource) => amounts.TryGetValue(resource, out var amount) ? amount : null;

    private static void Ordered(Quantity? low, Quantity? high, string path, Quantity? shown, string message, FieldErrors errors)
    {
        if (low is { } a && high is { } b && a > b)
            errors.Invalid(path, shown.ToString(), message);
    }
}
