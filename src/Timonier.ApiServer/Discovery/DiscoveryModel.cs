using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Discovery;

/// <summary>A group version that another server behind an APIService answers for.</summary>
/// <param name="GroupPriority">APIService spec.groupPriorityMinimum: higher groups come first.</param>
/// <param name="VersionPriority">APIService spec.versionPriority: higher versions come first.</param>
/// <param name="Resources">The APIResourceList that the other server gave last; null while it has not answered.</param>
/// <param name="Stale">The other server does not answer at present.</param>
public sealed record RemoteGroupVersion(GroupVersion GroupVersion, int GroupPriority, int VersionPriority, JsonMap? Resources, bool Stale = false);

/// <summary>A group version as discovery shows it: what is served here, or what a remote server says.</summary>
internal sealed record DiscoveredVersion(GroupVersion GroupVersion, IReadOnlyList<ResourceSchema> Resources, RemoteGroupVersion? Remote);

/// <summary>A group with its versions, the preferred one first.</summary>
internal sealed record DiscoveredGroup(string Name, IReadOnlyList<DiscoveredVersion> Versions);

/// <summary>The groups and versions that are served, in the order in which upstream shows them.</summary>
internal static class DiscoveryModel
{
    /// <summary>Upstream's order: the aggregator's own group, then by the priorities that kube-apiserver registers.</summary>
    private static readonly string[] GroupOrder =
    [
        "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch",
        "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io",
        "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io",
        "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io", "storagemigration.k8s.io",
    ];

    /// <summary>An APIService that the CRD machinery registers has this group priority upstream.</summary>
    private const int CustomGroupPriority = 1000;

    public static IReadOnlyList<DiscoveredGroup> Build(IEnumerable<ResourceSchema> resources, IReadOnlyList<RemoteGroupVersion> remotes)
    {
        var local = resources.GroupBy(r => r.GroupVersion).Select(g => new DiscoveredVersion(g.Key, [.. g], null));
        var remote = remotes.Select(r => new DiscoveredVersion(r.GroupVersion, [], r));
        // What an APIService gives to another server is no longer ours, though we could.
        var groups = remote.Concat(local).GroupBy(v => v.GroupVersion.Group).Select(g => new DiscoveredGroup(g.Key, Order(g)));
        return [.. groups.OrderBy(g => BuiltInRank(g.Name)).ThenByDescending(Priority).ThenBy(g => g.Name, StringComparer.Ordinal)];
    }

    private static int BuiltInRank(string group)
    {
        var rank = Array.IndexOf(GroupOrder, group);
        return rank >= 0 ? rank : GroupOrder.Length;
    }

    // A group that only holds versions removed upstream (extensions) comes last: nothing may prefer it.
    private static int Priority(DiscoveredGroup group) =>
        group.Versions.All(IsRemoved) ? 0 : group.Versions.Max(v => v.Remote?.GroupPriority ?? CustomGroupPriority);

    private static bool IsRemoved(DiscoveredVersion version) => version.Remote is null && version.Resources.All(r => r.Served == ServedState.No);

    private static List<DiscoveredVersion> Order(IEnumerable<DiscoveredVersion> versions)
    {
        var ordered = versions.DistinctBy(v => v.GroupVersion.Version).ToList();
        ordered.Sort((a, b) =>
        {
            var removed = IsRemoved(a).CompareTo(IsRemoved(b));
            if (removed != 0)
                return removed;
            var priority = (b.Remote?.VersionPriority ?? 100).CompareTo(a.Remote?.VersionPriority ?? 100);
            return priority != 0 ? priority : ApiVersionOrder.Compare(a.GroupVersion.Version, b.GroupVersion.Version);
        });
        return ordered;
    }
}
