using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Json;
using Timonier.Api.Networking.V1;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>Endpoints, ingress, network policies and what belongs to service addresses.</summary>
internal static class NetworkKinds
{
    public static IEnumerable<KeyValuePair<string, Strategy>> All() =>
    [
        new("endpoints", new SimpleStrategy<Endpoints>
        {
            CreateOnUpdate = true,
            Defaults = o =>
            {
                foreach (var port in o.Maps("subsets").SelectMany(s => s.Maps("ports")))
                    port.DefaultZero("protocol", "TCP");
            },
            Check = EndpointValidation.Endpoints,
        }),
        new("endpointslices.discovery.k8s.io", new SimpleStrategy<EndpointSlice>
        {
            Generation = true, Immutable = ["addressType"],
            Defaults = o =>
            {
                foreach (var port in o.Maps("ports"))
                {
                    port.Default("name", "");
                    port.Default("protocol", "TCP");
                }
            },
            Check = EndpointValidation.Slice,
        }),
        new("ingresses.networking.k8s.io", new SimpleStrategy<Ingress>
        {
            Generation = true, NewStatus = () => new JsonMap { ["loadBalancer"] = new JsonMap() },
            Check = (ingress, errors) =>
            {
                IngressValidation.Ingress(ingress, errors);
                if (ingress.Metadata.Annotations.TryGetValue("kubernetes.io/ingress.class", out var annotation) && ingress.Spec.IngressClassName is not null && ingress.Spec.IngressClassName != annotation)
                    errors.Invalid("annotations.kubernetes.io/ingress.class", annotation, "must match `ingressClassName` when both are specified");
            },
        }),
        new("ingressclasses.networking.k8s.io", new SimpleStrategy<IngressClass>
        {
            Generation = true, Immutable = ["spec.controller"],
            Defaults = o => o.Spec().GetMap("parameters")?.Default("scope", "Cluster"),
            Check = IngressValidation.Class,
        }),
        new("networkpolicies.networking.k8s.io", new SimpleStrategy<NetworkPolicy>
        {
            Generation = true,
            Defaults = o =>
            {
                var spec = o.Spec();
                foreach (var port in spec.Maps("ingress").Concat(spec.Maps("egress")).SelectMany(r => r.Maps("ports")))
                    port.Default("protocol", "TCP");
                if (spec.GetList("policyTypes") is not { Count: > 0 })
                    spec["policyTypes"] = spec.GetList("egress") is { Count: > 0 } ? new JsonList { "Ingress", "Egress" } : new JsonList { "Ingress" };
            },
            Check = IngressValidation.Policy,
        }),
        new("servicecidrs.networking.k8s.io", new SimpleStrategy<ServiceCIDR>
        {
            Immutable = ["spec.cidrs"],
            Check = (cidr, errors) =>
            {
                if (cidr.Spec.Cidrs.Count == 0)
                    errors.Required("spec.cidrs", "at least one CIDR required");
                if (cidr.Spec.Cidrs.Count > 2)
                    errors.Invalid("spec.cidrs", new JsonList(cidr.Spec.Cidrs), "may only hold up to 2 values");
                for (var i = 0; i < cidr.Spec.Cidrs.Count; i++)
                    errors.Each($"spec.cidrs[{i}]", cidr.Spec.Cidrs[i], Names.Cidr(cidr.Spec.Cidrs[i]));
            },
        }),
        new("ipaddresses.networking.k8s.io", new SimpleStrategy<IPAddress>
        {
            Immutable = ["spec.parentRef"],
            Names = (name, _) => Names.TryIp(name, out var ip) && ip.ToString() == name ? [] : ["must be a valid IP address in canonical form (e.g. 10.9.8.7 or 2001:db8::ffff)"],
            Check = (address, errors) =>
            {
                if (address.Spec.ParentRef is not { } parent)
                {
                    errors.Required("spec.parentRef");
                    return;
                }
                if (parent.Resource.Length == 0)
                    errors.Required("spec.parentRef.resource");
                if (parent.Name.Length == 0)
                    errors.Required("spec.parentRef.name");
            },
        }),
    ];
}
