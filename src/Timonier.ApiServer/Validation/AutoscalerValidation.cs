using Timonier.Api;
using Timonier.Api.Autoscaling.V2;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

internal static class AutoscalerValidation
{
    private static readonly string[] Types = ["ContainerResource", "External", "Object", "Pods", "Resource"];

    public static void Validate(HorizontalPodAutoscaler autoscaler, FieldErrors errors)
    {
        var spec = autoscaler.Spec;
        if (spec.MinReplicas is < 1)
            errors.Invalid("spec.minReplicas", spec.MinReplicas, "must be greater than or equal to 1");
        if (spec.MaxReplicas < 1)
            errors.Invalid("spec.maxReplicas", spec.MaxReplicas, "must be greater than 0");
        if (spec.MaxReplicas < spec.MinReplicas)
            errors.Invalid("spec.maxReplicas", spec.MaxReplicas, "must be greater than or equal to `minReplicas`");
        Reference(spec.ScaleTargetRef, "spec.scaleTargetRef", errors);
        for (var i = 0; i < spec.Metrics.Count; i++)
            Metric(spec.Metrics[i], $"spec.metrics[{i}]", errors);
        if (spec.MinReplicas == 0 && !spec.Metrics.Any(m => m.Type is "Object" or "External"))
            errors.Forbidden("spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas");
        Rules(spec.Behavior?.ScaleUp, "spec.behavior.scaleUp", errors);
        Rules(spec.Behavior?.ScaleDown, "spec.behavior.scaleDown", errors);
    }

    private static void Reference(CrossVersionObjectReference reference, string path, FieldErrors errors)
    {
        foreach (var (name, value) in ((string, string)[])[("kind", reference.Kind), ("name", reference.Name)])
        {
            if (value.Length == 0)
                errors.Required($"{path}.{name}");
            else
                errors.Each($"{path}.{name}", value, Names.PathSegment(value));
        }
    }

    private static void Metric(MetricSpec metric, string path, FieldErrors errors)
    {
        if (metric.Type.Length == 0)
            errors.Required($"{path}.type", "must specify a metric source type");
        else if (!Types.Contains(metric.Type))
            errors.NotSupported($"{path}.type", metric.Type, Types);
        var sources = new Dictionary<string, bool>
        {
            ["object"] = metric.Object is not null, ["external"] = metric.External is not null, ["pods"] = metric.Pods is not null,
            ["resource"] = metric.Resource is not null, ["containerResource"] = metric.ContainerResource is not null,
        };
        if (Types.Contains(metric.Type))
        {
            var expected = char.ToLowerInvariant(metric.Type[0]) + metric.Type[1..];
            if (!sources[expected])
                errors.Required($"{path}.{expected}", "must populate information for the given metric source");
            foreach (var (name, _) in sources.Where(s => s.Value && s.Key != expected))
                errors.Forbidden($"{path}.{name}", "must populate the given metric source only");
        }
        if (metric.Resource is { } resource)
            Resource(resource.Name, resource.Target, $"{path}.resource", errors);
        if (metric.ContainerResource is { } container)
        {
            if (container.Container.Length == 0)
                errors.Required($"{path}.containerResource.container", "must specify a container");
            Resource(container.Name, container.Target, $"{path}.containerResource", errors);
        }
        if (metric.Pods is { } pods)
        {
            Identifier(pods.Metric, $"{path}.pods.metric", errors);
            Target(pods.Target, $"{path}.pods.target", errors);
            if (pods.Target.AverageValue is null)
                errors.Required($"{path}.pods.target.averageValue", "must specify a positive target averageValue");
        }
        if (metric.Object is { } @object)
        {
            Reference(@object.DescribedObject, $"{path}.object.describedObject", errors);
            Identifier(@object.Metric, $"{path}.object.metric", errors);
            Target(@object.Target, $"{path}.object.target", errors);
            if (@object.Target.Value is null && @object.Target.AverageValue is null)
                errors.Required($"{path}.object.target.averageValue", "must set either a target value or averageValue");
        }
        if (metric.External is { } external)
        {
            Identifier(external.Metric, $"{path}.external.metric", errors);
            Target(external.Target, $"{path}.external.target", errors);
            if (external.Target.Value is null && external.Target.AverageValue is null)
                errors.Required($"{path}.external.target.averageValue", "must set either a target value for metric or a per-pod target");
            if (external.Target.Value is not null && external.Target.AverageValue is not null)
                errors.Forbidden($"{path}.external.target.value", "may not set both a target value for metric and a per-pod target");
        }
    }

