using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Timonier.Network.Dns;

/// <summary>
/// The cluster's zone by "Kubernetes DNS-Based Service Discovery" 1.1.0: a pure function of a question and the directory.
/// </summary>
/// <param name="domain">Without a trailing dot, for example "cluster.local".</param>
internal sealed class ClusterZone(string domain, IServiceDirectory directory)
{
    /// <summary>In seconds. Short, since clients must notice when a Service's endpoints change.</summary>
    public const uint Ttl = 5;

    private const string SpecificationVersion = "1.1.0";
    private static readonly DnsAnswer Unsynced = new() { Code = DnsCode.ServerFailure };

    private readonly string _suffix = "." + domain;
    private readonly DnsRecord _authority = new(domain, DnsType.Soa, Ttl, Soa(domain));

    /// <summary>The answer, or null when the question is not about this zone.</summary>
    public DnsAnswer? Resolve(string name, DnsType type)
    {
        if (ReverseAddress(name) is { } address)
            return ResolveReverse(name, type, address);
        if (name != domain && !name.EndsWith(_suffix, StringComparison.Ordinal))
            return null;
        if (!directory.IsSynced)
            return Unsynced;
        var labels = name == domain ? [] : DnsName.Labels(name[..^_suffix.Length]);
        return labels switch
        {
            [] when type == DnsType.Soa => Found([_authority]),
            [] or ["svc"] or ["pod"] => NoData(),
            ["dns-version"] => Records(name, type, [new DnsRecord(name, DnsType.Txt, Ttl, Text(SpecificationVersion))]),
            [.., var ns, "svc"] => ResolveService(name, type, ns, labels[..^2]),
            [var dashed, _, "pod"] when PodAddress(dashed) is { } pod => Records(name, type, [Address(name, pod)]),
            [var ns, "pod"] when directory.HasNamespace(ns) => NoData(),
            _ => NoName(),
        };
    }

    private DnsAnswer? ResolveReverse(string name, DnsType type, IPAddress address)
    {
        var names = directory.NamesOf(address);
        if (names.Count > 0)
            return Records(name, type, [.. names.Select(target => new DnsRecord(name, DnsType.Ptr, Ttl, DnsName.Encode(target + _suffix)))]);
        return directory.IsSynced ? null : Unsynced;
    }

    private DnsAnswer ResolveService(string name, DnsType type, string namespaceName, List<string> labels)
    {
        if (labels.Count == 0)
            return directory.HasNamespace(namespaceName) ? NoData() : NoName();
        if (directory.Find(namespaceName, labels[^1]) is not { } service)
            return NoName();
        if (service.ExternalName is { } external)
            return labels.Count == 1 ? ResolveExternal(name, type, external) : NoName();
        return labels switch
        {
        [_] => ResolveAddresses(name, type, service),
        [var port, var protocol, _] when port.StartsWith('_') && protocol is ['_', ..] =>
            ResolvePorts(name, type, service, known => known.Name == port[1..] && known.Protocol == protocol[1..]),
        [var protocol, _] when protocol.StartsWith('_') =>
            service.Ports.Any(port => port.Name != "" && port.Protocol == protocol[1..]) ? NoData() : NoName(),
        [var hostname, _] => Records(name, type,
                [.. service.Endpoints.Where(endpoint => endpoint.Hostname == hostname).Select(endpoint => Address(name, endpoint.Address)).Distinct()]),
            _ => NoName(),
        };
    }

    private DnsAnswer ResolveAddresses(string name, DnsType type, DnsService service)
    {
        if (type == DnsType.Srv)
            return ResolvePorts(name, type, service, known => known.Name != "");
        var addresses = service.ClusterIPs.Count > 0
            ? service.ClusterIPs
            : [.. service.Endpoints.Select(endpoint => endpoint.Address).Distinct()];
        return Records(name, type, [.. addresses.Select(address => Address(name, address))]);
    }

