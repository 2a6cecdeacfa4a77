using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Strategies;
using Timonier.Client;
using Timonier.Store;

namespace Timonier.ApiServer.Tests.Conformance;

/// <summary>A server with all strategies and all admission, as the program wires them, and a namespace to work in.</summary>
internal sealed class FullServer : IAsyncDisposable
{
    private static readonly ApiSchema Schema = new();

    private FullServer(TestServer server) => Server = server;

    public TestServer Server { get; }

    public static async Task<FullServer> StartAsync()
    {
        ApiServer? started = null;
        var server = await TestServer.StartAsync(
            o =>
            {
                var reader = new ObjectReader(Schema, o.Store);
                var random = new Random(1);
                return o with
                {
                    Reader = reader,
                    Strategies = StrategyTable.Create(Schema, new ServiceNetwork(System.Net.IPNetwork.Parse("10.96.0.0/16"), random), reader),
                    Admission = AdmissionChain.Create(new AdmissionOptions
                    {
                        Reader = reader, Random = random, Authorizer = new MastersAuthorizer(), Client = () => new ApiClient(started!.InProcess()), Resources = () => started!.Registry.Resources,
                    }),
                };
            }, s => started = s);
        await server.OkAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        return new FullServer(server);
    }

    /// <summary>Makes a definition and waits until its objects are served.</summary>
    public async Task DefineAsync(string definition, string served)
    {
        await Server.OkAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
        await UntilAsync(async () => (await Server.SendAsync("GET", served)).Code == 200);
    }

    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (await holds())
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
        Assert.Fail("it did not come to hold");
    }

    public static string Text(object? value) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value));

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
