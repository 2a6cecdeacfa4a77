using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Network.Proxy;

namespace Timonier.Network.Tests.Proxy;

public sealed class ServiceProxyTests : IDisposable
{
    private const string Create = "create\n";
    private readonly FakeCommand _command = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    public void Dispose() => _limit.Dispose();

    private static NftModel Model(string protocol, params string[] endpoints) => ServiceRules.Build(
        ServiceRulesTests.Service(new() { Ports = [new() { Name = "http", Port = 80, Protocol = protocol }] }),
        [ServiceRulesTests.Slice(endpoints) with { Ports = [new() { Name = "http", Port = 8080, Protocol = protocol }] }], ServiceRulesTests.Node);

    [Fact]
    public async Task Changes_AreAppliedAsDifferences_AndAFailureStartsFromNothing()
    {
        var proxy = new ServiceProxy("t", Create, _command, NullLogger.Instance, new HastyTime());
        proxy.Set("web", Model("TCP"));
        var run = proxy.RunAsync(_limit.Token);

        var first = await NextAsync();
        Assert.Equal(("nft", Create + "add element ip t services { 10.96.0.7 . tcp . 80 : goto refuse }\n"), (first.File, first.Input));
        first.End.SetResult("");

        proxy.Set("web", Model("TCP", "10.244.1.5 n2 ready"));
        var second = await NextAsync();
        Assert.StartsWith("add chain ip t service/ns/web/tcp/80\n", second.Input, StringComparison.Ordinal);
        second.End.SetException(new ExternalCommandException("nft -f -: exit code 1: No such file or directory"));

        var third = await NextAsync();
        Assert.StartsWith(Create + "add chain", third.Input, StringComparison.Ordinal);
        third.End.SetResult("");

        proxy.Set("web", NftModel.Empty);
        var fourth = await NextAsync();
        Assert.EndsWith("delete chain ip t service/ns/web/tcp/80\n", fourth.Input, StringComparison.Ordinal);
        await _limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task UdpEndpointGone_ItsFlowsAreForgotten()
    {
        var proxy = new ServiceProxy("t", Create, _command, NullLogger.Instance, new HastyTime());
        proxy.Set("web", Model("UDP", "10.244.1.5 n2 ready"));
        var run = proxy.RunAsync(_limit.Token);
        (await NextAsync()).End.SetResult("");
        proxy.Set("web", Model("UDP"));
        (await NextAsync()).End.SetResult("");
        var flows = await NextAsync();
        Assert.Equal("conntrack -D -p udp --reply-src 10.244.1.5 --reply-port-src 8080", $"{flows.File} {string.Join(' ', flows.Arguments)}");
        flows.End.SetException(new ExternalCommandException("0 flow entries have been deleted"));
        proxy.Set("web", Model("UDP", "10.244.1.6 n2 ready"));
        Assert.Contains("10.244.1.6", (await NextAsync()).Input, StringComparison.Ordinal);
        await _limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private async Task<FakeCommand.Call> NextAsync() => await _command.Calls.Reader.ReadAsync(_limit.Token);
}
