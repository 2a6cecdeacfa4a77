using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>
/// Gives Services their cluster IP and node ports. Which are taken is in memory, read once from the Services that exist.
/// A write that fails gives back what it took; an update or delete gives back what the Service no longer has.
/// </summary>
internal sealed class ServiceAllocation(ServiceNetwork network, IObjectReader reader)
{
    private readonly Lock _lock = new();
    private bool _loaded;

    /// <returns>What gives back what was taken; null when nothing was.</returns>
    public IDisposable? Allocate(JsonMap spec, JsonMap? old, FieldErrors errors)
    {
        Load();
        var taken = new Taken(network);
        var before = errors.Errors.Count;
        AllocateAddress(spec, old, taken, errors);
        AllocatePorts(spec, old, taken, errors);
        if (errors.Errors.Count == before)
            return taken;
        taken.Dispose();
        return null;
    }

    /// <summary>The Service is gone, or has become <paramref name="now"/>: what it no longer has is free.</summary>
    public void Release(JsonMap spec, JsonMap? now = null)
    {
        var addresses = now.Texts("clusterIPs").ToHashSet();
        foreach (var address in spec.Texts("clusterIPs").Where(a => !addresses.Contains(a)))
            network.ReleaseAddress(address);
        var ports = now is null ? [] : Ports(now).ToHashSet();
        foreach (var port in Ports(spec).Where(p => !ports.Contains(p)))
            network.ReleasePort(port);
    }

    private void AllocateAddress(JsonMap spec, JsonMap? old, Taken taken, FieldErrors errors)
    {
        if (!ServiceForm.NeedsClusterIp(spec) || ServiceForm.IsHeadless(spec))
        {
            if (spec.Text("clusterIP") == "None")
                spec["clusterIPs"] = new JsonList { "None" };
            return;
        }
        var wanted = spec.Text("clusterIP");
        if (wanted.Length > 0 && wanted == old?.Text("clusterIP"))
            return;
        if (wanted.Length == 0)
        {
            if (network.TakeAnyAddress() is not { } address)
            {
                errors.Invalid("spec.clusterIPs", new JsonList(), "failed to allocate IP: range is full");
                return;
            }
            taken.Addresses.Add(address.ToString());
            spec["clusterIP"] = address.ToString();
            spec["clusterIPs"] = new JsonList { address.ToString() };
            return;
        }
        var shown = new JsonList { wanted };
        if (!Names.TryIp(wanted, out var parsed) || !network.HasAddress(parsed))
            errors.Invalid("spec.clusterIPs", shown, $"failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {network.Cidr}");
        else if (!network.TryTakeAddress(parsed))
            errors.Invalid("spec.clusterIPs", shown, $"failed to allocate IP {wanted}: provided IP is already allocated");
        else
            taken.Addresses.Add(wanted);
    }

    private void AllocatePorts(JsonMap spec, JsonMap? old, Taken taken, FieldErrors errors)
    {
        var had = old is null ? [] : Ports(old).ToHashSet();
        var mine = new HashSet<int>();
        // The same port over TCP and UDP shares a node port.
        var byPort = new Dictionary<long, int>();
        var ports = spec.Maps("ports").ToList();
        for (var i = 0; i < ports.Count; i++)
        {
            var port = ports[i].GetInteger("port") ?? 0;
            var nodePort = (int)(ports[i].GetInteger("nodePort") ?? 0);
            if (nodePort == 0 && !ServiceForm.NeedsNodePorts(spec))
                continue;
            if (nodePort == 0)
                nodePort = byPort.TryGetValue(port, out var shared) ? shared : (int)(ports.Skip(i + 1).FirstOrDefault(p => p.GetInteger("port") == port && p.GetInteger("nodePort") > 0)?.GetInteger("nodePort") ?? 0);
            if (nodePort == 0)
            {
                if (network.TakeAnyPort() is not { } any)
                {
                    errors.Invalid($"spec.ports[{i}].nodePort", 0, "failed to allocate a nodePort: range is full");
                    return;
                }
                nodePort = any;
                taken.Ports.Add(any);
                mine.Add(any);
            }
            else if (!had.Contains(nodePort) && mine.Add(nodePort))
                TakePort(nodePort, $"spec.ports[{i}].nodePort", taken, errors);
            ports[i]["nodePort"] = (long)nodePort;
            byPort.TryAdd(port, nodePort);
        }
        if (!ServiceForm.NeedsHealthCheckPort(spec))
            return;
        var health = (int)(spec.GetInteger("healthCheckNodePort") ?? 0);
        if (health == 0 && network.TakeAnyPort() is { } free)
        {
            taken.Ports.Add(free);
            spec["healthCheckNodePort"] = (long)free;
        }
        else if (health > 0 && !had.Contains(health))
            TakePort(health, "spec.healthCheckNodePort", taken, errors);
    }

    private void TakePort(int port, string path, Taken taken, FieldErrors errors)
    {
        if (!network.HasPort(port))
            errors.Invalid(path, port, $"provided port is not in the valid range. The range of valid ports is {network.PortRange}");
        else if (!network.TryTakePort(port))
            errors.Invalid(path, port, "provided port is already allocated");
        else
            taken.Ports.Add(port);
    }

    private void Load()
    {
        lock (_lock)
        {
            if (_loaded)
                return;
            foreach (var service in reader.List<Service>())
            {
                foreach (var address in service.Spec.ClusterIPs)
                {
                    if (Names.TryIp(address, out var parsed) && network.HasAddress(parsed))
                        network.TryTakeAddress(parsed);
                }
                foreach (var port in service.Spec.Ports.Where(p => p.NodePort > 0))
                    network.TryTakePort(port.NodePort);
                if (service.Spec.HealthCheckNodePort > 0)
                    network.TryTakePort(service.Spec.HealthCheckNodePort);
            }
            _loaded = true;
        }
    }

    private static IEnumerable<int> Ports(JsonMap spec) =>
        spec.Maps("ports").Select(p => (int)(p.GetInteger("nodePort") ?? 0)).Append((int)(spec.GetInteger("healthCheckNodePort") ?? 0)).Where(p => p > 0);

    private sealed class Taken(ServiceNetwork network) : IDisposable
    {
        public List<string> Addresses { get; } = [];
        public List<int> Ports { get; } = [];

        public void Dispose()
        {
            Addresses.ForEach(network.ReleaseAddress);
            Ports.ForEach(network.ReleasePort);
        }
    }
}
