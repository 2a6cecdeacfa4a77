using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class ServiceStrategy(ServiceAllocation allocation) : TypedStrategy<Service>
{
    private const long ClientIpAffinitySeconds = 10800;

    public override IReadOnlyList<string> NameFaults(string name, bool prefix) => MetadataValidation.Rfc1035Label(name, prefix);

    public override bool AllowCreateOnUpdate => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap { ["loadBalancer"] = new JsonMap() };
        NormalizeClusterIps(obj.Spec(), null);
    }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        base.PrepareForUpdate(scope, obj, old);
        if (scope.Subresource == "status")
            return;
        KeepAllocated(obj.Spec(), old.Spec());
        NormalizeClusterIps(obj.Spec(), old.Spec());
        DropForType(obj.Spec(), old.Spec());
        if (ServiceForm.Type(obj.Spec()) != "LoadBalancer" && ServiceForm.Type(old.Spec()) == "LoadBalancer")
            obj.EnsureMap("status")["loadBalancer"] = new JsonMap();
    }

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.DefaultZero("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "None")
            spec.Remove("sessionAffinityConfig");
        else if (spec.Text("sessionAffinity") == "ClientIP" && (spec.GetPath("sessionAffinityConfig", "clientIP") as JsonMap)?["timeoutSeconds"] is null)
            spec["sessionAffinityConfig"] = new JsonMap { ["clientIP"] = new JsonMap { ["timeoutSeconds"] = ClientIpAffinitySeconds } };
        spec.DefaultZero("type", "ClusterIP");
        foreach (var port in spec.Maps("ports"))
        {
            port.DefaultZero("protocol", "TCP");
            port.DefaultZero("targetPort", port["port"] ?? 0L);
        }
        var type = ServiceForm.Type(spec);
        if (ServiceForm.ExternallyAccessible(spec))
            spec.DefaultZero("externalTrafficPolicy", "Cluster");
        if (type == "ExternalName")
            return;
        spec.Default("internalTrafficPolicy", "Cluster");
        IpFamilies(spec);
        if (type != "LoadBalancer")
            return;
        spec.Default("allocateLoadBalancerNodePorts", true);
        foreach (var ingress in (obj.GetPath("status", "loadBalancer") as JsonMap).Maps("ingress"))
        {
            if (ingress.Text("ip").Length > 0)
                ingress.Default("ipMode", "VIP");
        }
    }

    public override IDisposable? Allocate(RequestScope scope, JsonMap obj, JsonMap? old, FieldErrors errors) =>
        scope.Subresource == "status" ? null : allocation.Allocate(obj.Spec(), old?.GetMap("spec"), errors);

    public override void AfterUpdate(JsonMap obj, JsonMap old) => allocation.Release(old.Spec(), obj.Spec());

    public override void AfterDelete(JsonMap obj) => allocation.Release(obj.Spec());

    protected override void Validate(RequestScope scope, Service obj, FieldErrors errors) => ServiceValidation.Validate(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, Service obj, Service old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
            ServiceValidation.LoadBalancerStatus(obj, errors);
        else
            ServiceValidation.ValidateUpdate(obj, old, errors);
    }

    // One address family only: the cluster's.
    private static void IpFamilies(JsonMap spec)
    {
        var selectorless = ServiceForm.IsHeadless(spec) && spec.GetMap("selector") is not { Count: > 0 };
        spec.Default("ipFamilyPolicy", selectorless ? "RequireDualStack" : "SingleStack");
        if (spec.GetList("ipFamilies") is not { Count: > 0 })
            spec["ipFamilies"] = new JsonList { "IPv4" };
        if (selectorless && spec.Text("ipFamilyPolicy") != "SingleStack" && spec.GetList("ipFamilies") is { Count: 1 } families)
            families.Add(families[0] is "IPv4" ? "IPv6" : "IPv4");
    }

    private static void KeepAllocated(JsonMap spec, JsonMap old)
    {
        if (ServiceForm.NeedsClusterIp(spec) && ServiceForm.NeedsClusterIp(old))
        {
            spec.DefaultZero("clusterIP", old.Text("clusterIP"));
            if (spec.GetList("clusterIPs") is not { Count: > 0 } && spec.Text("clusterIP") == old.Text("clusterIP"))
                spec.CopyField("clusterIPs", old);
        }
        if (ServiceForm.NeedsNodePorts(spec) && ServiceForm.NeedsNodePorts(old))
        {
            var used = spec.Maps("ports").Select(p => p.GetInteger("nodePort") ?? 0).ToHashSet();
            foreach (var port in spec.Maps("ports").Where(p => (p.GetInteger("nodePort") ?? 0) == 0))
            {
                var was = old.Maps("ports").FirstOrDefault(o => o.GetInteger("port") == port.GetInteger("port") && ServiceForm.Protocol(o) == ServiceForm.Protocol(port));
                if (was?.GetInteger("nodePort") is > 0 and var nodePort && used.Add(nodePort))
                    port["nodePort"] = nodePort;
            }
        }
        if (ServiceForm.NeedsHealthCheckPort(spec) && ServiceForm.NeedsHealthCheckPort(old) && old.GetInteger("healthCheckNodePort") is { } healthPort)
            spec.DefaultZero("healthCheckNodePort", healthPort);
    }

    /// <summary>clusterIP and the first of clusterIPs are one: what the client left out follows from what it wrote.</summary>
    private static void NormalizeClusterIps(JsonMap spec, JsonMap? old)
    {
        var address = spec.Text("clusterIP");
        var addresses = spec.GetList("clusterIPs");
        if (old is null)
        {
            if (address.Length > 0 && addresses is not { Count: > 0 })
                spec["clusterIPs"] = new JsonList { address };
            return;
        }
        if (address == old.Text("clusterIP") || !JsonTree.DeepEquals(addresses, old["clusterIPs"]))
            return;
        if (address.Length == 0)
            spec.Remove("clusterIPs");
        else
            spec["clusterIPs"] = new JsonList { address };
    }

    /// <summary>A change of type wipes what the new type has no use for, unless the client set it in the same change.</summary>
    private static void DropForType(JsonMap spec, JsonMap old)
    {
        if (ServiceForm.NeedsClusterIp(old) && !ServiceForm.NeedsClusterIp(spec) && spec.Text("type") == "ExternalName")
            DropUnchanged(spec, old, ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]);
        if (ServiceForm.NeedsNodePorts(old) && !ServiceForm.NeedsNodePorts(spec))
        {
            foreach (var port in spec.Maps("ports"))
            {
                if (old.Maps("ports").Any(o => (o.GetInteger("nodePort") ?? 0) == (port.GetInteger("nodePort") ?? 0)))
                    port.Remove("nodePort");
            }
        }
        if (ServiceForm.NeedsHealthCheckPort(old) && !ServiceForm.NeedsHealthCheckPort(spec))
            DropUnchanged(spec, old, ["healthCheckNodePort"]);
        if (ServiceForm.Type(old) == "LoadBalancer" && ServiceForm.Type(spec) != "LoadBalancer")
            DropUnchanged(spec, old, ["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
        if (ServiceForm.ExternallyAccessible(old) && !ServiceForm.ExternallyAccessible(spec))
            DropUnchanged(spec, old, ["externalTrafficPolicy"]);
    }

    private static void DropUnchanged(JsonMap spec, JsonMap old, ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (JsonTree.DeepEquals(spec[key], old[key]))
                spec.Remove(key);
        }
    }
}
