using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Network.LoadBalancer;

namespace Timonier.Network.Tests.LoadBalancer;

public class LoadBalancerControllerTests
{
    private static readonly Node[] Nodes =
    [
        Node("a", "True", new NodeAddress { Type = "InternalIP", Address = "192.0.2.2" }),
        Node("b", "True", new NodeAddress { Type = "InternalIP", Address = "10.0.0.3" }, new NodeAddress { Type = "ExternalIP", Address = "192.0.2.1" }),
        Node("c", "False", new NodeAddress { Type = "InternalIP", Address = "192.0.2.4" }),
    ];

    private static Node Node(string name, string ready, params NodeAddress[] addresses) => new()
    {
        Metadata = new ObjectMeta { Name = name },
        Status = new NodeStatus { Addresses = addresses, Conditions = [new NodeCondition { Type = "Ready", Status = ready }] },
    };

    [Theory]
    [InlineData("LoadBalancer", null, "", "192.0.2.1 192.0.2.2")]
    [InlineData("LoadBalancer", null, "192.0.2.1 192.0.2.2", null)]
    [InlineData("LoadBalancer", null, "192.0.2.9", "192.0.2.1 192.0.2.2")]
    [InlineData("LoadBalancer", "example.com/other", "", null)]
    [InlineData("ClusterIP", null, "", null)]
    [InlineData("ClusterIP", null, "192.0.2.1", "")]
    public void Service_GetsTheReadyNodesAddresses(string type, string? loadBalancerClass, string has, string? expected)
    {
        var service = new Service
        {
            Spec = new ServiceSpec { Type = type, LoadBalancerClass = loadBalancerClass },
            Status = new ServiceStatus { LoadBalancer = new() { Ingress = [.. has.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ip => new LoadBalancerIngress { Ip = ip })] } },
        };
        var status = LoadBalancerController.Decide(service, Nodes);
        Assert.Equal(expected, status is null ? null : string.Join(' ', status.LoadBalancer.Ingress.Select(ingress => ingress.Ip)));
    }
}
