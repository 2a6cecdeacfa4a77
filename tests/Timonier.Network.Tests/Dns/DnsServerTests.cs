using System.Net;
using System.Net.Sockets;
using Timonier.Network.Dns;

namespace Timonier.Network.Tests.Dns;

public class DnsServerTests
{
    private static readonly IPEndPoint AnyPort = new(IPAddress.Loopback, 0);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Plays the host's resolver: a zone of its own, in which example.com has one address.</summary>
    private sealed class ExampleDirectory : IServiceDirectory
    {
        public bool IsSynced => true;
        public DnsService? Find(string namespaceName, string name) =>
            new(namespaceName, name, null, [IPAddress.Parse("192.0.2.1")], [], []);
        public bool HasNamespace(string namespaceName) => true;
        public IReadOnlyList<string> NamesOf(IPAddress address) => [];
    }

    private static DnsServer Server(Func<IReadOnlyList<IPEndPoint>> upstream, IServiceDirectory? directory = null, string domain = "cluster.local")
    {
        var server = new DnsServer(new ClusterZone(domain, directory ?? new FakeDirectory()),
            new DnsForwarder(upstream, TimeProvider.System), TimeProvider.System);
        server.Start([AnyPort]);
        return server;
    }

    [Fact]
    public async Task ClusterName_AnsweredOverUdpAndTcp()
    {
        await using var server = Server(() => []);
        var question = DnsMessageTests.Query();
        var overUdp = await AskUdpAsync(server, question);
        Assert.Equal(["10.96.0.7"], Addresses(overUdp));
        Assert.Equal(overUdp, await AskTcpAsync(server, question));
    }

    [Fact]
    public async Task OtherName_IsForwardedAndThenCached()
    {
        var upstream = Server(() => [], new ExampleDirectory(), "example.com");
        await using var server = Server(() => upstream.EndPoints);
        var question = DnsMessageTests.Query("a.b.svc.example.com");
        Assert.Equal(["192.0.2.1"], Addresses(await AskUdpAsync(server, question)));
        await upstream.DisposeAsync();
        Assert.Equal(["192.0.2.1"], Addresses(await AskUdpAsync(server, question)));
        Assert.Equal(["192.0.2.1"], Addresses(await AskTcpAsync(server, question)));
    }

    [Fact]
    public async Task ExternalName_AnsweredWithItsAliasAndTheAliasesAddress()
    {
        var directory = new FakeDirectory();
        directory.Services.Add(new DnsService("ns3", "ext", "a.b.svc.example.com", [], [], []));
        await using var upstream = Server(() => [], new ExampleDirectory(), "example.com");
        await using var server = Server(() => upstream.EndPoints, directory);
        var external = await AskUdpAsync(server, DnsMessageTests.Query("ext.ns3.svc.cluster.local"));
        Assert.Equal(["", "192.0.2.1"], Addresses(external));
        var near = await AskUdpAsync(server, DnsMessageTests.Query("near.ns2.svc.cluster.local"));
        Assert.Equal(["", "10.96.0.7"], Addresses(near));
    }

    [Fact]
    public async Task NoUpstreamReachable_ServerFailure()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(AnyPort); // Bound, not listening, and nobody on its UDP twin: both refuse.
        await using var server = Server(() => [(IPEndPoint)taken.LocalEndPoint!]);
        Assert.Equal(DnsCode.ServerFailure, Code(await AskUdpAsync(server, DnsMessageTests.Query("example.com"))));
        Assert.Equal(DnsCode.ServerFailure, Code(await AskTcpAsync(server, DnsMessageTests.Query("example.com"))));
    }

    [Theory]
    [InlineData("000110000001000000000000", DnsCode.NotImplemented)]
    [InlineData("000101000001000000000000", DnsCode.FormatError)]
    [InlineData("000101000001000000000000036162630000010003", DnsCode.Refused)]
    public async Task BadQuery_AnsweredByItsCode(string hex, object code)
    {
        await using var server = Server(() => []);
        Assert.Equal(code, Code(await AskUdpAsync(server, Convert.FromHexString(hex))));
    }

    [Fact]
    public void ResolvConf_LeavesOutOurselves() =>
        Assert.Equal(["192.0.2.53:53", "[2001:db8::53]:53"], ResolvConf.Parse(
            "# x\nsearch a b\nnameserver 10.96.0.10\nnameserver\t192.0.2.53 \r\nnameserver bad\nnameserver 2001:db8::53\n",
            [IPAddress.Parse("10.96.0.10")]).Select(server => server.ToString()));

    private static DnsCode Code(byte[] response) => (DnsCode)(response[3] & 0xF);

    private static IEnumerable<string> Addresses(byte[] response) =>
        DnsRecordReader.Addresses(response).Select(record => record.Type == DnsType.A ? new IPAddress(record.Data).ToString() : "");

    private static async Task<byte[]> AskUdpAsync(DnsServer server, byte[] question)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var client = new UdpClient();
        client.Connect(server.EndPoints[0]);
        await client.SendAsync(question, limit.Token);
        return (await client.ReceiveAsync(limit.Token)).Buffer;
    }

    private static async Task<byte[]> AskTcpAsync(DnsServer server, byte[] question)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(server.EndPoints[0], limit.Token);
        await DnsTcp.WriteAsync(client.GetStream(), question, limit.Token);
        return (await DnsTcp.ReadAsync(client.GetStream(), limit.Token))!;
    }
}
