using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>Services, Ingresses, and where they lead.</summary>
internal static class ServiceText
{
    private const int EndpointsMax = 3;

    public static async Task ServiceAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec) = (call.Text, call.Spec);
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations", "Selector");
        text.Field("Type", spec["type"]);
        text.FieldIf("IP Family Policy", spec["ipFamilyPolicy"]);
        text.Field("IP Families", Joined(spec.GetList("ipFamilies")));
        text.Field("IP", spec["clusterIP"]);
        text.Field("IPs", Joined(spec.GetList("clusterIPs")));
        text.FieldIf("External IPs", spec.GetList("externalIPs") is { Count: > 0 } external ? Joined(external) : null);
        text.FieldIf("Desired LoadBalancer IP", spec["loadBalancerIP"]);
        text.FieldIf("External Name", spec["externalName"]);
        if (call.Status.GetPath("loadBalancer", "ingress") is JsonList { Count: > 0 } balancers)
            text.Field("LoadBalancer Ingress", string.Join(", ", balancers.OfType<JsonMap>().Select(b => b.GetString("ip") is { } ip ? ip + (b.GetString("ipMode") is { } mode ? $" ({mode})" : "") : b.GetString("hostname"))));
        var slices = await call.ListAsync("discovery.k8s.io", "v1", "endpointslices", "kubernetes.io/service-name=" + call.Target.Name, cancel);
        foreach (var port in (spec.GetList("ports") ?? []).OfType<JsonMap>())
        {
            var (name, protocol) = (port.GetString("name") is { Length: > 0 } given ? given : "<unset>", port.GetString("protocol") ?? "TCP");
            text.Line(0, $"Port:\t{name}\t{DescribeText.Show(port["port"])}/{protocol}");
            text.Field("TargetPort", $"{DescribeText.Show(port["targetPort"])}/{protocol}");
            if (port.GetInteger("nodePort") is > 0)
                text.Line(0, $"NodePort:\t{name}\t{DescribeText.Show(port["nodePort"])}/{protocol}");
            text.Field("Endpoints", Endpoints(slices, port.GetString("name") ?? ""));
        }
        text.Field("Session Affinity", spec["sessionAffinity"]);
        text.FieldIf("External Traffic Policy", spec["externalTrafficPolicy"]);
        text.FieldIf("Internal Traffic Policy", spec["internalTrafficPolicy"]);
        text.FieldIf("Traffic Distribution", spec["trafficDistribution"]);
        text.FieldIf("HealthCheck NodePort", spec.GetInteger("healthCheckNodePort") is > 0 ? spec["healthCheckNodePort"] : null);
        text.FieldIf("LoadBalancer Source Ranges", spec.GetList("loadBalancerSourceRanges") is { Count: > 0 } ranges ? Joined(ranges) : null);
        text.Events(call.Events);
    }

    private static string Joined(JsonList? list) => list is { Count: > 0 } ? string.Join(',', list) : "<none>";

    /// <summary>The addresses that are ready, of the port of this name; null: of any.</summary>
    private static string Endpoints(IReadOnlyList<JsonMap> slices, string? portName)
    {
        var found = new List<string>();
        foreach (var slice in slices)
        {
            foreach (var port in (slice.GetList("ports") ?? []).OfType<JsonMap>().Where(p => portName is null || (p.GetString("name") ?? "") == portName))
            {
                foreach (var endpoint in (slice.GetList("endpoints") ?? []).OfType<JsonMap>().Where(e => e.GetMap("conditions")?.GetBool("ready") != false))
                    found.AddRange((endpoint.GetList("addresses") ?? []).OfType<string>().Select(a => $"{(a.Contains(':') ? $"[{a}]" : a)}:{DescribeText.Show(port["port"])}"));
            }
        }
        var more = found.Count > EndpointsMax ? $" + {found.Count - EndpointsMax} more..." : "";
        return slices.Count == 0 ? "<none>" : string.Join(',', found.Take(EndpointsMax)) + more;
    }

    public static async Task IngressAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec) = (call.Text, call.Spec);
        text.Head(call.Object, "Name", "Labels", "Namespace");
        text.Field("Address", string.Join(',', ((call.Status.GetPath("loadBalancer", "ingress") as JsonList) ?? []).OfType<JsonMap>().Select(i => i.GetString("ip") ?? i.GetString("hostname"))));
        text.Field("Ingress Class", spec["ingressClassName"] ?? "<none>");
        var backend = spec.GetMap("defaultBackend");
        text.Field("Default backend", backend is null ? "<default>" : await BackendAsync(call, backend, cancel));
        if (spec.GetList("tls") is { Count: > 0 } tls)
        {
            text.Line(0, "TLS:");
            foreach (var entry in tls.OfType<JsonMap>())
            {
                var hosts = string.Join(',', entry.GetList("hosts") ?? []);
                text.Line(1, entry.GetString("secretName") is { Length: > 0 } secret ? $"{secret} terminates {hosts}" : $"SNI routes {hosts}");
            }
        }
        text.Line(0, "Rules:");
        text.Line(1, "Host\tPath\tBackends");
        text.Line(1, "----\t----\t--------");
        var rules = (spec.GetList("rules") ?? []).OfType<JsonMap>().Where(r => r.GetMap("http") is not null).ToList();
        foreach (var rule in rules)
        {
            text.Line(1, $"{(rule.GetString("host") is { Length: > 0 } host ? host : "*")}\t");
            foreach (var path in (rule.GetMap("http")!.GetList("paths") ?? []).OfType<JsonMap>())
                text.Line(2, $"\t{path.GetString("path")} \t{await BackendAsync(call, path.GetMap("backend") ?? [], cancel)}");
        }
        if (rules.Count == 0)
            text.Line(1, $"*\t*\t{(backend is null ? "<default>" : await BackendAsync(call, backend, cancel))}");
        text.Head(call.Object, "Annotations");
        text.Events(call.Events);
    }

    private static async Task<string> BackendAsync(DescribeCall call, JsonMap backend, CancellationToken cancel)
    {
        if (backend.GetMap("resource") is { } resource)
            return $"APIGroup: {resource.GetString("apiGroup")}, Kind: {resource.GetString("kind")}, Name: {resource.GetString("name")}";
        var service = backend.GetMap("service") ?? [];
        var name = service.GetString("name") ?? "";
        var title = $"{name}:{DescribeText.Show(service.GetMap("port")?["number"] ?? service.GetMap("port")?["name"])}";
        try
        {
            var target = await call.Cluster.Client.GetTreeAsync(new("", "v1", "services"), call.Target.Namespace, name, cancellationToken: cancel);
            var port = (((target.GetPath("spec", "ports") as JsonList) ?? []).OfType<JsonMap>()).FirstOrDefault(p => Equals(p["port"], service.GetMap("port")?["number"]) || Equals(p["name"], service.GetMap("port")?["name"]));
            return $"{title} ({Endpoints(await call.ListAsync("discovery.k8s.io", "v1", "endpointslices", "kubernetes.io/service-name=" + name, cancel), port?.GetString("name") ?? "")})";
        }
        catch (Api.Errors.ApiException e)
        {
            return $"{title} (<error: {e.Message}>)";
        }
    }

    public static Task EndpointsAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations");
        text.Line(0, "Subsets:");
        foreach (var subset in (call.Object.GetList("subsets") ?? []).OfType<JsonMap>())
        {
            string Addresses(string field) => (subset.GetList(field) ?? []).OfType<JsonMap>().Select(a => a.GetString("ip")).ToList() is { Count: > 0 } all ? string.Join(',', all) : "<none>";
            text.Field("Addresses", Addresses("addresses"), 1);
            text.Field("NotReadyAddresses", Addresses("notReadyAddresses"), 1);
            if (subset.GetList("ports") is { Count: > 0 } ports)
            {
                text.Line(1, "Ports:");
                text.Line(2, "Name\tPort\tProtocol");
                text.Line(2, "----\t----\t--------");
                foreach (var port in ports.OfType<JsonMap>())
                    text.Line(2, $"{(port.GetString("name") is { Length: > 0 } name ? name : "<unset>")}\t{DescribeText.Show(port["port"])}\t{port.GetString("protocol")}");
            }
            text.Line(0, "");
        }
        text.Events(call.Events);
        return Task.CompletedTask;
    }
}
