using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>Checks that many kinds share, on top of <see cref="FieldErrors"/>.</summary>
internal static class Faults
{
    public const string NotNegative = "must be greater than or equal to 0";

    /// <summary>One error for each sentence that a name check answered.</summary>
    public static void Each(this FieldErrors errors, string path, object? value, IReadOnlyList<string> faults)
    {
        foreach (var fault in faults)
            errors.Invalid(path, value, fault);
    }

    public static void NonNegative(this FieldErrors errors, string path, long value)
    {
        if (value < 0)
            errors.Invalid(path, value, NotNegative);
    }

    public static void NonNegative(this FieldErrors errors, string path, long? value)
    {
        if (value is { } number)
            errors.NonNegative(path, number);
    }

    /// <summary>An enum that must be there.</summary>
    public static void OneOf(this FieldErrors errors, string path, string value, params IReadOnlyList<string> supported)
    {
        if (value.Length == 0)
            errors.Required(path);
        else if (!supported.Contains(value))
            errors.NotSupported(path, value, supported);
    }

    /// <summary>An enum that may be absent.</summary>
    public static void OneOfOptional(this FieldErrors errors, string path, string? value, params IReadOnlyList<string> supported)
    {
        if (value is not null && !supported.Contains(value))
            errors.NotSupported(path, value, supported);
    }

    public static void PortNumberOrName(this FieldErrors errors, string path, IntOrString port)
    {
        if (port.IsString)
            errors.Each(path, port.ToString(), Names.PortName(port.ToString()));
        else
            errors.Each(path, port.Number, Names.PortNumber(port.Number));
    }

    public static void LabelKey(this FieldErrors errors, string path, string key) => errors.Each(path, key, Names.Qualified(key));

    public static void Selector(this FieldErrors errors, string path, LabelSelector? selector)
    {
        if (selector is null)
            return;
        MetadataValidation.Labels(selector.MatchLabels, errors, $"{path}.matchLabels");
        for (var i = 0; i < selector.MatchExpressions.Count; i++)
        {
            var requirement = selector.MatchExpressions[i];
            var at = $"{path}.matchExpressions[{i}]";
            switch (requirement.Operator)
            {
                case "In" or "NotIn":
                    if (requirement.Values.Count == 0)
                        errors.Required($"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'");
                    break;
                case "Exists" or "DoesNotExist":
                    if (requirement.Values.Count > 0)
                        errors.Forbidden($"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                    break;
                default:
                    errors.Invalid($"{at}.operator", requirement.Operator, "not a valid selector operator");
                    break;
            }
            errors.LabelKey($"{at}.key", requirement.Key);
            for (var v = 0; v < requirement.Values.Count; v++)
                errors.Each($"{at}.values[{v}]", requirement.Values[v], Names.LabelValue(requirement.Values[v]));
        }
    }

    /// <summary>Can the selector be used, or does it only look like one? Upstream checks the labels' values here only.</summary>
    public static bool IsUsable(this LabelSelector selector) =>
        selector.MatchLabels.All(l => Names.Qualified(l.Key).Count == 0 && Names.LabelValue(l.Value).Count == 0)
        && selector.MatchExpressions.All(e => e.Operator is "In" or "NotIn" or "Exists" or "DoesNotExist" && Names.Qualified(e.Key).Count == 0 && e.Values.All(v => Names.LabelValue(v).Count == 0)
            && (e.Operator is "In" or "NotIn") == e.Values.Count > 0);

    public static bool IsEmpty(this LabelSelector? selector) => selector is null || (selector.MatchLabels.Count == 0 && selector.MatchExpressions.Count == 0);

    /// <summary>Does the selector choose an object with these labels? A selector with unknown operators chooses nothing.</summary>
    public static bool Matches(this LabelSelector selector, IReadOnlyDictionary<string, string> labels) =>
        selector.MatchLabels.All(l => labels.TryGetValue(l.Key, out var value) && value == l.Value)
        && selector.MatchExpressions.All(e => (e.Operator, labels.TryGetValue(e.Key, out var value)) switch
        {
            ("In", true) => e.Values.Contains(value!),
            ("NotIn", var has) => !has || !e.Values.Contains(value!),
            ("Exists", var has) => has,
            ("DoesNotExist", var has) => !has,
            _ => false,
        });

    public static void Taints(this FieldErrors errors, string path, IReadOnlyList<Taint> taints)
    {
        var seen = new HashSet<(string, string)>();
        for (var i = 0; i < taints.Count; i++)
        {
            var at = $"{path}[{i}]";
            errors.LabelKey($"{at}.key", taints[i].Key);
            if (Names.LabelValue(taints[i].Value) is { Count: > 0 } faults)
                errors.Invalid($"{at}.value", taints[i].Value, string.Join(";", faults));
            errors.OneOf($"{at}.effect", taints[i].Effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
            if (!seen.Add((taints[i].Key, taints[i].Effect)))
                errors.Duplicate(at, new JsonMap { ["key"] = taints[i].Key, ["value"] = taints[i].Value, ["effect"] = taints[i].Effect }, "taints must be unique by key and effect pair");
        }
    }
}
