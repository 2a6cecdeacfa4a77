using Timonier.Api.Core.V1;
using Timonier.Controllers.NodeIpam;

namespace Timonier.Controllers.Tests.NodeIpam;

public sealed class NodeIpamTests : ControllerTest
{
    [Fact]
    public async Task NodesWithoutRange_GetTheFirstFree_AndReturnIt()
    {
        using var controller = new NodeIpamController(Context, "10.244.0.0/22");
        await Client.CreateAsync(new Node { Metadata = new() { Name = "a" }, Spec = new() { PodCIDR = "10.244.1.0/24" } });
        foreach (var name in new[] { "b", "c", "d", "e" })
            await Client.CreateAsync(new Node { Metadata = new() { Name = name } });
        await WorkAsync(controller);
        Assert.Equal(["10.244.1.0/24", "10.244.0.0/24", "10.244.2.0/24", "10.244.3.0/24", ""], (await ListAsync<Node>()).Select(n => n.Spec.PodCIDR));
        Assert.Equal("Normal CIDRNotAvailable Node e status is now: CIDRNotAvailable", Assert.Single(await EventsAsync()));

        await Client.DeleteAsync<Node>("", "c");
        await WorkAsync(controller);
        var e = await Client.GetAsync<Node>("", "e");
        Assert.Equal("10.244.2.0/24", e.Spec.PodCIDR);
        Assert.Equal(["10.244.2.0/24"], e.Spec.PodCIDRs);
    }
}
