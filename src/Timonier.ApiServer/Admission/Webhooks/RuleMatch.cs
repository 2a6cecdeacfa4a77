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
    public static ResourceSchema? Match(Webhook webhook, AdmissionAttributes attributes, IObjectReader reader) =>
        IsExempt(attributes) || First(webhook.Rules, static (rule, resource, a) => Matches(rule, resource, a), webhook.Equivalent, attributes) is not { } seen
            || !InNamespaces(webhook.NamespaceSelector, attributes, reader) || !HasLabels(webhook.ObjectSelector, attributes) ? null : seen;

    /// <summary>The version in which a rule names the request's resource: as it was asked for, else, where equivalents count, the first rule's that names another.</summary>
    public static ResourceSchema? First<T>(IReadOnlyList<T> rules, Func<T, GroupVersionResource, AdmissionAttributes, bool> matches, bool equivalent, AdmissionAttributes attributes)
    {
        var resource = attributes.Scope.Resource;
        if (rules.Any(r => matches(r, resource.Resource, attributes)))
            return resource;
        if (!equivalent || attributes.Versions is not { } versions)
            return null;
        var others = versions.EquivalentsOf(resource).ToList();
        return rules.Select(r => others.Find(o => matches(r, o.Resource, attributes))).FirstOrDefault(o => o is not null);
    }

    /// <summary>The request with its objects in the version that is to be seen; itself where they are in it already.</summary>
    public static async ValueTask<AdmissionAttributes> SeenAsync(AdmissionAttributes attributes, ResourceSchema seen, CancellationToken cancel)
    {
        // The body of a subresource (Scale, Eviction) has one version only.
        if (attributes.Versions is not { } versions || attributes.Scope.Subresource is not ("" or "status"))
            return attributes;
        var obj = attributes.Object is null ? null : await versions.ConvertAsync(attributes.Object, seen, cancel);
        var old = attributes.OldObject is null ? null : await versions.ConvertAsync(attributes.OldObject, seen, cancel);
        return ReferenceEquals(obj, attributes.Object) && ReferenceEquals(old, attributes.OldObject) ? attributes : attributes with { Object = obj, OldObject = old, Normalize = static o => o };
    }

    /// <summary>Takes what was changed in the seen version back into the request's own object.</summary>
    public static async ValueTask TakeBackAsync(AdmissionAttributes attributes, AdmissionAttributes seen, string ownVersion, CancellationToken cancel)
    {
        if (ReferenceEquals(attributes, seen))
            return;
        var own = attributes.Versions!.EquivalentsOf(attributes.Scope.Resource).Prepend(attributes.Scope.Resource).First(r => r.GroupVersion.ToString() == ownVersion);
        attributes.Replace(await attributes.Versions.ConvertAsync(seen.Object!, own, cancel));
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
