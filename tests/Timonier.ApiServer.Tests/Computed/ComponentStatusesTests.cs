using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Computed;

public class ComponentStatusesTests
{
    /// <summary>Upstream: "Kubectl get componentstatuses should get componentstatuses".</summary>
    [Fact]
    public async Task Parts_SayWhetherTheyAreWell()
    {
        var runs = true;
        await using var server = await TestServer.StartAsync(o => o with { Components = new Dictionary<string, Func<bool>> { ["scheduler"] = () => runs } });
        await server.OkAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"any"}}""");
        Assert.Equal(["etcd-0 True", "scheduler True"], await StatesAsync(server));
        runs = false;
        Assert.Equal(["etcd-0 True", "scheduler False"], await StatesAsync(server));
        Assert.Equal("it does not run", ((JsonMap)(await server.OkAsync("GET", "/api/v1/componentstatuses/scheduler")).GetList("conditions")![0]!).GetString("error"));
        Assert.Equal(404, (await server.SendAsync("GET", "/api/v1/componentstatuses/none")).Code);
        var table = await server.ReadAsync("/api/v1/componentstatuses", "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(["scheduler", "Unhealthy", "", "it does not run"], ((JsonMap)table.GetList("rows")![1]!).GetList("cells")!);
    }

    private static async Task<IEnumerable<string>> StatesAsync(TestServer server) =>
        (await server.OkAsync("GET", "/api/v1/componentstatuses")).GetList("items")!.OfType<JsonMap>().Select(c => $"{c.GetPath("metadata", "name")} {((JsonMap)c.GetList("conditions")![0]!).GetString("status")}");
}
