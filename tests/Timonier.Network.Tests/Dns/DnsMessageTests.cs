using System.Net;
using System.Text;
using Timonier.Network.Dns;

namespace Timonier.Network.Tests.Dns;

public class DnsMessageTests
{
    /// <summary>A query for A of WEB.ns1.svc.cluster.local, id 0x1234, RD set; optionally with an OPT record of 4096 bytes.</summary>
    internal static byte[] Query(string name = "WEB.ns1.svc.cluster.local", DnsType type = DnsType.A, bool edns = false)
    {
        var encoded = DnsName.Encode(name);
        byte[] head = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(edns ? 1 : 0)];
        byte[] opt = edns ? [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0] : [];
        return [.. head, .. encoded, 0, (byte)type, 0, 1, .. opt];
    }

    [Theory]
    [InlineData("000100000100000000000000", DnsParse.FormatError)] // counts shifted: one record where none may be
    [InlineData("0001", DnsParse.Silence)]
    [InlineData("000180000001000000000000", DnsParse.Silence)] // a response
    [InlineData("000110000001000000000000", DnsParse.NotImplemented)] // opcode status
    [InlineData("000101000001000000000000", DnsParse.FormatError)] // no question
    [InlineData("000101000001000000000000c00c00010001", DnsParse.FormatError)] // a pointer to itself
    [InlineData("0001010000010000000000000361626300000100", DnsParse.FormatError)] // cut within the class
    [InlineData("000101000001000000000000406162630000010001", DnsParse.FormatError)] // reserved label type
    [InlineData("000101000002000000000000036162630000010001036162630000010001", DnsParse.FormatError)] // two questions
    [InlineData("000101000001000000000000036162630000010001", DnsParse.Query)]
    public void Bytes_ParseAs(string hex, object expected) =>
        Assert.Equal(expected, DnsQuery.TryParse(Convert.FromHexString(hex), out _));

    [Fact]
    public void QueryWithEdns_NameIsLowerCaseAndSizeIsBounded()
    {
        Assert.Equal(DnsParse.Query, DnsQuery.TryParse(Query(edns: true), out var query));
        Assert.Equal(("web.ns1.svc.cluster.local", DnsType.A, DnsFormat.UdpBytesMax, true), (query.Name, query.Type, query.UdpBytes, query.HasEdns));
    }

    [Fact]
    public void Answer_KeepsTheQuestionsLettersAndReadsBack()
    {
        var message = Query(edns: true);
        DnsQuery.TryParse(message, out var query);
        var answer = new DnsAnswer
        {
            Authoritative = true,
            Answers = [new("web.ns1.svc.cluster.local", DnsType.A, 5, [10, 0, 0, 1]), new("other.name", DnsType.A, 6, [10, 0, 0, 2])],
            Additional = [new("other.name", DnsType.A, 7, [10, 0, 0, 3])],
        };
        var response = DnsResponse.Write(message, query, answer, query.UdpBytes);
        Assert.Equal("WEB", Encoding.ASCII.GetString(response, 13, 3));
        Assert.Equal([0x12, 0x34, 0x85, 0x80, 0, 1, 0, 2, 0, 0, 0, 2], response[..12]);
        var records = DnsRecordReader.ReadAll(response)!;
        Assert.Equal(["web.ns1.svc.cluster.local 5", "other.name 6", "other.name 7", " 0"], records.Select(record => $"{record.Name} {record.Ttl}"));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], DnsRecordReader.Addresses(response).Select(record => new IPAddress(record.Data).ToString()));
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(65535, false)]
    public void AnswerLargerThanTheClientTakes_IsTruncated(int bytesMax, bool truncated)
    {
        var message = Query();
        DnsQuery.TryParse(message, out var query);
        var answers = Enumerable.Range(0, 100).Select(i => new DnsRecord(query.Name, DnsType.A, 5, [10, 0, 0, (byte)i])).ToList();
        var response = DnsResponse.Write(message, query, new DnsAnswer { Answers = answers }, bytesMax);
        Assert.Equal(truncated, (response[2] & 2) != 0);
        Assert.True(response.Length <= bytesMax);
        Assert.Equal(truncated ? 29 : 100, DnsRecordReader.ReadAll(response)!.Count);
    }

    [Theory]
    [InlineData("a.b", "016101620000", "a.b")]
    [InlineData("x\\.y.z", "03782e79017a00", "x\\.y.z")]
    public void Name_RoundTrips(string name, string hex, string back)
    {
        var encoded = DnsName.Encode(name);
        Assert.StartsWith(Convert.ToHexStringLower(encoded), hex, StringComparison.Ordinal);
        var offset = 0;
        Assert.True(DnsName.TryRead(encoded, ref offset, out var read));
        Assert.Equal((back, encoded.Length), (read, offset));
    }

    [Theory]
    [InlineData("a..b")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123.a")]
    public void NameThatIsNone_DoesNotEncode(string name) => Assert.False(DnsName.TryEncode(name, out _));

    /// <summary>Whatever comes from the wire: no exception, no endless loop, and every answer fits and reads back.</summary>
    [Fact]
    public void ForeignBytes_NeverThrow()
    {
        var random = new Random(20261121);
        var zone = new ClusterZone("cluster.local", new FakeDirectory());
        byte[][] seeds = [Query(), Query(edns: true), Query("_sql._tcp.db.ns1.svc.cluster.local", DnsType.Srv), Query("7.0.96.10.in-addr.arpa", DnsType.Ptr)];
        var answered = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var message = seeds[random.Next(seeds.Length)].ToArray();
            for (var flips = random.Next(6); flips > 0; flips--)
                message[random.Next(message.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                message = message[..random.Next(message.Length)];
            _ = DnsRecordReader.ReadAll(message);
            _ = DnsRecordReader.Addresses(message.Length < 12 ? seeds[0] : message);
            if (DnsQuery.TryParse(message, out var query) != DnsParse.Query || zone.Resolve(query.Name, query.Type) is not { } answer)
                continue;
            var response = DnsResponse.Write(message, query, answer, query.UdpBytes);
            Assert.True(response.Length <= query.UdpBytes);
            Assert.NotNull(DnsRecordReader.ReadAll(response));
            answered++;
        }
        Assert.True(answered > 1000);
    }
}
