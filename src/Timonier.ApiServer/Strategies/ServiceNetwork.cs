using System.Buffers.Binary;
using System.Net;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>The addresses and ports that Services take: where they lie and which are taken.</summary>
/// <param name="cidr">The cluster IPs; IPv4.</param>
public sealed class ServiceNetwork(IPNetwork cidr, Random random, int nodePortFirst = 30000, int nodePortCount = 2768)
{
    // The network's own address and its broadcast address are nobody's.
    private readonly NumberAllocator _addresses = new(1, Size(cidr) - 2, Reserved(Size(cidr), 16, 16, 256), random);
    private readonly NumberAllocator _ports = new(nodePortFirst, nodePortCount, Reserved(nodePortCount, 32, 16, 128), random);

    public IPNetwork Cidr => cidr;

    /// <summary>The address of the service "kubernetes": the first of the network.</summary>
    public IPAddress ApiServerAddress => At(1);

    internal string PortRange => $"{nodePortFirst}-{nodePortFirst + nodePortCount - 1}";

    internal bool HasPort(int port) => _ports.Contains(port);

    internal bool TryTakePort(int port) => _ports.TryTake(port);

    internal int? TakeAnyPort() => _ports.TakeAny();

    internal void ReleasePort(int port) => _ports.Release(port);

    internal bool HasAddress(IPAddress address) => cidr.BaseAddress.AddressFamily == address.AddressFamily && _addresses.Contains(Offset(address));

    internal bool TryTakeAddress(IPAddress address) => _addresses.TryTake(Offset(address));

    internal IPAddress? TakeAnyAddress() => _addresses.TakeAny() is { } offset ? At(offset) : null;

    internal void ReleaseAddress(string address)
    {
        if (Names.TryIp(address, out var parsed) && HasAddress(parsed))
            _addresses.Release(Offset(parsed));
    }

    private int Offset(IPAddress address)
    {
        var offset = (long)Number(address) - Number(cidr.BaseAddress);
        return offset is > 0 and < int.MaxValue ? (int)offset : 0;
    }

    private IPAddress At(int offset)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Number(cidr.BaseAddress) + (uint)offset);
        return new IPAddress(bytes);
    }

    private static uint Number(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    // A /8 is as large as upstream allows for IPv4 too.
    private static int Size(IPNetwork cidr) => 1 << Math.Min(24, 32 - cidr.PrefixLength);

    // As upstream: a step of the size, at least this many, at most that many.
    private static int Reserved(int size, int step, int min, int max) => size <= min ? 0 : Math.Clamp(size / step, min, max);
}
