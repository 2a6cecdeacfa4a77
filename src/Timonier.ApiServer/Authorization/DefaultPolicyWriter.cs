using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Rbac.V1;
using Timonier.Client;

namespace Timonier.ApiServer.Authorization;

/// <summary>Puts the default policy into the store at start: makes what is missing, adds what lacks; never takes away what an administrator added.</summary>
public static class DefaultPolicyWriter
{
    /// <summary>An administrator who sets this annotation to "false" keeps the object as it is.</summary>
    public const string AutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

    /// <summary>Writes in flight together: they share group commits, and a first start takes a few of them.</summary>
    private const int Parallelism = 32;

    public static async Task ReconcileAsync(ApiClient client, CancellationToken cancel)
    {
        var policy = new DefaultPolicy();
        await ReconcileAsync(client, policy.ClusterRoles, Merge, cancel);
        await ReconcileAsync(client, policy.ClusterRoleBindings, (found, wanted) => Bound(found.Subjects, wanted.Subjects) is { } subjects ? found with { Subjects = subjects } : null, cancel);
        await ReconcileAsync(client, policy.Roles, (found, wanted) => Granted(found.Rules, wanted.Rules) is { } rules ? found with { Rules = rules } : null, cancel);
        await ReconcileAsync(client, policy.RoleBindings, (found, wanted) => Bound(found.Subjects, wanted.Subjects) is { } subjects ? found with { Subjects = subjects } : null, cancel);
    }

    private static async Task ReconcileAsync<T>(ApiClient client, IReadOnlyList<T> wanted, Func<T, T, T?> merge, CancellationToken cancel) where T : class, IKind<T>
    {
        var found = (await client.ListAsync<T>(cancellationToken: cancel)).Items.ToDictionary(o => (Meta(o).Namespace, Meta(o).Name));
        foreach (var batch in wanted.Chunk(Parallelism))
            await Task.WhenAll(batch.Select(o => ReconcileAsync(client, found.GetValueOrDefault((Meta(o).Namespace, Meta(o).Name)), o, merge, cancel)));
    }

    private static async Task ReconcileAsync<T>(ApiClient client, T? found, T wanted, Func<T, T, T?> merge, CancellationToken cancel) where T : class, IKind<T>
    {
        try
        {
            if (found is null)
                await client.CreateAsync(wanted, cancel);
            else if (Meta(found).Annotations.GetValueOrDefault(AutoUpdate) != "false" && merge(found, wanted) is { } changed)
                await client.UpdateAsync(changed, cancel);
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsConflict)
        {
            // Another server of the cluster starts at the same time and writes the same policy.
        }
    }

    private static ClusterRole? Merge(ClusterRole found, ClusterRole wanted)
    {
        // The rules of an aggregated role are the aggregation's to keep.
        var rules = wanted.AggregationRule is null ? Granted(found.Rules, wanted.Rules) : null;
        var labels = wanted.Metadata.Labels.Where(l => !found.Metadata.Labels.ContainsKey(l.Key)).ToList();
        var aggregation = wanted.AggregationRule is not null && found.AggregationRule is null;
        if (rules is null && labels.Count == 0 && !aggregation)
            return null;
        return found with
        {
            Rules = rules ?? found.Rules,
            AggregationRule = found.AggregationRule ?? wanted.AggregationRule,
            Metadata = found.Metadata with { Labels = new Dictionary<string, string>(found.Metadata.Labels.Concat(labels)) },
        };
    }

    /// <summary>Null when nothing lacks.</summary>
    private static List<PolicyRule>? Granted(IReadOnlyList<PolicyRule> found, IReadOnlyList<PolicyRule> wanted)
    {
        var missing = RuleCoverage.Missing(found, wanted);
        return missing.Count == 0 ? null : [.. found, .. missing];
    }

    private static List<Subject>? Bound(IReadOnlyList<Subject> found, IReadOnlyList<Subject> wanted)
    {
        var missing = wanted.Where(w => !found.Any(f => (f.Kind, f.Namespace, f.Name) == (w.Kind, w.Namespace, w.Name))).ToList();
        return missing.Count == 0 ? null : [.. found, .. missing];
    }

    private static ObjectMeta Meta(IKind value) => value.Metadata;
}
