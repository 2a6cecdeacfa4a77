using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Pods;

public class PodAdmissionPortTests
{
    [Theory]
    [InlineData(80, "TCP", "", 80, "TCP", "", true)]
    [InlineData(80, "TCP", "", 80, "", "127.0.0.1", true)]
    [InlineData(80, "TCP", "127.0.0.1", 80, "TCP", "127.0.0.2", false)]
    [InlineData(80, "TCP", "", 80, "UDP", "", false)]
    [InlineData(80, "TCP", "", 81, "TCP", "", false)]
    [InlineData(0, "TCP", "", 0, "TCP", "", false)]
    public void HostPortTakenByAnotherPod_IsRefused(int port, string protocol, string ip, int otherPort, string otherProtocol, string otherIp, bool refused) =>
        Assert.Equal(refused ? "NodePorts" : null, PodAdmission.RefuseBeside(Make(port, protocol, ip), [Make(otherPort, otherProtocol, otherIp)])?.Reason);

    private static Pod Make(int port, string protocol, string ip) => new()
    {
        Spec = new() { Containers = [new() { Name = "c", Ports = [new() { ContainerPortValue = 80, HostPort = port, Protocol = protocol, HostIP = ip }] }] },
    };
}
