using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Strategies;

/// <summary>Which strategy a resource has, by group and plural name: one for all its versions, as objects are in the stored one.</summary>
public sealed class StrategyTable
{
    private static readonly Strategy Plain = new();
    private static readonly Strategy WithSpec = new SpecStrategy();
    private readonly Dictionary<string, Strategy> _byResource;

    public StrategyTable(ServiceNetwork network, IObjectReader reader)
    {
        _byResource = new(StringComparer.Ordinal)
        {
            ["pods"] = new PodStrategy(),
            ["services"] = new ServiceStrategy(new ServiceAllocation(network, reader)),
            ["configmaps"] = new ConfigMapStrategy(),
            ["secrets"] = new SecretStrategy(),
            ["serviceaccounts"] = new ServiceAccountStrategy(),
            ["namespaces"] = new NamespaceStrategy(),
            ["replicationcontrollers"] = new ReplicationControllerStrategy(),
            ["deployments.apps"] = new DeploymentStrategy(),
            ["replicasets.apps"] = new ReplicaSetStrategy(),
            ["statefulsets.apps"] = new StatefulSetStrategy(),
            ["daemonsets.apps"] = new DaemonSetStrategy(),
        };
    }

    public Strategy For(ResourceSchema resource) =>
        _byResource.TryGetValue(resource.GroupResource, out var strategy) ? strategy
        : resource.Type.Field("spec") is not null ? WithSpec : Plain;
}
