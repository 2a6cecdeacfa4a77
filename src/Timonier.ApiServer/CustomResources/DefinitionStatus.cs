using Timonier.Api.CustomResources;
using Timonier.Api.Json;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.CustomResources;

/// <summary>What a definition's status should say, from all definitions. Pure.</summary>
internal static class DefinitionStatus
{
    public static bool IsEstablished(JsonMap definition) => Has(definition, "Established");

    /// <summary>The status as it should be; equal to the present one when nothing is to do.</summary>
    public static JsonMap Next(JsonMap definition, IReadOnlyList<JsonMap> all, DateTimeOffset now)
    {
        var status = (definition.GetMap("status") ?? []).DeepClone();
        if (definition.GetPath("metadata", "deletionTimestamp") is not null)
        {
            Set(status, "Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress", now);
            return status;
        }
        var names = definition.Map("spec", "names");
        if (CustomResourceDefinitions.IsProtected(definition.Text("spec", "group")) && definition.GetPath("metadata", "annotations", CustomResourceDefinitions.Approved) is string approval)
        {
            var isApproved = !approval.StartsWith("unapproved", StringComparison.Ordinal);
            Set(status, "KubernetesAPIApprovalPolicyConformant", isApproved ? "True" : "False", isApproved ? "ApprovedAnnotation" : "UnapprovedAnnotation", isApproved ? $"approved in {approval}" : $"not approved: \"{approval}\"", now);
        }
        var conflict = Conflict(definition, names, all);
        if (conflict is null)
        {
            status["acceptedNames"] = names.DeepClone();
            Set(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
            Set(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
        }
        else
        {
            Set(status, "NamesAccepted", "False", conflict.Value.Reason, conflict.Value.Message, now);
            if (!Has(definition, "Established"))
                Set(status, "Established", "False", "NotAccepted", "not all names are accepted", now);
        }
        return status;
    }

    /// <summary>A name that an accepted definition of the same group has already.</summary>
    private static (string Reason, string Message)? Conflict(JsonMap definition, JsonMap names, IReadOnlyList<JsonMap> all)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        foreach (var other in all.Where(o => !ReferenceEquals(o, definition) && o.Text("spec", "group") == definition.Text("spec", "group")))
        {
            var accepted = other.Map("status", "acceptedNames");
            taken.UnionWith(new[] { accepted.Text("plural"), accepted.Text("singular") }.Concat((accepted.GetList("shortNames") ?? []).OfType<string>()).Where(n => n.Length > 0));
            kinds.UnionWith(new[] { accepted.Text("kind"), accepted.Text("listKind") }.Where(n => n.Length > 0));
        }
        if (taken.Contains(names.Text("plural")))
            return ("PluralConflict", $"\"{names.Text("plural")}\" is already in use");
        if (taken.Contains(names.Text("singular")))
            return ("SingularConflict", $"\"{names.Text("singular")}\" is already in use");
        if ((names.GetList("shortNames") ?? []).OfType<string>().FirstOrDefault(taken.Contains) is { } shortName)
            return ("ShortNamesConflict", $"\"{shortName}\" is already in use");
        if (kinds.Contains(names.Text("kind")))
            return ("KindConflict", $"\"{names.Text("kind")}\" is already in use");
        return kinds.Contains(names.Text("listKind")) ? ("ListKindConflict", $"\"{names.Text("listKind")}\" is already in use") : null;
    }

    private static bool Has(JsonMap definition, string type) => definition.Maps("status", "conditions").Any(c => c.Text("type") == type && c.Text("status") == "True");

    private static void Set(JsonMap status, string type, string value, string reason, string message, DateTimeOffset now)
    {
        var conditions = status.GetList("conditions") ?? [];
        status["conditions"] = conditions;
        var condition = conditions.OfType<JsonMap>().FirstOrDefault(c => c.Text("type") == type);
        if (condition is null)
            conditions.Add(condition = new JsonMap { ["type"] = type });
        if (condition.Text("status") != value)
            condition["lastTransitionTime"] = ObjectMetaRules.Timestamp(now);
        condition["status"] = value;
        condition["reason"] = reason;
        condition["message"] = message;
    }
}
