using System.Net;
using Timonier.Api.Json;
using Timonier.ApiServer.Bootstrap;
using Timonier.ApiServer.Strategies;
using Timonier.Client;

namespace Timonier.ApiServer.Tests.Bootstrap;

public sealed class ClusterBootstrapTests
{
    /// <summary>Stands for "API Server should have Endpoints and EndpointSlices pointing to API Server": they follow its address.</summary>
    [Theory]
    [InlineData("192.0.2.1:6443")]
    [InlineData("192.0.2.9:8443")]
    public async Task ServiceKubernetes_LeadsToTheServer(string address)
    {
        await using var server = await TestServer.StartAsync();
        foreach (var at in (string[])["192.0.2.1:6443", address])
        {
            var options = new BootstrapOptions { Network = new ServiceNetwork(IPNetwork.Parse("10.96.0.0/16"), new Random(1)), Server = IPEndPoint.Parse(at) };
            await new ClusterBootstrap(new ApiClient(server.Server.InProcess()), options, TimeProvider.System).ApplyAsync(default);
        }
        var wanted = address.Split(':');
        var subset = (JsonMap)(await server.OkAsync("GET", "/api/v1/namespaces/default/endpoints/kubernetes")).GetList("subsets")!.Single()!;
        Assert.Equal((wanted[0], wanted[1]), (((JsonMap)subset.GetList("addresses")!.Single()!).GetString("ip"), $"{((JsonMap)subset.GetList("ports")!.Single()!)["port"]}"));
        var slice = await server.OkAsync("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
        Assert.Equal((wanted[0], wanted[1], "kubernetes"),
            (((JsonMap)slice.GetList("endpoints")!.Single()!).GetList("addresses")!.Single(), $"{((JsonMap)slice.GetList("ports")!.Single()!)["port"]}", slice.GetPath("metadata", "labels", "kubernetes.io/service-name")));
        Assert.Equal("10.96.0.1", (await server.OkAsync("GET", "/api/v1/namespaces/default/services/kubernetes")).GetPath("spec", "clusterIP"));
    }
}
