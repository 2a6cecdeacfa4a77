using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>Is a request one that a webhook or policy wants to see?</summary>
internal static class RuleMatch
{
    // Nobody may lock the administrator out of the way to take a webhook or policy away again.
    private static readonly HashSet<string> NeverSeen =
    [
        "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    ];

    /// <summary>Requests that neither webhooks nor policies ever see.</summary>
    public static bool IsExempt(AdmissionAttributes attributes) =>
        attributes.Scope.Resource.GroupVersion.Group == "admissionregistration.k8s.io" && NeverSeen.Contains(attributes.Scope.Resource.Plural);

    /// <summary>The resource as the webhook shall see it; null when it does not want the request.</summary>
    public static GroupVersionResource? Match(Webhook webhook, AdmissionAttributes attributes, IObjectReader reader)
    {
        var resource = attributes.Scope.Resource;
        if (IsExempt(attributes) || !InNamespaces(webhook.NamespaceSelector, attributes, reader) || !HasLabels(webhook.ObjectSelector, attributes))
            return null;
        var asked = resource.Resource;
        if (webhook.Rules.Any(r => Matches(r, asked, attributes)))
            return asked;
        if (!webhook.Equivalent || resource.StorageVersion is not { } stored)
            return null;
        var other = new GroupVersionResource(stored.Group, stored.Version, resource.Plural);
        return webhook.Rules.Any(r => Matches(r, other, attributes)) ? other : null;
    }

    public static bool Matches(RuleWithOperations rule, GroupVersionResource resource, AdmissionAttributes attributes) =>
        Has(rule.Operations, attributes.Operation)
        && Has(rule.ApiGroups, resource.Group)
        && Has(rule.ApiVersions, resource.Version)
        && rule.Scope switch { "Cluster" => attributes.Scope.Namespace.Length == 0 || !attributes.Scope.Resource.Namespaced, "Namespaced" => attributes.Scope.Resource.Namespaced, _ => true }
        && rule.Resources.Any(r => Names(r, resource.Resource, attributes.Scope.Subresource));

    public static bool InNamespaces(LabelSelector? selector, AdmissionAttributes attributes, IObjectReader reader)
    {
        if (selector.IsEmpty())
            return true;
        // A namespace is judged by its own labels, other things without namespace always match.
        if (attributes.Scope.Resource.GroupResource == "namespaces")
            return selector!.Matches(Labels(attributes.Object ?? attributes.OldObject));
        if (attributes.Scope.Namespace.Length == 0)
            return true;
        return reader.Get<Namespace>("", attributes.Scope.Namespace) is { } found && selector!.Matches(found.Metadata.Labels);
    }

    public static bool HasLabels(LabelSelector? selector, AdmissionAttributes attributes) =>
        selector.IsEmpty() || (attributes.Object is { } now && selector!.Matches(Labels(now))) || (attributes.OldObject is { } old && selector!.Matches(Labels(old)));

    private static Dictionary<string, string> Labels(JsonMap? obj) =>
        (obj?.GetPath("metadata", "labels") as JsonMap ?? []).Where(l => l.Value is string).ToDictionary(l => l.Key, l => (string)l.Value!, StringComparer.Ordinal);

    private static bool Has(IReadOnlyList<string> list, string value) => list.Contains("*") || list.Contains(value);

    // "pods", "pods/status", "pods/*", "*/scale", "*" (no subresources), "*/*".
    private static bool Names(string rule, string resource, string subresource)
    {
        var slash = rule.IndexOf('/', StringComparison.Ordinal);
        var (left, right) = slash < 0 ? (rule, "") : (rule[..slash], rule[(slash + 1)..]);
        return (left == "*" || left == resource) && (right == "*" || right == subresource);
    }
}
