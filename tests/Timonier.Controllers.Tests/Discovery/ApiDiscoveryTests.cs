using Timonier.Controllers.Discovery;

namespace Timonier.Controllers.Tests.Discovery;

public sealed class ApiDiscoveryTests : ControllerTest
{
    [Fact]
    public async Task ResourceInTwoVersions_IsTakenFromTheFirst_AndStaleGroupsAreNamed()
    {
        Served.Clear();
        foreach (var row in new[] { "v1 pods Pod Namespaced", "x.io/v2 things Thing Cluster", "x.io/v1 things Thing Cluster", "x.io/v1 olds Old Namespaced", "y.io/v1 stale - Cluster" })
            Served.Add(row);
        var served = await ApiDiscovery.DiscoverAsync(Client);
        Assert.Equal(["/v1/pods", "x.io/v2/things", "x.io/v1/olds"], served.Resources.Select(r => $"{r.Resource.Group}/{r.Resource.Version}/{r.Resource.Resource}"));
        Assert.Equal(["y.io/v1"], served.Stale);
        Assert.All(served.Resources, r => Assert.True(r.Deletable));
    }
}
