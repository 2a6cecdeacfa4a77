using Timonier.Api.Core.V1;
using Timonier.Controllers.Endpoints;
using Timonier.Controllers.EndpointSlice;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;

namespace Timonier.Controllers.Tests.EndpointSlices;

public sealed class SliceControllersTests : ControllerTest
{
    [Fact]
    public async Task ServiceAndPods_GetSliceAndEndpoints_ThatFollowThePods()
    {
        using var slices = new EndpointSliceController(Context);
        using var endpoints = new EndpointsController(Context);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n1" } });
        await Client.CreateAsync(PodEndpointsTests.Service());
        await WorkAsync(slices);
        Assert.Empty(Assert.Single(await ListAsync<Slice>()).Endpoints);

        var pod = await Client.CreateAsync(PodEndpointsTests.Pod());
        await WorkAsync(slices);
        await WorkAsync(endpoints);
        var slice = Assert.Single(await ListAsync<Slice>());
        Assert.Equal("10.0.0.1", Assert.Single(slice.Endpoints).Addresses[0]);
        Assert.Equal(8080, slice.Ports[0].Port);
        var subset = Assert.Single((await Client.GetAsync<Api.Core.V1.Endpoints>("ns", "svc")).Subsets);
        Assert.Equal(("10.0.0.1", "n1", 8080), (Assert.Single(subset.Addresses).Ip, subset.Addresses[0].NodeName, subset.Ports[0].Port));

        await Client.UpdateStatusAsync(pod with { Status = pod.Status with { Conditions = [new() { Type = "Ready", Status = "False" }] } });
        await WorkAsync(slices);
        await WorkAsync(endpoints);
        Assert.False(Assert.Single(Assert.Single(await ListAsync<Slice>()).Endpoints).Conditions.Ready);
        Assert.Equal("10.0.0.1", Assert.Single(Assert.Single((await Client.GetAsync<Api.Core.V1.Endpoints>("ns", "svc")).Subsets).NotReadyAddresses).Ip);

        var writes = Api.Writes.Count;
        slices.Queue.Add(new("ns", "svc"));
        endpoints.Queue.Add(new("ns", "svc"));
        await WorkAsync(slices);
        await WorkAsync(endpoints);
        Assert.Equal(writes, Api.Writes.Count);

        await Client.DeleteAsync<Service>("ns", "svc");
        await WorkAsync(endpoints);
        Assert.Empty(await ListAsync<Api.Core.V1.Endpoints>());
    }

    [Fact]
    public async Task PodSeenBeforeItsNode_IsAddedWhenTheNodeComes()
    {
        using var slices = new EndpointSliceController(Context);
        await Client.CreateAsync(PodEndpointsTests.Service());
        await Client.CreateAsync(PodEndpointsTests.Pod());
        await WorkAsync(slices);
        Assert.Empty(Assert.Single(await ListAsync<Slice>()).Endpoints);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n1" } });
        await WorkAsync(slices);
        Assert.Single(Assert.Single(await ListAsync<Slice>(), s => s.Endpoints.Count > 0).Endpoints);
    }

    private static Api.Core.V1.Endpoints Manual => new()
    {
        Metadata = new() { Namespace = "ns", Name = "ext", Uid = "e", Labels = new Dictionary<string, string> { ["a"] = "b" } },
        Subsets = [new() { Addresses = [new() { Ip = "192.0.2.1" }, new() { Ip = "2001:db8::1" }], NotReadyAddresses = [new() { Ip = "192.0.2.2" }], Ports = [new() { Name = "x", Port = 5432 }] }],
    };

    [Fact]
    public async Task ManualEndpoints_AreMirrored_AndWithdrawnWithTheirService()
    {
        using var mirror = new EndpointSliceMirroringController(Context);
        await Client.CreateAsync(Manual);
        await WorkAsync(mirror);
        Assert.Empty(await ListAsync<Slice>());

        var service = await Client.CreateAsync(new Service { Metadata = new() { Namespace = "ns", Name = "ext" } });
        await WorkAsync(mirror);
        var slices = await ListAsync<Slice>();
        Assert.Equal(["IPv4", "IPv6"], slices.Select(s => s.AddressType).Order());
        Assert.Equal([("192.0.2.1", true), ("192.0.2.2", false)], slices.Single(s => s.AddressType == "IPv4").Endpoints.Select(e => (e.Addresses[0], e.Conditions.Ready!.Value)));
        Assert.All(slices, s => Assert.Equal(("ext", "b", "Endpoints"), (s.Metadata.Labels["kubernetes.io/service-name"], s.Metadata.Labels["a"], s.Metadata.OwnerReferences[0].Kind)));

        await Client.DeleteAsync<Service>("ns", service.Metadata.Name);
        await WorkAsync(mirror);
        Assert.Empty(await ListAsync<Slice>());
    }

    [Theory]
    [InlineData("skip", false)]
    [InlineData("leader", false)]
    [InlineData("selector", false)]
    [InlineData("", true)]
    public void Mirroring_LeavesAloneWhatIsNotMeantForIt(string why, bool wanted)
    {
        var endpoints = why switch
        {
            "skip" => Manual with { Metadata = Manual.Metadata with { Labels = new Dictionary<string, string> { ["endpointslice.kubernetes.io/skip-mirror"] = "true" } } },
            "leader" => Manual with { Metadata = Manual.Metadata with { Annotations = new Dictionary<string, string> { ["control-plane.alpha.kubernetes.io/leader"] = "x" } } },
            _ => Manual,
        };
        var service = new Service { Spec = new() { Selector = why == "selector" ? new Dictionary<string, string> { ["a"] = "b" } : [] } };
        Assert.Equal(wanted, EndpointSliceMirroringController.ShouldMirror(endpoints, service));
    }
}