    private static void Resource(string name, MetricTarget target, string path, FieldErrors errors)
    {
        if (name.Length == 0)
            errors.Required($"{path}.name", "must specify a resource name");
        Target(target, $"{path}.target", errors);
        if (target.AverageUtilization is null && target.AverageValue is null)
            errors.Required($"{path}.target.averageUtilization", "must set either a target raw value or a target utilization");
        if (target.AverageUtilization is not null && target.AverageValue is not null)
            errors.Forbidden($"{path}.target.averageValue", "may not set both a target raw value and a target utilization");
    }

    private static void Identifier(MetricIdentifier metric, string path, FieldErrors errors)
    {
        if (metric.Name.Length == 0)
            errors.Required($"{path}.name", "must specify a metric name");
        else
            errors.Each($"{path}.name", metric.Name, Names.PathSegment(metric.Name));
        errors.Selector($"{path}.selector", metric.Selector);
    }

    private static void Target(MetricTarget target, string path, FieldErrors errors)
    {
        if (target.Type.Length == 0)
            errors.Required($"{path}.type", "must specify a metric target type");
        else if (target.Type is not ("AverageValue" or "Utilization" or "Value"))
            errors.Invalid($"{path}.type", target.Type, "must be either Utilization, Value, or AverageValue");
        if (target.AverageUtilization is < 1)
            errors.Invalid($"{path}.averageUtilization", target.AverageUtilization, "must be greater than 0");
        Positive(target.Value, $"{path}.value", errors);
        Positive(target.AverageValue, $"{path}.averageValue", errors);
    }

    private static void Positive(Quantity? amount, string path, FieldErrors errors)
    {
        if (amount is { Sign: <= 0 } value)
            errors.Invalid(path, value.ToString(), "must be positive");
    }

    private static void Rules(HPAScalingRules? rules, string path, FieldErrors errors)
    {
        if (rules is null)
            return;
        if (rules.StabilizationWindowSeconds is < 0)
            errors.Invalid($"{path}.stabilizationWindowSeconds", rules.StabilizationWindowSeconds, "must be greater than or equal to zero");
        if (rules.StabilizationWindowSeconds is > 3600)
            errors.Invalid($"{path}.stabilizationWindowSeconds", rules.StabilizationWindowSeconds, "must be less than or equal to 3600");
        errors.OneOfOptional($"{path}.selectPolicy", rules.SelectPolicy, "Disabled", "Max", "Min");
        if (rules.Policies.Count == 0)
            errors.Required($"{path}.policies", "must specify at least one Policy");
        for (var i = 0; i < rules.Policies.Count; i++)
        {
            var (policy, at) = (rules.Policies[i], $"{path}.policies[{i}]");
            if (policy.Type is not ("Pods" or "Percent"))
                errors.NotSupported($"{at}.type", policy.Type, ["Percent", "Pods"]);
            if (policy.Value <= 0)
                errors.Invalid($"{at}.value", policy.Value, "must be greater than zero");
            if (policy.PeriodSeconds <= 0)
                errors.Invalid($"{at}.periodSeconds", policy.PeriodSeconds, "must be greater than zero");
            if (policy.PeriodSeconds > 1800)
                errors.Invalid($"{at}.periodSeconds", policy.PeriodSeconds, "must be less than or equal to 1800");
        }
    }
}
