using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Networking.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>Ingresses and their classes, network policies.</summary>
internal static class IngressValidation
{
    private static readonly string[] BadSequences = ["//", "/./", "/../", "%2f", "%2F"];
    private static readonly string[] BadEnds = ["/..", "/."];

    public static void Ingress(Ingress ingress, FieldErrors errors)
    {
        var spec = ingress.Spec;
        if (spec.Rules.Count == 0 && spec.DefaultBackend is null)
            errors.Invalid("spec", null, "either `defaultBackend` or `rules` must be specified");
        if (spec.DefaultBackend is { } backend)
            Backend(backend, "spec.defaultBackend", errors);
        for (var i = 0; i < spec.Rules.Count; i++)
            Rule(spec.Rules[i], $"spec.rules[{i}]", errors);
        for (var i = 0; i < spec.Tls.Count; i++)
        {
            for (var h = 0; h < spec.Tls[i].Hosts.Count; h++)
                errors.Each($"spec.tls[{i}].hosts[{h}]", spec.Tls[i].Hosts[h], HostName(spec.Tls[i].Hosts[h]));
            if (spec.Tls[i].SecretName.Length > 0)
                errors.Each($"spec.tls[{i}].secretName", spec.Tls[i].SecretName, Names.Subdomain(spec.Tls[i].SecretName));
        }
        if (spec.IngressClassName is { } className)
            errors.Each("spec.ingressClassName", className, Names.Subdomain(className));
    }

