using System.CommandLine;
using System.Globalization;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl expose: a service for a workload, a pod or another service.</summary>
internal sealed class ExposeVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-expose");
    private readonly Option<string?> _port = new("--port") { Description = "The port that the service should serve on." };
    private readonly Option<string?> _targetPort = new("--target-port") { Description = "Name or number for the port on the container that the service should direct traffic to." };
    private readonly Option<string?> _name = new("--name") { Description = "The name for the newly created object." };
    private readonly Option<string?> _type = new("--type") { Description = "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName." };
    private readonly Option<string?> _protocol = new("--protocol") { Description = "The network protocol for the service to be created." };
    private readonly Option<string?> _selector = new("--selector") { Description = "A label selector to use for this service." };
    private readonly Option<string?> _clusterIP = new("--cluster-ip") { Description = "ClusterIP to be assigned to the service. Set to 'None' for headless." };
    private readonly Option<string?> _labels = new("--labels", "-l") { Description = "Labels to apply to the service created by this call." };

    public Command Create() => shell.Verb("expose", "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service", RunAsync,
        [_words, .. _manifests.Symbols, .. _mutation.Symbols, _port, _targetPort, _name, _type, _protocol, _selector, _clusterIP, _labels]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        foreach (var target in await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, null, false, cancel))
        {
            var service = await call.Cluster.Mapper.FindAsync("services", cancel);
            var created = await _mutation.CreateAsync(call, service, call.Namespace, Service(call, target), cancel);
            _mutation.Report(call, ResourceArguments.Wrap(service, created), "exposed");
        }
        return 0;
    }

    private JsonMap Service(CliCall call, ResourceObject target)
    {
        var selector = call.Get(_selector) is { Length: > 0 } text ? Pairs(text) : Selector(target);
        var ports = Ports(call, target);
        var name = call.Get(_name) is { Length: > 0 } given ? given : target.Name;
        var metadata = new JsonMap { ["name"] = name, ["namespace"] = call.Namespace };
        if ((call.Get(_labels) is { Length: > 0 } labels ? Pairs(labels) : target.Object.GetMap("metadata")?.GetMap("labels")) is { Count: > 0 } own)
            metadata["labels"] = own.DeepClone();
        var spec = new JsonMap { ["ports"] = ports, ["selector"] = selector };
        if (call.Get(_type) is { Length: > 0 } type)
            spec["type"] = type;
        if (call.Get(_clusterIP) is { Length: > 0 } address)
            spec["clusterIP"] = address;
        return new JsonMap { ["apiVersion"] = "v1", ["kind"] = "Service", ["metadata"] = metadata, ["spec"] = spec };
    }

    private static JsonMap Selector(ResourceObject target) => (target.Resource.Kind switch
    {
        "Pod" => target.Object.GetMap("metadata")?.GetMap("labels"),
        "Service" or "ReplicationController" => target.Object.GetPath("spec", "selector") as JsonMap,
        "Deployment" or "ReplicaSet" or "StatefulSet" => target.Object.GetPath("spec", "selector", "matchLabels") as JsonMap,
        _ => throw new CliException($"cannot expose a {target.Resource.Kind}.{target.Resource.Resource.Group}"),
    })?.DeepClone() ?? throw new CliException("couldn't retrieve selectors via --selector flag or introspection: the object has no labels and cannot be exposed");

    private JsonList Ports(CliCall call, ResourceObject target)
    {
        var numbers = call.Get(_port) is { Length: > 0 } given ? given.Split(',') : [.. Declared(target)];
        if (numbers.Length == 0)
            throw new CliException("couldn't find port via --port flag or introspection");
        var ports = new JsonList();
        foreach (var number in numbers)
        {
            var port = new JsonMap { ["port"] = long.Parse(number, CultureInfo.InvariantCulture), ["protocol"] = call.Get(_protocol) ?? "TCP" };
            if (numbers.Length > 1)
                port["name"] = $"port-{(ports.Count + 1).ToString(CultureInfo.InvariantCulture)}";
            var to = call.Get(_targetPort) is { Length: > 0 } text ? text : number;
            port["targetPort"] = long.TryParse(to, CultureInfo.InvariantCulture, out var value) ? value : to;
            ports.Add(port);
        }
        return ports;
    }

    private static IEnumerable<string> Declared(ResourceObject target)
    {
        var spec = target.Object.GetMap("spec") ?? [];
        if (target.Resource.Kind == "Service")
            return (spec.GetList("ports") ?? []).OfType<JsonMap>().Select(p => p.GetInteger("port")!.Value.ToString(CultureInfo.InvariantCulture));
        var pod = target.Resource.Kind == "Pod" ? spec : spec.GetMap("template")?.GetMap("spec") ?? [];
        return (pod.GetList("containers") ?? []).OfType<JsonMap>().SelectMany(c => (c.GetList("ports") ?? []).OfType<JsonMap>()).Select(p => (p.GetInteger("containerPort") ?? 0).ToString(CultureInfo.InvariantCulture));
    }

    private static JsonMap Pairs(string text)
    {
        var map = new JsonMap();
        foreach (var pair in text.Split(',').Select(p => p.Split('=', 2)))
            map[pair[0]] = pair.Length > 1 ? pair[1] : "";
        return map;
    }
}
