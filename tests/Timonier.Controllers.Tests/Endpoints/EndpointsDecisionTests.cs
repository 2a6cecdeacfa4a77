using Timonier.Api.Core.V1;
using Timonier.Controllers.Endpoints;
using Timonier.Controllers.Tests.EndpointSlices;

namespace Timonier.Controllers.Tests.Endpoints;

public class EndpointsDecisionTests
{
    [Fact]
    public void HeadlessService_SaysSo_AndListsAddressesInOrder()
    {
        var service = PodEndpointsTests.Service();
        service = service with { Spec = service.Spec with { ClusterIP = "None", Ports = [] } };
        var value = EndpointsDecision.Decide(service, [PodEndpointsTests.Pod("b", "10.0.0.2"), PodEndpointsTests.Pod("a", "10.0.0.1"), PodEndpointsTests.Pod("t", "10.0.0.3", terminating: true)], null)!;
        Assert.Equal("", value.Metadata.Labels["service.kubernetes.io/headless"]);
        var subset = Assert.Single(value.Subsets);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], subset.Addresses.Select(a => a.Ip));
        Assert.Equal(["h", "h"], subset.Addresses.Select(a => a.Hostname));
        Assert.Empty(subset.Ports);
    }

    [Fact]
    public void PublishNotReadyAddresses_TakesTerminatingAndUnreadyOnesAsReady()
    {
        var service = PodEndpointsTests.Service();
        service = service with { Spec = service.Spec with { PublishNotReadyAddresses = true } };
        var subset = Assert.Single(EndpointsDecision.Subsets(service, [PodEndpointsTests.Pod("a", "10.0.0.1", ready: false), PodEndpointsTests.Pod("b", "10.0.0.2", terminating: true)]));
        Assert.Equal((2, 0), (subset.Addresses.Count, subset.NotReadyAddresses.Count));
    }

    [Fact]
    public void TooManyAddresses_AreCutAndMarked()
    {
        var pods = Enumerable.Range(0, 1001).Select(i => PodEndpointsTests.Pod($"p{i}", $"10.0.{i / 250}.{i % 250}", ready: i != 0));
        var value = EndpointsDecision.Decide(PodEndpointsTests.Service(), pods, null)!;
        Assert.Equal("truncated", value.Metadata.Annotations["endpoints.kubernetes.io/over-capacity"]);
        Assert.Equal((1000, 0), (value.Subsets[0].Addresses.Count, value.Subsets[0].NotReadyAddresses.Count));
    }
}