    public static void Class(IngressClass ingressClass, FieldErrors errors)
    {
        var controller = ingressClass.Spec.Controller;
        if (controller.Length > 250)
            errors.TooLong("spec.controller", 250);
        var slash = controller.IndexOf('/', StringComparison.Ordinal);
        if (controller.Length == 0)
            errors.Required("spec.controller");
        else if (slash <= 0 || slash == controller.Length - 1)
            errors.Invalid("spec.controller", controller, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        else
            errors.Each("spec.controller", controller[..slash], Names.Subdomain(controller[..slash]));
        if (ingressClass.Spec.Parameters is not { } parameters)
            return;
        if (parameters.ApiGroup is { } group)
            errors.Each("spec.parameters.apiGroup", group, Names.Subdomain(group));
        if (parameters.Kind.Length == 0)
            errors.Required("spec.parameters.kind", "kind is required");
        if (parameters.Name.Length == 0)
            errors.Required("spec.parameters.name", "name is required");
        errors.OneOfOptional("spec.parameters.scope", parameters.Scope, "Cluster", "Namespace");
        if (parameters.Scope == "Namespace" && string.IsNullOrEmpty(parameters.Namespace))
            errors.Required("spec.parameters.namespace", "`parameters.scope` is set to 'Namespace'");
        if (parameters.Scope == "Cluster" && parameters.Namespace is not null)
            errors.Forbidden("spec.parameters.namespace", "`parameters.scope` is set to 'Cluster'");
    }

    public static void Policy(NetworkPolicy policy, FieldErrors errors)
    {
        var spec = policy.Spec;
        errors.Selector("spec.podSelector", spec.PodSelector);
        for (var i = 0; i < spec.Ingress.Count; i++)
            PolicyRule(spec.Ingress[i].Ports, spec.Ingress[i].From, $"spec.ingress[{i}]", "from", errors);
        for (var i = 0; i < spec.Egress.Count; i++)
            PolicyRule(spec.Egress[i].Ports, spec.Egress[i].To, $"spec.egress[{i}]", "to", errors);
        if (spec.PolicyTypes.Count > 2)
            errors.Invalid("spec.policyTypes", new JsonList(spec.PolicyTypes), "may not specify more than two policyTypes");
        for (var i = 0; i < spec.PolicyTypes.Count; i++)
            errors.OneOfOptional($"spec.policyTypes[{i}]", spec.PolicyTypes[i], "Ingress", "Egress");
    }

    private static void PolicyRule(IReadOnlyList<NetworkPolicyPort> ports, IReadOnlyList<NetworkPolicyPeer> peers, string path, string direction, FieldErrors errors)
    {
        for (var p = 0; p < ports.Count; p++)
        {
            var at = $"{path}.ports[{p}]";
            errors.OneOfOptional($"{at}.protocol", ports[p].Protocol, "TCP", "UDP", "SCTP");
            if (ports[p].Port is { } port)
                errors.PortNumberOrName($"{at}.port", port);
            if (ports[p].EndPort is not { } end)
                continue;
            if (ports[p].Port is not { } first)
                errors.Required($"{at}.port", "may not be specified when `port` is not specified");
            else if (first.IsString)
                errors.Invalid($"{at}.endPort", end, "may not be specified when `port` is non-numeric");
            else if (end < first.Number)
                errors.Invalid($"{at}.endPort", end, "must be greater than or equal to `port`");
            errors.Each($"{at}.endPort", end, Names.PortNumber(end));
        }
        for (var p = 0; p < peers.Count; p++)
        {
            var (peer, at) = (peers[p], $"{path}.{direction}[{p}]");
            errors.Selector($"{at}.podSelector", peer.PodSelector);
            errors.Selector($"{at}.namespaceSelector", peer.NamespaceSelector);
            if (peer.IpBlock is { } block)
                Block(block, $"{at}.ipBlock", errors);
            if (peer is { PodSelector: null, NamespaceSelector: null, IpBlock: null })
                errors.Required(at, "must specify a peer");
            else if (peer.IpBlock is not null && (peer.PodSelector is not null || peer.NamespaceSelector is not null))
                errors.Forbidden(at, "may not specify both ipBlock and another peer");
        }
    }

    private static void Block(IPBlock block, string path, FieldErrors errors)
    {
        if (block.Cidr.Length == 0)
        {
            errors.Required($"{path}.cidr");
            return;
        }
        if (!Names.TryCidr(block.Cidr, out var network))
        {
            errors.Each($"{path}.cidr", block.Cidr, Names.Cidr(block.Cidr));
            return;
        }
        for (var i = 0; i < block.Except.Count; i++)
        {
            if (!Names.TryCidr(block.Except[i], out var except))
                errors.Each($"{path}.except[{i}]", block.Except[i], Names.Cidr(block.Except[i]));
            else if (!network.Contains(except.BaseAddress) || network.PrefixLength >= except.PrefixLength)
                errors.Invalid($"{path}.except[{i}]", block.Except[i], "must be a strict subset of `cidr`");
        }
    }

    private static void Rule(IngressRule rule, string path, FieldErrors errors)
    {
        if (rule.Host.Length > 0)
        {
            if (Names.TryIp(rule.Host, out _))
                errors.Invalid($"{path}.host", rule.Host, "must be a DNS name, not an IP address");
            errors.Each($"{path}.host", rule.Host, HostName(rule.Host));
        }
        if (rule.Http is not { } http)
            return;
        if (http.Paths.Count == 0)
            errors.Required($"{path}.http.paths");
        for (var i = 0; i < http.Paths.Count; i++)
            Path(http.Paths[i], $"{path}.http.paths[{i}]", errors);
    }

    private static void Path(HTTPIngressPath path, string at, FieldErrors errors)
    {
        switch (path.PathType)
        {
            case null or "":
                errors.Required($"{at}.pathType", "pathType must be specified");
                return;
            case "Exact" or "Prefix":
                if (!path.Path.StartsWith('/'))
                    errors.Invalid($"{at}.path", path.Path, "must be an absolute path");
                foreach (var bad in BadSequences.Where(b => path.Path.Contains(b, StringComparison.Ordinal)))
                    errors.Invalid($"{at}.path", path.Path, $"must not contain '{bad}'");
                foreach (var bad in BadEnds.Where(b => path.Path.EndsWith(b, StringComparison.Ordinal)))
                    errors.Invalid($"{at}.path", path.Path, $"cannot end with '{bad}'");
                break;
            case "ImplementationSpecific":
                if (path.Path.Length > 0 && !path.Path.StartsWith('/'))
                    errors.Invalid($"{at}.path", path.Path, "must be an absolute path");
                break;
            default:
                errors.NotSupported($"{at}.pathType", path.PathType, ["Exact", "ImplementationSpecific", "Prefix"]);
                break;
        }
        Backend(path.Backend, $"{at}.backend", errors);
    }

    private static void Backend(IngressBackend backend, string path, FieldErrors errors)
    {
        if (backend.Resource is not null && backend.Service is not null)
        {
            errors.Invalid(path, "", "cannot set both resource and service backends");
            return;
        }
        if (backend.Resource is { } resource)
        {
            if (resource.Kind.Length == 0)
                errors.Required($"{path}.resource.kind", "kind is required");
            if (resource.Name.Length == 0)
                errors.Required($"{path}.resource.name", "name is required");
            return;
        }
        if (backend.Service is not { } service)
        {
            errors.Invalid(path, "", "resource or service backend is required");
            return;
        }
        if (service.Name.Length == 0)
            errors.Required($"{path}.service.name");
        else
            errors.Each($"{path}.service.name", service.Name, Names.Rfc1035Label(service.Name));
        if (service.Port.Name.Length > 0 && service.Port.Number > 0)
            errors.Invalid(path, "", "cannot set both port name & port number");
        else if (service.Port.Name.Length > 0)
            errors.Each($"{path}.service.port.name", service.Port.Name, Names.PortName(service.Port.Name));
        else if (service.Port.Number > 0)
            errors.Each($"{path}.service.port.number", service.Port.Number, Names.PortNumber(service.Port.Number));
        else
            errors.Required(path, "port name or number is required");
    }

    private static IReadOnlyList<string> HostName(string host) =>
        host.Contains('*', StringComparison.Ordinal) ? Names.WildcardSubdomain(host) : Names.Subdomain(host);
}
