using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;

namespace Timonier.Network.Dns;

/// <summary>
/// Services and endpoints arranged for lookups by name and by address. One writer (<see cref="Set"/>, the feed of the
/// informers); readers take no lock.
/// </summary>
internal sealed class ServiceDirectory(Func<bool> isSynced) : IServiceDirectory
{
    private readonly ConcurrentDictionary<(string Namespace, string Name), DnsService> _services = new();
    private readonly ConcurrentDictionary<string, int> _namespaces = new();
    private readonly ConcurrentDictionary<IPAddress, ImmutableSortedSet<string>> _names = new();

    public bool IsSynced => isSynced();

    public DnsService? Find(string namespaceName, string name) => _services.GetValueOrDefault((namespaceName, name));

    public bool HasNamespace(string namespaceName) => _namespaces.ContainsKey(namespaceName);

    public IReadOnlyList<string> NamesOf(IPAddress address) => _names.TryGetValue(address, out var names) ? names : [];

    /// <summary>Replaces what is known of one Service; null when it is gone.</summary>
    public void Set(string namespaceName, string name, Service? service, IReadOnlyList<EndpointSlice> slices)
    {
        var before = Find(namespaceName, name);
        var after = service is null ? null : Read(service, slices);
        if (after is null)
            _services.TryRemove((namespaceName, name), out _);
        else
            _services[(namespaceName, name)] = after;
        SetNames(before, after);
        if ((before is null) != (after is null))
            CountNamespace(namespaceName, before is null ? 1 : -1);
    }

    public static DnsService Read(Service service, IReadOnlyList<EndpointSlice> slices)
    {
        var spec = service.Spec;
        return new DnsService(service.Metadata.Namespace, service.Metadata.Name,
            spec.Type == "ExternalName" ? spec.ExternalName : null,
            [.. spec.ClusterIPs.Append(spec.ClusterIP).Distinct().Select(Parse).OfType<IPAddress>()],
            [.. spec.Ports.Select(port => new DnsPort(port.Name, Protocol(port.Protocol), (ushort)port.Port))],
            [.. slices.Where(slice => slice.AddressType is "IPv4" or "IPv6").SelectMany(Endpoints)]);
    }

    private static IEnumerable<DnsEndpoint> Endpoints(EndpointSlice slice)
    {
        var ports = slice.Ports.Where(port => port.Port is > 0)
            .Select(port => new DnsPort(port.Name ?? "", Protocol(port.Protocol), (ushort)port.Port!.Value)).ToArray();
        foreach (var endpoint in slice.Endpoints.Where(endpoint => endpoint.Conditions.Ready != false))
            foreach (var address in endpoint.Addresses.Select(Parse).OfType<IPAddress>())
                yield return new DnsEndpoint(address, string.IsNullOrEmpty(endpoint.Hostname) ? ClusterZone.Dashed(address) : endpoint.Hostname, ports);
    }

    private void SetNames(DnsService? before, DnsService? after)
    {
        var (old, current) = (Names(before), Names(after));
        foreach (var (address, name) in old.Except(current))
        {
            var rest = _names.GetValueOrDefault(address, []).Remove(name);
            if (rest.IsEmpty)
                _names.TryRemove(address, out _);
            else
                _names[address] = rest;
        }
        foreach (var (address, name) in current.Except(old))
            _names[address] = _names.GetValueOrDefault(address, []).Add(name);
    }

    private static HashSet<(IPAddress Address, string Name)> Names(DnsService? service)
    {
        if (service is null or { ExternalName: not null })
            return [];
        var name = $"{service.Name}.{service.Namespace}.svc";
        return service.ClusterIPs.Count > 0
            ? [.. service.ClusterIPs.Select(address => (address, name))]
            : [.. service.Endpoints.Select(endpoint => (endpoint.Address, $"{endpoint.Hostname}.{name}"))];
    }

    private void CountNamespace(string namespaceName, int change)
    {
        if (_namespaces.AddOrUpdate(namespaceName, change, (_, count) => count + change) == 0)
            _namespaces.TryRemove(namespaceName, out _);
    }

    private static IPAddress? Parse(string text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static string Protocol(string? protocol) => string.IsNullOrEmpty(protocol) ? "tcp" : protocol.ToLowerInvariant();
}
