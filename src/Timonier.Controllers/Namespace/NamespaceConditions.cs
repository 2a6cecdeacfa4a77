using Timonier.Api.Core.V1;

namespace Timonier.Controllers.Namespace;

/// <summary>The conditions that tell why a namespace is still there, in upstream's words.</summary>
internal static class NamespaceConditions
{
    public static IReadOnlyList<NamespaceCondition> Decide(IReadOnlyList<NamespaceCondition> known, NamespaceContent content, DateTimeOffset now)
    {
        var wanted = new (string Type, bool Holds, string Reason, string Message)[]
        {
            content.DiscoveryFailures.Count == 0
                ? ("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered")
                : ("NamespaceDeletionDiscoveryFailure", true, "DiscoveryFailed", "Discovery failed for some groups, " + Join(content.DiscoveryFailures)),
            ("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "All legacy kube types successfully parsed"),
            content.Failures.Count == 0
                ? ("NamespaceDeletionContentFailure", false, "ContentDeleted", "All content successfully deleted, may be waiting on finalization")
                : ("NamespaceDeletionContentFailure", true, "ContentDeletionFailed", "Failed to delete all resource types, " + Join(content.Failures)),
            content.Remaining.Count == 0
                ? ("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed")
                : ("NamespaceContentRemaining", true, "SomeResourcesRemain", "Some resources are remaining: " + string.Join(", ", content.Remaining.Select(r => $"{r.Key} has {r.Value} resource instances"))),
            content.Finalizers.Count == 0
                ? ("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished")
                : ("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: " + string.Join(", ", content.Finalizers.Select(f => $"{f.Key} in {f.Value} resource instances"))),
        };
        var conditions = known.ToList();
        foreach (var (type, holds, reason, message) in wanted)
        {
            var status = holds ? "True" : "False";
            var at = conditions.FindIndex(c => c.Type == type);
            if (at < 0)
                conditions.Add(new() { Type = type, Status = status, Reason = reason, Message = message, LastTransitionTime = now });
            else if (conditions[at].Status != status || conditions[at].Reason != reason || conditions[at].Message != message)
                conditions[at] = conditions[at] with { Status = status, Reason = reason, Message = message, LastTransitionTime = conditions[at].Status == status ? conditions[at].LastTransitionTime : now };
        }
        return conditions;
    }

    private static string Join(List<string> failures) => $"{failures.Count} remaining: " + string.Join(", ", failures.Order(StringComparer.Ordinal));
}
