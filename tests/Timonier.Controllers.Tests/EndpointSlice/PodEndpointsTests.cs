using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Controllers.EndpointSlice;

namespace Timonier.Controllers.Tests.EndpointSlices;

public class PodEndpointsTests
{
    private static readonly Node Node = new() { Metadata = new() { Name = "n1", Labels = new Dictionary<string, string> { ["topology.kubernetes.io/zone"] = "z1" } } };

    internal static Pod Pod(string name = "p", string ip = "10.0.0.1", bool ready = true, bool terminating = false, string phase = "Running") => new()
    {
        Metadata = new() { Namespace = "ns", Name = name, Uid = "uid-" + name, Labels = new Dictionary<string, string> { ["app"] = "web" }, DeletionTimestamp = terminating ? DateTimeOffset.UnixEpoch : null },
        Spec = new() { NodeName = "n1", Hostname = "h", Subdomain = "svc", Containers = [new() { Ports = [new() { Name = "http", ContainerPortValue = 8080, Protocol = "TCP" }, new() { Name = "dns", ContainerPortValue = 53, Protocol = "TCP" }, new() { Name = "dns", ContainerPortValue = 54, Protocol = "UDP" }] }] },
        Status = new() { Phase = phase, PodIP = ip, PodIPs = ip.Length == 0 ? [] : [new() { Ip = ip }], Conditions = [new() { Type = "Ready", Status = ready ? "True" : "False" }] },
    };

    internal static Service Service(params ServicePort[] ports) => new()
    {
        Metadata = new() { Namespace = "ns", Name = "svc", Uid = "svc-uid", Labels = new Dictionary<string, string> { ["l"] = "v" } },
        Spec = new() { ClusterIP = "10.96.0.1", IpFamilies = ["IPv4"], Selector = new Dictionary<string, string> { ["app"] = "web" }, Ports = ports.Length > 0 ? ports : [new() { Name = "http", Port = 80, TargetPort = new IntOrString("http"), Protocol = "TCP" }] },
    };

    // ready, terminating, publishNotReady -> conditions
    [Theory]
    [InlineData(true, false, false, true, true, false)]
    [InlineData(false, false, false, false, false, false)]
    [InlineData(true, true, false, false, true, true)]
    [InlineData(false, true, false, false, false, true)]
    [InlineData(false, false, true, true, false, false)]
    [InlineData(true, true, true, true, true, true)]
    public void Conditions_FollowReadinessAndTermination(bool podReady, bool podTerminating, bool publish, bool ready, bool serving, bool terminating)
    {
        var service = Service();
        service = service with { Spec = service.Spec with { PublishNotReadyAddresses = publish } };
        var endpoint = Assert.Single(Assert.Single(PodEndpoints.Groups(service, [Pod(ready: podReady, terminating: podTerminating)], _ => Node)).Endpoints);
        Assert.Equal((ready, serving, terminating), (endpoint.Conditions.Ready, endpoint.Conditions.Serving, endpoint.Conditions.Terminating));
        Assert.Equal(("h", "n1", "z1", "uid-p"), (endpoint.Hostname, endpoint.NodeName, endpoint.Zone, endpoint.TargetRef!.Uid));
    }

    [Theory]
    [InlineData("Succeeded", "10.0.0.1")]
    [InlineData("Failed", "10.0.0.1")]
    [InlineData("Pending", "")]
    public void EndedOrAddresslessPod_IsNoEndpoint_AndAnEmptySliceIsKept(string phase, string ip)
    {
        var group = Assert.Single(PodEndpoints.Groups(Service(), [Pod(phase: phase, ip: ip)], _ => Node));
        Assert.Empty(group.Endpoints);
        Assert.True(group.KeepEmpty);
    }

    [Fact]
    public void PodOfUnknownNode_IsLeftOutUnlessPublishedAnyway()
    {
        var service = Service();
        Assert.Empty(Assert.Single(PodEndpoints.Groups(service, [Pod()], _ => null)).Endpoints);
        service = service with { Spec = service.Spec with { PublishNotReadyAddresses = true } };
        Assert.Single(Assert.Single(PodEndpoints.Groups(service, [Pod()], _ => null)).Endpoints);
    }

    [Theory]
    [InlineData("http", "TCP", 8080)]
    [InlineData("dns", "TCP", 53)]
    [InlineData("dns", "UDP", 54)]
    [InlineData("none", "TCP", null)]
    public void NamedTargetPort_IsFoundByNameAndProtocol(string name, string protocol, int? wanted) =>
        Assert.Equal(wanted, PodEndpoints.FindPort(Pod(), new() { Port = 80, TargetPort = new IntOrString(name), Protocol = protocol }));

    [Fact]
    public void PodsWithDifferentPorts_GetSlicesOfTheirOwn()
    {
        var other = Pod("q", "10.0.0.2") with { Spec = new() { NodeName = "n1", Containers = [new() { Ports = [new() { Name = "http", ContainerPortValue = 9090 }] }] } };
        var groups = PodEndpoints.Groups(Service(), [Pod(), other], _ => Node);
        Assert.Equal([8080, 9090], groups.Select(g => g.Ports[0].Port));
    }

    [Theory]
    [InlineData("PreferClose", "z1", "")]
    [InlineData("PreferSameZone", "z1", "")]
    [InlineData("PreferSameNode", "z1", "n1")]
    [InlineData(null, "", "")]
    public void TrafficDistribution_BecomesHints(string? distribution, string zone, string node)
    {
        var service = Service();
        service = service with { Spec = service.Spec with { TrafficDistribution = distribution } };
        var hints = PodEndpoints.Groups(service, [Pod()], _ => Node)[0].Endpoints[0].Hints;
        Assert.Equal((zone, node), (string.Concat(hints?.ForZones.Select(z => z.Name) ?? []), string.Concat(hints?.ForNodes.Select(n => n.Name) ?? [])));
    }
}
