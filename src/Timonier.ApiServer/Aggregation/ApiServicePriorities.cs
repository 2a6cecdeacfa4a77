using Timonier.Api.Schema;

namespace Timonier.ApiServer.Aggregation;

/// <summary>The order of groups and versions that kube-apiserver registers its own APIServices with: kubectl prefers what is higher.</summary>
internal static class ApiServicePriorities
{
    /// <summary>Of groups of custom resources.</summary>
    public const int CustomGroup = 1000, CustomVersion = 100;

    private static readonly Dictionary<string, int> Groups = new(StringComparer.Ordinal)
    {
        [""] = 18000, ["apps"] = 17800, ["events.k8s.io"] = 17750, ["authentication.k8s.io"] = 17700, ["authorization.k8s.io"] = 17600, ["autoscaling"] = 17500, ["batch"] = 17400,
        ["certificates.k8s.io"] = 17300, ["networking.k8s.io"] = 17200, ["policy"] = 17100, ["rbac.authorization.k8s.io"] = 17000, ["storage.k8s.io"] = 16800,
        ["apiextensions.k8s.io"] = 16700, ["admissionregistration.k8s.io"] = 16700, ["scheduling.k8s.io"] = 16600, ["coordination.k8s.io"] = 16500, ["node.k8s.io"] = 16300,
        ["discovery.k8s.io"] = 16200, ["flowcontrol.apiserver.k8s.io"] = 16100, ["internal.apiserver.k8s.io"] = 16000, ["resource.k8s.io"] = 15900, ["storagemigration.k8s.io"] = 15800,
        // What metrics-server's own manifest says.
        ["metrics.k8s.io"] = 100,
    };

    public static int Group(GroupVersion version) => Groups.GetValueOrDefault(version.Group, CustomGroup);

    public static int Version(GroupVersion version) => version switch
    {
        { Group: "" } => 1,
        { Group: "autoscaling", Version: "v2" } => 30,
        _ when !Groups.ContainsKey(version.Group) => CustomVersion,
        _ when version.Version.Contains("alpha", StringComparison.Ordinal) => 1,
        _ when version.Version.Contains("beta", StringComparison.Ordinal) => 9,
        _ => 15,
    };
}
