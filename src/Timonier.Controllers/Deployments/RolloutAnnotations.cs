using System.Globalization;
using Timonier.Api.Apps.V1;

namespace Timonier.Controllers.Deployments;

/// <summary>The annotations by which a Deployment and its ReplicaSets tell revisions and sizes, with upstream's names: kubectl rollout reads them.</summary>
internal static class RolloutAnnotations
{
    public const string Revision = "deployment.kubernetes.io/revision";
    private const string RevisionHistory = "deployment.kubernetes.io/revision-history";
    private const string DesiredReplicas = "deployment.kubernetes.io/desired-replicas";
    private const string MaxReplicas = "deployment.kubernetes.io/max-replicas";

    // Upstream's bound for the history, in characters.
    private const int HistoryLengthMax = 2000;

    private static readonly HashSet<string> NotCopied =
        ["kubectl.kubernetes.io/last-applied-configuration", Revision, RevisionHistory, DesiredReplicas, MaxReplicas, "deprecated.deployment.rollback.to"];

    public static long RevisionOf(IReadOnlyDictionary<string, string> annotations) => Number(annotations, Revision) ?? 0;

    public static int? DesiredOf(ReplicaSet set) => (int?)Number(set.Metadata.Annotations, DesiredReplicas);

    public static int? MaxOf(ReplicaSet set) => (int?)Number(set.Metadata.Annotations, MaxReplicas);

    /// <summary>The annotations of the newest ReplicaSet: the Deployment's own, its revision, and once it had another, the history.</summary>
    public static IReadOnlyDictionary<string, string> ForNewest(Deployment deployment, IReadOnlyDictionary<string, string> before, long revision)
    {
        var result = new Dictionary<string, string>(before, StringComparer.Ordinal);
        foreach (var (key, value) in deployment.Metadata.Annotations)
        {
            if (!NotCopied.Contains(key))
                result[key] = value;
        }
        var old = RevisionOf(before);
        if (old >= revision)
            return result;
        result[Revision] = revision.ToString(CultureInfo.InvariantCulture);
        if (before.ContainsKey(Revision))
            result[RevisionHistory] = Append(before.GetValueOrDefault(RevisionHistory, ""), before[Revision]);
        return result;
    }

    /// <summary>How large the Deployment is, and how large it may be for a while: what proportional scaling starts from.</summary>
    public static IReadOnlyDictionary<string, string> WithSizes(IReadOnlyDictionary<string, string> before, int desired, int max) => new Dictionary<string, string>(before, StringComparer.Ordinal)
    {
        [DesiredReplicas] = desired.ToString(CultureInfo.InvariantCulture), [MaxReplicas] = max.ToString(CultureInfo.InvariantCulture),
    };

    public static bool Equal(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) =>
        a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out var value) && value == pair.Value);

    private static string Append(string history, string revision)
    {
        var parts = history.Length == 0 ? [] : history.Split(',').ToList();
        parts.Add(revision);
        while (parts.Count > 1 && string.Join(',', parts).Length > HistoryLengthMax)
            parts.RemoveAt(0);
        return string.Join(',', parts);
    }

    private static long? Number(IReadOnlyDictionary<string, string> annotations, string key) =>
        annotations.TryGetValue(key, out var text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
