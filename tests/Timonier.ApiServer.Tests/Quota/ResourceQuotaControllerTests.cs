using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Quota;
using Timonier.Client;
using Timonier.Store;

namespace Timonier.ApiServer.Tests.Quota;

public class ResourceQuotaControllerTests
{
    [Fact]
    public async Task QuotaIsCounted_AndGivenBackWhenObjectsGo()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var store = EmbeddedStore.InMemory(TimeProvider.System);
        await using var server = new ApiServer(new() { Schema = new ApiSchema(), Store = store }, NullLoggerFactory.Instance);
        await server.StartAsync(limit.Token);
        var client = new ApiClient(server.InProcess());
        await using var informers = new InformerFactory(client, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);
        using var controller = new ResourceQuotaController(client, informers, server.Registry, TimeProvider.System, NullLoggerFactory.Instance);
        var counted = System.Threading.Channels.Channel.CreateUnbounded<string>();
        informers.For<ResourceQuota>().OnChange(quota => counted.Writer.TryWrite(string.Join(' ', quota.Status.Used.OrderBy(u => u.Key).Select(u => $"{u.Key}={u.Value}"))));
        await client.CreateAsync(new ConfigMap { Metadata = new() { Namespace = "default", Name = "c" } }, limit.Token);
        await client.CreateAsync(new Service { Metadata = new() { Namespace = "default", Name = "s" } }, limit.Token);
        var hard = new Dictionary<string, Quantity> { ["count/configmaps"] = new(5), ["services"] = new(5), ["pods"] = new(5) };
        await client.CreateAsync(new ResourceQuota { Metadata = new() { Namespace = "default", Name = "q" }, Spec = new() { Hard = hard } }, limit.Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var running = controller.RunAsync(stop.Token);
        informers.Start();

        await UntilAsync("count/configmaps=1 pods=0 services=1");
        await client.DeleteAsync<Service>("default", "s", cancellationToken: limit.Token);
        await UntilAsync("count/configmaps=1 pods=0 services=0");
        await client.DeleteAsync<ConfigMap>("default", "c", cancellationToken: limit.Token);
        await UntilAsync("count/configmaps=0 pods=0 services=0");
        await stop.CancelAsync();
        await running;

        async Task UntilAsync(string wanted)
        {
            while (await counted.Reader.ReadAsync(limit.Token) != wanted)
            {
            }
        }
    }
}
