using System.CommandLine;
using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>create service clusterip, nodeport, loadbalancer, externalname; create ingress.</summary>
internal sealed class ServiceGenerators(CliShell shell) : Generator(shell)
{
    private readonly Option<string[]> _tcp = new("--tcp") { Description = "Port pairs can be specified as '<port>:<targetPort>'." };

    public Command Service()
    {
        var command = CliShell.Group("service", "Create a service using a specified subcommand",
            new ServiceGenerators(Shell).OfType("clusterip", "ClusterIP"), new ServiceGenerators(Shell).OfType("nodeport", "NodePort"),
            new ServiceGenerators(Shell).OfType("loadbalancer", "LoadBalancer"), new ServiceGenerators(Shell).External());
        command.Aliases.Add("svc");
        return command;
    }

    private Command OfType(string name, string type)
    {
        var clusterIP = new Option<string?>("--clusterip") { Description = "Assign your own ClusterIP or set to 'None' for a 'headless' service." };
        var nodePort = new Option<int?>("--node-port") { Description = "Port used to expose the service on each node in a cluster." };
        return Verb(name, $"Create a {type} service", call =>
        {
            var service = Service(call, type);
            var spec = service.GetMap("spec")!;
            spec["ports"] = Ports(call.Get(_tcp) ?? [], call.Get(nodePort));
            if (call.Get(clusterIP) is { } address)
                spec["clusterIP"] = address;
            if (spec.GetList("ports")!.Count == 0 && call.Get(clusterIP) != "None")
                throw new CliException("at least one tcp port specifier must be provided");
            return service;
        }, [], _tcp, clusterIP, nodePort);
    }

    private Command External()
    {
        var external = new Option<string>("--external-name") { Required = true, Description = "External name of service" };
        return Verb("externalname", "Create an ExternalName service", call =>
        {
            var service = Service(call, "ExternalName");
            service.GetMap("spec")!["externalName"] = call.Get(external);
            if (Ports(call.Get(_tcp) ?? [], null) is { Count: > 0 } ports)
                service.GetMap("spec")!["ports"] = ports;
            return service;
        }, [], _tcp, external);
    }

    private JsonMap Service(CliCall call, string type)
    {
        var service = Object("v1", "Service", call.Get(Name), new JsonMap { ["app"] = call.Get(Name) });
        service["spec"] = new JsonMap { ["type"] = type, ["selector"] = new JsonMap { ["app"] = call.Get(Name) } };
        return service;
    }

    private static JsonList Ports(IEnumerable<string> texts, int? nodePort)
    {
        var ports = new JsonList();
        foreach (var text in texts.SelectMany(t => t.Split(',')))
        {
            var parts = text.Split(':');
            if (!long.TryParse(parts[0], CultureInfo.InvariantCulture, out var port))
                throw new CliException($"invalid port {text}");
            object target = parts.Length == 1 ? port : long.TryParse(parts[1], CultureInfo.InvariantCulture, out var number) ? number : parts[1];
            var entry = new JsonMap { ["name"] = text.Replace(':', '-'), ["port"] = port, ["protocol"] = "TCP", ["targetPort"] = target };
            if (nodePort is { } node && ports.Count == 0)
                entry["nodePort"] = (long)node;
            ports.Add(entry);
        }
        return ports;
    }

    public Command Ingress()
    {
        var rules = new Option<string[]>("--rule") { Description = "Rule in format host/path=service:port[,tls=secretname]. Paths with a leading '*' are of type Prefix." };
        var className = new Option<string?>("--class") { Description = "Ingress Class to be used" };
        var backend = new Option<string?>("--default-backend") { Description = "Default service for backend, in format of svcname:port" };
        var annotations = new Option<string[]>("--annotation") { Description = "Annotation to insert in the ingress object, in the format annotation=value" };
        return Verb("ingress", "Create an ingress with the specified name", call =>
        {
            var ingress = Object("networking.k8s.io/v1", "Ingress", call.Get(Name));
            if (Pairs(call.Get(annotations), "--annotation") is { Count: > 0 } notes)
                ingress.GetMap("metadata")!["annotations"] = notes;
            var spec = ingress.EnsureMap("spec");
            if (call.Get(className) is { Length: > 0 } name)
                spec["ingressClassName"] = name;
            if (call.Get(backend) is { Length: > 0 } service)
                spec["defaultBackend"] = Backend(service);
            foreach (var rule in call.Get(rules) ?? [])
                AddRule(spec, rule);
            return ingress;
        }, ["ing"], rules, className, backend, annotations);
    }

    private static void AddRule(JsonMap spec, string text)
    {
        var comma = text.IndexOf(",tls", StringComparison.Ordinal);
        var (rule, tls) = comma < 0 ? (text, null) : (text[..comma], text[(comma + 4)..].TrimStart('='));
        var equals = rule.IndexOf('=');
        var slash = rule.IndexOf('/');
        if (equals < 0 || slash < 0 || slash > equals)
            throw new CliException($"rule {text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]");
        var (host, path) = (rule[..slash], rule[slash..equals]);
        var prefix = path.EndsWith('*');
        var entry = new JsonMap { ["path"] = prefix ? path[..^1] : path, ["pathType"] = prefix ? "Prefix" : "Exact", ["backend"] = Backend(rule[(equals + 1)..]) };
        var rules = spec.GetList("rules") ?? [];
        spec["rules"] = rules;
        var same = rules.OfType<JsonMap>().FirstOrDefault(r => (r.GetString("host") ?? "") == host);
        if (same is null)
        {
            same = host.Length > 0 ? new JsonMap { ["host"] = host } : [];
            same["http"] = new JsonMap { ["paths"] = new JsonList() };
            rules.Add(same);
        }
        same.GetMap("http")!.GetList("paths")!.Add(entry);
        if (tls is null)
            return;
        var secret = tls.Length > 0 ? new JsonMap { ["hosts"] = new JsonList { host }, ["secretName"] = tls } : new JsonMap { ["hosts"] = new JsonList { host } };
        spec["tls"] = new JsonList((spec.GetList("tls") ?? []).Append(secret));
    }

    private static JsonMap Backend(string text)
    {
        if (text.Split(':') is not [{ Length: > 0 } service, { Length: > 0 } port])
            throw new CliException($"{text} must be in format svcname:svcport");
        var number = long.TryParse(port, CultureInfo.InvariantCulture, out var value) ? new JsonMap { ["number"] = value } : new JsonMap { ["name"] = port };
        return new JsonMap { ["service"] = new JsonMap { ["name"] = service, ["port"] = number } };
    }
}
