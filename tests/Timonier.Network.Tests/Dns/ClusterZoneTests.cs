using System.Buffers.Binary;
using System.Net;
using System.Text;
using Timonier.Network.Dns;

namespace Timonier.Network.Tests.Dns;

public class ClusterZoneTests
{
    private readonly FakeDirectory _directory = new();

    [Theory]
    [InlineData("cluster.local", "Soa", "NoError SOA")]
    [InlineData("cluster.local", "A", "NoError")]
    [InlineData("svc.cluster.local", "A", "NoError")]
    [InlineData("dns-version.cluster.local", "Txt", "NoError 1.1.0")]
    [InlineData("web.ns1.svc.cluster.local", "A", "NoError 10.96.0.7")]
    [InlineData("web.ns1.svc.cluster.local", "Aaaa", "NoError fd00::7")]
    [InlineData("web.ns1.svc.cluster.local", "Txt", "NoError")]
    [InlineData("web.ns2.svc.cluster.local", "A", "NameError")]
    [InlineData("web.cluster.local", "A", "NameError")]
    [InlineData("ns1.svc.cluster.local", "A", "NoError")]
    [InlineData("ns9.svc.cluster.local", "A", "NameError")]
    [InlineData("_http._tcp.web.ns1.svc.cluster.local", "Srv", "NoError 100:80:web.ns1.svc.cluster.local + web.ns1.svc.cluster.local=10.96.0.7 web.ns1.svc.cluster.local=fd00::7")]
    [InlineData("_http._udp.web.ns1.svc.cluster.local", "Srv", "NameError")]
    [InlineData("_http._tcp.web.ns1.svc.cluster.local", "A", "NoError")]
    [InlineData("_tcp.web.ns1.svc.cluster.local", "A", "NoError")]
    [InlineData("_sctp.web.ns1.svc.cluster.local", "A", "NameError")]
    [InlineData("db.ns1.svc.cluster.local", "A", "NoError 10.244.0.5 10.244.0.6")]
    [InlineData("db.ns1.svc.cluster.local", "Aaaa", "NoError")]
    [InlineData("db-0.db.ns1.svc.cluster.local", "A", "NoError 10.244.0.5")]
    [InlineData("10-244-0-6.db.ns1.svc.cluster.local", "A", "NoError 10.244.0.6")]
    [InlineData("db-7.db.ns1.svc.cluster.local", "A", "NameError")]
    [InlineData("a.db-0.db.ns1.svc.cluster.local", "A", "NameError")]
    [InlineData("_sql._tcp.db.ns1.svc.cluster.local", "Srv", "NoError 50:5432:db-0.db.ns1.svc.cluster.local 50:5432:10-244-0-6.db.ns1.svc.cluster.local + db-0.db.ns1.svc.cluster.local=10.244.0.5 10-244-0-6.db.ns1.svc.cluster.local=10.244.0.6")]
    [InlineData("none.ns1.svc.cluster.local", "A", "NameError")]
    [InlineData("away.ns2.svc.cluster.local", "Cname", "NoError foo.example.com")]
    [InlineData("away.ns2.svc.cluster.local", "A", "NoError foo.example.com > foo.example.com")]
    [InlineData("10-244-0-9.ns1.pod.cluster.local", "A", "NoError 10.244.0.9")]
    [InlineData("fd00--7.ns1.pod.cluster.local", "Aaaa", "NoError fd00::7")]
    [InlineData("10-244-0-999.ns1.pod.cluster.local", "A", "NameError")]
    [InlineData("7.0.96.10.in-addr.arpa", "Ptr", "NoError web.ns1.svc.cluster.local")]
    [InlineData("5.0.244.10.in-addr.arpa", "Ptr", "NoError db-0.db.ns1.svc.cluster.local")]
    [InlineData("7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "Ptr", "NoError web.ns1.svc.cluster.local")]
    [InlineData("8.8.8.8.in-addr.arpa", "Ptr", "forward")]
    [InlineData("example.com", "A", "forward")]
    [InlineData("notcluster.local", "A", "forward")]
    [InlineData("", "A", "forward")]
    public void Question_HasTheAnswerOfTheSpecification(string name, string type, string expected) =>
        Assert.Equal(expected, Show(new ClusterZone("cluster.local", _directory).Resolve(name, Enum.Parse<DnsType>(type))));

    [Theory]
    [InlineData("web.ns1.svc.cluster.local")]
    [InlineData("nothing.ns1.svc.cluster.local")]
    [InlineData("8.8.8.8.in-addr.arpa")]
    public void BeforeTheFirstSync_EveryQuestionOfOursFails(string name)
    {
        _directory.IsSynced = false;
        _directory.Services.Clear();
        var answer = new ClusterZone("cluster.local", _directory).Resolve(name, DnsType.A);
        Assert.Equal(DnsCode.ServerFailure, answer!.Code);
    }

    private static string Show(DnsAnswer? answer)
    {
        if (answer is null)
            return "forward";
        var text = new StringBuilder(answer.Code.ToString());
        foreach (var record in answer.Answers)
            text.Append(' ').Append(Data(record));
        if (answer.Additional.Count > 0)
            text.Append(" + ").AppendJoin(' ', answer.Additional.Select(record => $"{record.Name}={Data(record)}"));
        if (answer.Alias is not null)
            text.Append(" > ").Append(answer.Alias);
        return text.ToString();
    }

    private static string Data(DnsRecord record) => record.Type switch
    {
        DnsType.A or DnsType.Aaaa => new IPAddress(record.Data).ToString(),
        DnsType.Txt => Encoding.ASCII.GetString(record.Data, 1, record.Data[0]),
        DnsType.Srv => $"{BinaryPrimitives.ReadUInt16BigEndian(record.Data.AsSpan(2))}:{BinaryPrimitives.ReadUInt16BigEndian(record.Data.AsSpan(4))}:{Name(record.Data[6..])}",
        DnsType.Soa => "SOA",
        _ => Name(record.Data),
    };

    private static string Name(byte[] data)
    {
        var offset = 0;
        Assert.True(DnsName.TryRead(data, ref offset, out var name));
        return name;
    }
}
