namespace Timonier.Cluster.Tests;

/// <summary>All classes that share the one cluster; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterCollection : ICollectionFixture<ClusterFixture>
{
    public const string Name = "cluster";
}
