using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Rbac.V1;
using Timonier.Api.Scheduling.V1;
using Timonier.ApiServer.Requests;

namespace Timonier.Server;

/// <summary>What must be there after the start before the server is well and ready, by upstream's names for who makes it.</summary>
internal static class HealthChecks
{
    /// <param name="loops">The controllers run in this process: what they register counts too.</param>
    public static IReadOnlyList<(string Name, Func<bool> Holds)> Of(IObjectReader reader, bool loops)
    {
        List<(string, Func<bool>)> checks =
        [
            ("poststarthook/bootstrap-controller", Once(() => reader.Get<Service>("default", "kubernetes") is not null)),
            ("poststarthook/rbac/bootstrap-roles", Once(() => reader.Get<ClusterRole>("", "cluster-admin") is not null)),
            ("poststarthook/scheduling/bootstrap-system-priority-classes", Once(() => reader.Get<PriorityClass>("", "system-node-critical") is not null)),
            ("poststarthook/start-cluster-authentication-info-controller", Once(() => reader.Get<ConfigMap>("kube-system", "extension-apiserver-authentication") is not null)),
        ];
        if (!loops)
            return checks;
        var registered = Once(() => reader.Get<APIService>("", "v1.") is not null && reader.Get<APIService>("", "v1.apps") is not null);
        var available = Once(() => reader.Get<APIService>("", "v1.")?.Status.Conditions.Any(c => c is { Type: "Available", Status: "True" }) == true);
        // One loop keeps the local ones, and with them the informers and the published documents.
        checks.AddRange(((string[])["poststarthook/start-kube-aggregator-informers", "poststarthook/apiservice-registration-controller", "poststarthook/kube-apiserver-autoregistration", "autoregister-completion", "poststarthook/apiservice-openapi-controller"]).Select(name => (name, registered)));
        checks.Add(("poststarthook/apiservice-status-available-controller", available));
        return checks;
    }

    /// <summary>What has held once, of the start, is not asked again: an object that somebody deletes later makes no sick server.</summary>
    private static Func<bool> Once(Func<bool> holds)
    {
        var held = false;
        return () => held = held || holds();
    }
}
