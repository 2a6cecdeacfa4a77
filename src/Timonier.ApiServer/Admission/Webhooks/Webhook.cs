using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>One webhook of a configuration, mutating or validating.</summary>
internal sealed record Webhook
{
    public required string Name { get; init; }

    /// <summary>Names it among all mutating ones, for reinvocation.</summary>
    public string Id { get; init; } = "";
    public string Configuration { get; init; } = "";

    /// <summary>Its place among all of its sort.</summary>
    public int Index { get; init; }
    public required WebhookClientConfig Client { get; init; }
    public required IReadOnlyList<RuleWithOperations> Rules { get; init; }
    public required LabelSelector? NamespaceSelector { get; init; }
    public required LabelSelector? ObjectSelector { get; init; }
    public required IReadOnlyList<string> ReviewVersions { get; init; }
    public required int TimeoutSeconds { get; init; }

    /// <summary>What cannot be asked is let through.</summary>
    public required bool IgnoresFailure { get; init; }

    /// <summary>Matches requests for other versions of the resource too.</summary>
    public required bool Equivalent { get; init; }
    public required bool AllowsDryRun { get; init; }

    /// <summary>Expressions that must all be true for it to be asked.</summary>
    public required IReadOnlyList<MatchCondition> Conditions { get; init; }

    /// <summary>Asked again when a later webhook changed the object.</summary>
    public bool Reinvoke { get; init; }

    public static Webhook Of(MutatingWebhook w) => new()
    {
        Name = w.Name, Client = w.ClientConfig, Rules = w.Rules, NamespaceSelector = w.NamespaceSelector, Conditions = w.MatchConditions, ObjectSelector = w.ObjectSelector, ReviewVersions = w.AdmissionReviewVersions,
        TimeoutSeconds = w.TimeoutSeconds ?? 10, IgnoresFailure = w.FailurePolicy == "Ignore", Equivalent = w.MatchPolicy != "Exact", AllowsDryRun = w.SideEffects is "None" or "NoneOnDryRun",
        Reinvoke = w.ReinvocationPolicy == "IfNeeded",
    };

    public static Webhook Of(ValidatingWebhook w) => new()
    {
        Name = w.Name, Client = w.ClientConfig, Rules = w.Rules, NamespaceSelector = w.NamespaceSelector, Conditions = w.MatchConditions, ObjectSelector = w.ObjectSelector, ReviewVersions = w.AdmissionReviewVersions,
        TimeoutSeconds = w.TimeoutSeconds ?? 10, IgnoresFailure = w.FailurePolicy == "Ignore", Equivalent = w.MatchPolicy != "Exact", AllowsDryRun = w.SideEffects is "None" or "NoneOnDryRun",
    };
}
