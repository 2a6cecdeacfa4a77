using System.Net.Sockets;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Endpoints and endpoint slices.</summary>
internal static class EndpointValidation
{
    private const int EndpointsMax = 1000;
    private const int AddressesMax = 100;
    private const int PortsMax = 20_000;

    public static void Endpoints(Endpoints endpoints, FieldErrors errors)
    {
        for (var i = 0; i < endpoints.Subsets.Count; i++)
        {
            var subset = endpoints.Subsets[i];
            if (subset.Addresses.Count == 0 && subset.NotReadyAddresses.Count == 0)
                errors.Required($"subsets[{i}]", "must specify `addresses` or `notReadyAddresses`");
            for (var a = 0; a < subset.Addresses.Count; a++)
                Address(subset.Addresses[a], $"subsets[{i}].addresses[{a}]", errors);
            for (var a = 0; a < subset.NotReadyAddresses.Count; a++)
                Address(subset.NotReadyAddresses[a], $"subsets[{i}].notReadyAddresses[{a}]", errors);
            for (var p = 0; p < subset.Ports.Count; p++)
                Port(subset.Ports[p], subset.Ports.Count > 1, $"subsets[{i}].ports[{p}]", errors);
        }
    }

    public static void Slice(EndpointSlice slice, FieldErrors errors)
    {
        errors.OneOf("addressType", slice.AddressType, "FQDN", "IPv4", "IPv6");
        if (slice.Endpoints.Count > EndpointsMax)
            errors.TooMany("endpoints", slice.Endpoints.Count, EndpointsMax);
        else
            for (var i = 0; i < slice.Endpoints.Count; i++)
                Endpoint(slice.Endpoints[i], slice.AddressType, $"endpoints[{i}]", errors);
        if (slice.Ports.Count > PortsMax)
            errors.TooMany("ports", slice.Ports.Count, PortsMax);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < slice.Ports.Count; i++)
        {
            var port = slice.Ports[i];
            var name = port.Name ?? "";
            if (name.Length > 0)
                errors.Each($"ports[{i}].name", name, Names.Label(name));
            if (!names.Add(name))
                errors.Duplicate($"ports[{i}].name", name);
            if (port.Port is { } number)
                errors.Each($"ports[{i}].port", number, Names.PortNumber(number));
            errors.OneOf($"ports[{i}].protocol", port.Protocol ?? "", "SCTP", "TCP", "UDP");
            if (port.AppProtocol is { } protocol)
                errors.Each($"ports[{i}].appProtocol", protocol, Names.Qualified(protocol));
        }
    }

    private static void Endpoint(Endpoint endpoint, string type, string path, FieldErrors errors)
    {
        if (endpoint.Addresses.Count == 0)
            errors.Required($"{path}.addresses", "must contain at least 1 address");
        else if (endpoint.Addresses.Count > AddressesMax)
            errors.TooMany($"{path}.addresses", endpoint.Addresses.Count, AddressesMax);
        for (var a = 0; a < endpoint.Addresses.Count; a++)
        {
            var address = endpoint.Addresses[a];
            var at = $"{path}.addresses[{a}]";
            if (type == "FQDN")
            {
                errors.Each(at, address, Names.FullyQualified(address.EndsWith('.') ? address[..^1] : address, segmentsMin: 2));
                continue;
            }
            if (type is not ("IPv4" or "IPv6"))
                continue;
            if (!Names.TryIp(address, out var ip) || ip.AddressFamily != (type == "IPv4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6))
                errors.Invalid(at, address, $"must be a valid {type} address");
            else
                ServiceValidation.NotSpecial(address, at, errors);
        }
        if (endpoint.NodeName is { } node)
            errors.Each($"{path}.nodeName", node, Names.Subdomain(node));
        if (endpoint.Hostname is { } host)
            errors.Each($"{path}.hostname", host, Names.Label(host));
    }

    private static void Address(EndpointAddress address, string path, FieldErrors errors)
    {
        errors.Each($"{path}.ip", address.Ip, Names.Ip(address.Ip));
        if (address.Hostname.Length > 0)
            errors.Each($"{path}.hostname", address.Hostname, Names.Label(address.Hostname));
        if (address.NodeName is { } node)
            errors.Each($"{path}.nodeName", node, Names.Subdomain(node));
        ServiceValidation.NotSpecial(address.Ip, $"{path}.ip", errors);
    }

    private static void Port(Api.Core.V1.EndpointPort port, bool needsName, string path, FieldErrors errors)
    {
        if (port.Name.Length > 0)
            errors.Each($"{path}.name", port.Name, Names.Label(port.Name));
        else if (needsName)
            errors.Required($"{path}.name");
        errors.Each($"{path}.port", port.Port, Names.PortNumber(port.Port));
        errors.OneOf($"{path}.protocol", port.Protocol, "SCTP", "TCP", "UDP");
        if (port.AppProtocol is { } protocol)
            errors.Each($"{path}.appProtocol", protocol, Names.Qualified(protocol));
    }
}
