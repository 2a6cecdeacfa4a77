using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;

namespace Timonier.ApiServer.Requests;

/// <summary>Where the server itself reaches a Service: at a ready endpoint, or at its cluster IP while it has none that we know.</summary>
internal static class ServiceAddress
{
    /// <exception cref="HttpRequestException">No such service, port or address.</exception>
    public static IPEndPoint Resolve(IObjectReader reader, string @namespace, string name, int wanted)
    {
        var service = reader.Get<Service>(@namespace, name) ?? throw new HttpRequestException($"service \"{name}\" not found");
        var port = service.Spec.Ports.FirstOrDefault(p => p.Port == wanted) ?? throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture, $"no service port {wanted} found for service \"{name}\""));
        foreach (var slice in Slices(reader, @namespace, name))
        {
            var number = slice.Ports.FirstOrDefault(p => (p.Name ?? "") == port.Name)?.Port;
            var ready = slice.Endpoints.FirstOrDefault(e => e.Conditions.Ready != false && e.Addresses.Count > 0);
            if (number is { } endpointPort && ready is not null && IPAddress.TryParse(ready.Addresses[0], out var address))
                return new IPEndPoint(address, endpointPort);
        }
        return IPAddress.TryParse(service.Spec.ClusterIP, out var clusterIp) ? new IPEndPoint(clusterIp, wanted) : throw new HttpRequestException($"no endpoints available for service \"{name}\"");
    }

    public static IEnumerable<EndpointSlice> Slices(IObjectReader reader, string @namespace, string name) =>
        reader.List<EndpointSlice>(@namespace).Where(s => s.Metadata.Labels.GetValueOrDefault("kubernetes.io/service-name") == name);

    /// <summary>A connection to what <see cref="Resolve"/> finds now.</summary>
    public static async ValueTask<Stream> ConnectAsync(IObjectReader reader, string @namespace, string name, int port, CancellationToken cancel)
    {
        var endpoint = Resolve(reader, @namespace, name, port);
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
