using System.Globalization;
using System.Text;
using Timonier.Api;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>What a container's environment and mounts are made from besides its pod, read before.</summary>
internal sealed record ContainerSources
{
    /// <summary>By name, those of the pod's namespace that its containers refer to; one that does not exist is absent.</summary>
    public required IReadOnlyDictionary<string, ConfigMap> ConfigMaps { get; init; }
    public required IReadOnlyDictionary<string, Secret> Secrets { get; init; }

    /// <summary>Those of the pod's namespace, and default/kubernetes.</summary>
    public required IReadOnlyList<Service> Services { get; init; }
    public required IReadOnlyList<string> HostIps { get; init; }
    public required IReadOnlyDictionary<string, Quantity> NodeAllocatable { get; init; }
}

/// <summary>A container's environment: a pure function. Upstream: makeEnvironmentVariables.</summary>
internal static class EnvironmentMaker
{
    /// <exception cref="ContainerConfigException">A reference that is not optional leads nowhere; upstream's words.</exception>
    public static IReadOnlyDictionary<string, string> Make(Pod pod, Container container, ContainerSources sources)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        var serviceVariables = ServiceVariables(pod, sources.Services);
        foreach (var from in container.EnvFrom)
            AddFrom(pod, from, sources, result);
        // A reference sees what stands before it, and the services' variables, which the container's own override.
        var visible = new Dictionary<string, string>(serviceVariables, StringComparer.Ordinal);
        foreach (var (name, value) in result)
            visible[name] = value;
        foreach (var variable in container.Env)
        {
            var value = variable.ValueFrom is null ? Expansion.Expand(variable.Value, visible) : FromSource(pod, container, variable, sources);
            if (value is null)
                continue;
            result[variable.Name] = value;
            visible[variable.Name] = value;
        }
        foreach (var (name, value) in serviceVariables)
            result.TryAdd(name, value);
        return result;
    }

    private static void AddFrom(Pod pod, EnvFromSource from, ContainerSources sources, Dictionary<string, string> result)
    {
        IEnumerable<KeyValuePair<string, string>> data = [];
        if (from.ConfigMapRef is { } map)
        {
            if (sources.ConfigMaps.TryGetValue(map.Name, out var found))
                data = found.Data;
            else if (map.Optional != true)
                throw Missing("configmap", map.Name);
        }
        else if (from.SecretRef is { } secret)
        {
            if (sources.Secrets.TryGetValue(secret.Name, out var found))
                data = found.Data.Select(d => KeyValuePair.Create(d.Key, Encoding.UTF8.GetString(d.Value)));
            else if (secret.Optional != true)
                throw Missing("secret", secret.Name);
        }
        foreach (var (key, value) in data)
        {
            var name = from.Prefix + key;
            if (name.Length > 0 && !name.Contains('=', StringComparison.Ordinal))
                result[name] = value;
        }
    }

    private static string? FromSource(Pod pod, Container container, EnvVar variable, ContainerSources sources)
    {
        var from = variable.ValueFrom!;
        if (from.FieldRef is { } field)
            return FieldPaths.Value(pod, field.FieldPath, sources.HostIps);
        if (from.ResourceFieldRef is { } resource)
        {
            var target = resource.ContainerName.Length == 0 ? container : pod.Spec.FindContainer(resource.ContainerName)?.Container
                ?? throw new ContainerConfigException($"container {resource.ContainerName} not found");
            return FieldPaths.Resource(pod, target, resource, sources.NodeAllocatable);
        }
        if (from.ConfigMapKeyRef is { } mapKey)
        {
            if (!sources.ConfigMaps.TryGetValue(mapKey.Name, out var map))
                return mapKey.Optional == true ? null : throw Missing("configmap", mapKey.Name);
            if (map.Data.TryGetValue(mapKey.Key, out var value))
                return value;
            return mapKey.Optional == true ? null : throw new ContainerConfigException($"couldn't find key {mapKey.Key} in ConfigMap {pod.Metadata.Namespace}/{mapKey.Name}");
        }
        if (from.SecretKeyRef is { } secretKey)
        {
            if (!sources.Secrets.TryGetValue(secretKey.Name, out var secret))
                return secretKey.Optional == true ? null : throw Missing("secret", secretKey.Name);
            if (secret.Data.TryGetValue(secretKey.Key, out var value))
                return Encoding.UTF8.GetString(value);
            return secretKey.Optional == true ? null : throw new ContainerConfigException($"couldn't find key {secretKey.Key} in Secret {pod.Metadata.Namespace}/{secretKey.Name}");
        }
        return null;
    }

    private static ContainerConfigException Missing(string resource, string name) =>
        new(resource == "secret" ? $"secret \"{name}\" not found" : $"configmap \"{name}\" not found");

    /// <summary>The docker-link style variables of each service with a cluster address. Upstream: envvars.FromServices.</summary>
    private static Dictionary<string, string> ServiceVariables(Pod pod, IReadOnlyList<Service> services)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        // The API server's own address is given always, other services on request (which is the default).
        var links = pod.Spec.EnableServiceLinks != false;
        foreach (var service in services.OrderBy(s => s.Metadata.Namespace == "default" && s.Metadata.Name == "kubernetes" ? 0 : 1))
        {
            var isMaster = service.Metadata is { Namespace: "default", Name: "kubernetes" };
            var included = isMaster || (links && service.Metadata.Namespace == pod.Metadata.Namespace);
            if (included && service.Spec.Type != "ExternalName" && service.Spec.ClusterIP is not ("" or "None"))
                AddService(service, result);
        }
        return result;
    }

    private static void AddService(Service service, Dictionary<string, string> result)
    {
        var prefix = VariableName(service.Metadata.Name);
        var host = service.Spec.ClusterIP;
        var linkHost = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        result[prefix + "_SERVICE_HOST"] = host;
        for (var i = 0; i < service.Spec.Ports.Count; i++)
        {
            var port = service.Spec.Ports[i];
            var number = port.Port.ToString(CultureInfo.InvariantCulture);
            var protocol = port.Protocol.Length == 0 ? "TCP" : port.Protocol;
            var url = $"{protocol.ToLowerInvariant()}://{linkHost}:{number}";
            if (i == 0)
            {
                result[prefix + "_SERVICE_PORT"] = number;
                result[prefix + "_PORT"] = url;
            }
            if (port.Name.Length > 0)
                result[$"{prefix}_SERVICE_PORT_{VariableName(port.Name)}"] = number;
            var portPrefix = $"{prefix}_PORT_{number}_{protocol.ToUpperInvariant()}";
            result[portPrefix] = url;
            result[portPrefix + "_PROTO"] = protocol.ToLowerInvariant();
            result[portPrefix + "_PORT"] = number;
            result[portPrefix + "_ADDR"] = host;
        }
    }

    private static string VariableName(string name) => name.Replace('-', '_').ToUpperInvariant();
}
