using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Meta.V1;
using Timonier.Client;
using Timonier.Network.Proxy;
using Timonier.Network.Tests.Proxy;

namespace Timonier.Network.Tests;

public sealed class ServiceFeedTests : IDisposable
{
    private static readonly NodeNetworkOptions Options = new() { NodeName = "n1", NodeAddress = IPAddress.Loopback, PodNetwork = IPNetwork.Parse("10.244.0.0/24") };
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly FakeApi _api = new();
    private readonly FakeCommand _command = new();

    public void Dispose() => _limit.Dispose();

    private static EndpointSlice Slice(string service, params string[] endpoints) => ServiceRulesTests.Slice(endpoints) with
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "slice", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = service } },
    };

    [Fact]
    public async Task Objects_ReachDnsAndProxy_AndSoDoTheirChanges()
    {
        _api.Has(ServiceRulesTests.Service());
        _api.Has(Slice("web", "10.244.1.5 n2 ready"));
        _api.Has(new Node { Metadata = new ObjectMeta { Name = "n1", Labels = new Dictionary<string, string> { ["topology.kubernetes.io/zone"] = "z1" } } });
        await using var informers = new InformerFactory(new ApiClient(_api), TimeProvider.System, new Random(1), NullLoggerFactory.Instance);
        var proxy = new ServiceProxy("t", "create\n", _command, NullLogger.Instance, TimeProvider.System);
        using var feed = new ServiceFeed(Options, informers, proxy, TimeProvider.System, NullLogger.Instance);
        Assert.False(feed.Directory.IsSynced);
        var synced = new TaskCompletionSource();
        informers.Start();
        var running = feed.RunAsync(synced.SetResult, _limit.Token);
        await synced.Task.WaitAsync(_limit.Token);
        Assert.True(feed.Directory.IsSynced);
        Assert.Equal("10.244.1.5", feed.Directory.Find("ns", "web")!.Endpoints.Single().Address.ToString());
        var proxying = proxy.RunAsync(_limit.Token);
        Assert.Contains("dnat to 10.244.1.5:8080", await NextScriptAsync(), StringComparison.Ordinal);

        _api.Send(WatchEventType.Modified, Slice("web", "10.244.1.5 n2 ready z2", "10.244.1.6 n2 ready z1"));
        Assert.Contains("dnat to 10.244.1.6:8080", await NextScriptAsync(), StringComparison.Ordinal);

        _api.Send(WatchEventType.Added, new Pod
        {
            Metadata = new ObjectMeta { Namespace = "ns", Name = "p" },
            Spec = new PodSpec { NodeName = "n1", Containers = [new Container { Ports = [new() { HostPort = 8000, ContainerPortValue = 80 }] }] },
            Status = new PodStatus { PodIP = "10.244.0.9" },
        });
        Assert.Contains("nodeports { tcp . 8000 : goto hostport/ns/p/tcp//8000 }", await NextScriptAsync(), StringComparison.Ordinal);

        _api.Send(WatchEventType.Modified, Slice("other", "10.244.1.5 n2 ready"));
        Assert.Contains("goto refuse", await NextScriptAsync(), StringComparison.Ordinal);
        Assert.Empty(feed.Directory.Find("ns", "web")!.Endpoints);

        _api.Send(WatchEventType.Deleted, ServiceRulesTests.Service());
        Assert.Contains("delete element ip t services { 10.96.0.7 . tcp . 80 }", await NextScriptAsync(), StringComparison.Ordinal);
        Assert.Null(feed.Directory.Find("ns", "web"));

        await _limit.CancelAsync();
        await running;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => proxying);
    }

    private async Task<string> NextScriptAsync()
    {
        var call = await _command.Calls.Reader.ReadAsync(_limit.Token);
        call.End.SetResult("");
        return call.Input;
    }
}