    /// <summary>SRV: one target for a Service with a cluster address, one per endpoint for a headless one; with their addresses.</summary>
    private DnsAnswer ResolvePorts(string name, DnsType type, DnsService service, Func<DnsPort, bool> asked)
    {
        var serviceName = $"{service.Name}.{service.Namespace}.svc{_suffix}";
        var targets = service.ClusterIPs.Count > 0
            ? service.Ports.Where(asked).SelectMany(port => service.ClusterIPs.Select(address => (Target: serviceName, Address: address, Port: port.Number)))
            : service.Endpoints.SelectMany(endpoint => endpoint.Ports.Where(asked)
                .Select(port => (Target: $"{endpoint.Hostname}.{serviceName}", endpoint.Address, Port: port.Number)));
        var found = targets.ToList();
        var services = found.Select(target => (target.Target, target.Port)).Distinct().ToList();
        // All share one priority; weights split 100 evenly, as the specification asks for equal chances.
        var weight = (ushort)Math.Max(1, 100 / Math.Max(1, services.Count));
        var answer = Records(name, type, [.. services.Select(target => new DnsRecord(name, DnsType.Srv, Ttl, Srv(weight, target.Port, target.Target)))]);
        return answer.Answers.Count == 0
            ? answer
            : answer with { Additional = [.. found.Select(target => Address(target.Target, target.Address)).DistinctBy(record => (record.Name, Convert.ToHexString(record.Data)))] };
    }

    private static DnsAnswer ResolveExternal(string name, DnsType type, string external)
    {
        var target = external.TrimEnd('.').ToLowerInvariant();
        if (!DnsName.TryEncode(target, out var data))
            return new DnsAnswer { Code = DnsCode.ServerFailure };
        var alias = Found([new DnsRecord(name, DnsType.Cname, Ttl, data)]);
        return type is DnsType.A or DnsType.Aaaa ? alias with { Alias = target } : alias;
    }

    /// <summary>No record at all: the name does not exist. Records of other types only: it exists, but has nothing of this type.</summary>
    private DnsAnswer Records(string name, DnsType type, IReadOnlyList<DnsRecord> records)
    {
        if (records.Count == 0)
            return NoName();
        var matching = type == DnsType.Any ? records : [.. records.Where(record => record.Type == type && record.Name == name)];
        return matching.Count == 0 ? NoData() : Found(matching);
    }

    private static DnsAnswer Found(IReadOnlyList<DnsRecord> records) => new() { Authoritative = true, Answers = records };

    private DnsAnswer NoData() => new() { Authoritative = true, Authority = [_authority] };

    private DnsAnswer NoName() => NoData() with { Code = DnsCode.NameError };

    private static DnsRecord Address(string name, IPAddress address) =>
        new(name, address.AddressFamily == AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, Ttl, address.GetAddressBytes());

    /// <summary>"10-244-0-7" or "fd00--7": the name of a pod below pod.{domain}, and of an endpoint without a hostname.</summary>
    public static string Dashed(IPAddress address) => address.ToString().Replace('.', '-').Replace(':', '-');

    private static IPAddress? PodAddress(string dashed) =>
        FourBytes(dashed.Split('-')) ?? (IPAddress.TryParse(dashed.Replace('-', ':'), out var six) ? six : null);

    /// <summary>Plain decimal numbers only: IPAddress.Parse would also take octal and hexadecimal ones.</summary>
    private static IPAddress? FourBytes(string[] parts)
    {
        var bytes = new byte[4];
        for (var i = 0; i < bytes.Length; i++)
            if (parts.Length != bytes.Length || !byte.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out bytes[i]))
                return null;
        return new IPAddress(bytes);
    }

    private static IPAddress? ReverseAddress(string name)
    {
        const string Four = ".in-addr.arpa", Six = ".ip6.arpa";
        if (name.EndsWith(Four, StringComparison.Ordinal))
            return FourBytes([.. name[..^Four.Length].Split('.').Reverse()]);
        if (!name.EndsWith(Six, StringComparison.Ordinal) || name.Length != Six.Length + 63)
            return null;
        var digits = name[..^Six.Length].Split('.');
        return digits.Length == 32 && digits.All(digit => digit.Length == 1 && char.IsAsciiHexDigit(digit[0]))
            ? new IPAddress(Convert.FromHexString(string.Concat(digits.Reverse()))) : null;
    }

    private static byte[] Srv(ushort weight, ushort port, string target)
    {
        var name = DnsName.Encode(target);
        var data = new byte[6 + name.Length];
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(2), weight);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(4), port);
        name.CopyTo(data, 6);
        return data;
    }

    private static byte[] Text(string value) => [(byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    /// <summary>Serial 1: nobody transfers this zone. The last number is how long (in seconds) "no such name" may be kept.</summary>
    private static byte[] Soa(string domain)
    {
        uint[] numbers = [1, 7200, 1800, 86400, Ttl];
        var tail = new byte[20];
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(tail.AsSpan(i * 4), numbers[i]);
        return [.. DnsName.Encode("ns.dns." + domain), .. DnsName.Encode("hostmaster." + domain), .. tail];
    }
}
