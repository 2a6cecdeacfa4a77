using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Strategies;

/// <summary>Which strategy a resource has, by group and plural name: one for all its versions, as objects are in the stored one.</summary>
public static class StrategyTable
{
    /// <summary>Every resource of the schema by its group resource ("pods", "deployments.apps").</summary>
    public static IReadOnlyDictionary<string, Strategy> Create(ApiSchema schema, ServiceNetwork network, IObjectReader reader)
    {
        var table = new Dictionary<string, Strategy>(StringComparer.Ordinal)
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
            ["jobs.batch"] = new JobStrategy(),
            ["cronjobs.batch"] = new CronJobStrategy(),
            ["persistentvolumes"] = new PersistentVolumeStrategy(),
            ["persistentvolumeclaims"] = new PersistentVolumeClaimStrategy(),
            ["nodes"] = new NodeStrategy(),
            ["events"] = new EventStrategy(),
            ["events.events.k8s.io"] = new EventStrategy(),
            ["certificatesigningrequests.certificates.k8s.io"] = new CertificateStrategy(),
        };
        foreach (var (resource, strategy) in StorageKinds.All().Concat(NetworkKinds.All()).Concat(PolicyKinds.All()).Concat(RbacKinds.All()).Concat(ServerKinds.All()))
            table.Add(resource, strategy);
        var plain = new Strategy();
        var withSpec = new SpecStrategy();
        foreach (var resource in schema.Resources)
            table.TryAdd(resource.GroupResource, resource.Type.Field("spec") is null ? plain : withSpec);
        return table;
    }
}
