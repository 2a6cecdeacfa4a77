using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Meta.V1;
using Timonier.Network.Dns;

namespace Timonier.Network.Tests.Dns;

public class ServiceDirectoryTests
{
    private readonly ServiceDirectory _directory = new(() => true);

    private static Service Service(string name, string clusterIP) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = name },
        Spec = new ServiceSpec { ClusterIP = clusterIP, ClusterIPs = [clusterIP], Ports = [new ServicePort { Name = "http", Port = 80 }] },
    };

    private static EndpointSlice Slice(params Endpoint[] endpoints) =>
        new() { AddressType = "IPv4", Endpoints = endpoints, Ports = [new() { Name = "http", Port = 8080 }] };

    [Fact]
    public void HeadlessService_HasItsReadyEndpointsByHostname()
    {
        _directory.Set("ns", "db", Service("db", "None"),
        [
            Slice(new Endpoint { Addresses = ["10.244.0.5"], Hostname = "db-0" }, new Endpoint { Addresses = ["10.244.0.6"] },
                new Endpoint { Addresses = ["10.244.0.7"], Conditions = new() { Ready = false } }),
        ]);
        var service = _directory.Find("ns", "db")!;
        Assert.Empty(service.ClusterIPs);
        Assert.Equal(["db-0", "10-244-0-6"], service.Endpoints.Select(endpoint => endpoint.Hostname));
        Assert.Equal(["db-0.db.ns.svc"], _directory.NamesOf(IPAddress.Parse("10.244.0.5")));
        Assert.Equal(["10-244-0-6.db.ns.svc"], _directory.NamesOf(IPAddress.Parse("10.244.0.6")));
        Assert.Empty(_directory.NamesOf(IPAddress.Parse("10.244.0.7")));
    }

    [Fact]
    public void ServiceGone_NothingOfItIsLeft()
    {
        _directory.Set("ns", "a", Service("a", "10.96.0.7"), []);
        _directory.Set("ns", "b", Service("b", "10.96.0.8"), []);
        _directory.Set("ns", "a", Service("a", "10.96.0.9"), []);
        Assert.Empty(_directory.NamesOf(IPAddress.Parse("10.96.0.7")));
        Assert.Equal(["a.ns.svc"], _directory.NamesOf(IPAddress.Parse("10.96.0.9")));
        _directory.Set("ns", "a", null, []);
        Assert.Null(_directory.Find("ns", "a"));
        Assert.Empty(_directory.NamesOf(IPAddress.Parse("10.96.0.9")));
        Assert.True(_directory.HasNamespace("ns"));
        _directory.Set("ns", "b", null, []);
        _directory.Set("ns", "b", null, []);
        Assert.False(_directory.HasNamespace("ns"));
    }
}
