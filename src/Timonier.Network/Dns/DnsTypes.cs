namespace Timonier.Network.Dns;

/// <summary>Record types (RFC 1035 section 3.2.2, RFC 3596, RFC 2782, RFC 6891) that this server knows by name.</summary>
internal enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Soa = 6,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Opt = 41,
    Any = 255,
}

/// <summary>Response codes, RFC 1035 section 4.1.1.</summary>
internal enum DnsCode : byte
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// <summary>One resource record of class IN. <paramref name="Data"/> is the rdata with any name in it uncompressed.</summary>
/// <param name="Ttl">In seconds.</param>
internal readonly record struct DnsRecord(string Name, DnsType Type, uint Ttl, byte[] Data);

internal static class DnsFormat
{
    public const int HeaderBytes = 12;

    /// <summary>A UDP message without EDNS, RFC 1035 section 2.3.4.</summary>
    public const int PlainUdpBytesMax = 512;

    /// <summary>What we offer and send at most over UDP: fits every path's MTU unfragmented (DNS flag day 2020).</summary>
    public const int UdpBytesMax = 1232;

    public const int TcpBytesMax = ushort.MaxValue;
    public const ushort ClassInternet = 1;
}
