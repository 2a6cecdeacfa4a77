using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>A pod, and the template of one: upstream ValidatePodSpec, in its order.</summary>
internal static class PodValidation
{
    private const int MaxInt32 = int.MaxValue;

    public static void ValidateCreate(Pod pod, FieldErrors errors)
    {
        Validate(pod, errors);
        if (pod.Spec.EphemeralContainers.Count > 0)
            errors.Forbidden("spec.ephemeralContainers", "cannot be set on create");
        if (pod.Spec.NodeName.Length > 0 && pod.Spec.SchedulingGates.Count > 0)
            errors.Forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
    }

    public static void Validate(Pod pod, FieldErrors errors)
    {
        Spec(pod.Spec, "spec", errors);
        if (pod.Spec.ServiceAccountName.Length == 0)
        {
            for (var v = 0; v < pod.Spec.Volumes.Count; v++)
            {
                var sources = pod.Spec.Volumes[v].Projected?.Sources ?? [];
                for (var s = 0; s < sources.Count; s++)
                {
                    if (sources[s].ServiceAccountToken is not null)
                        errors.Forbidden($"spec.volumes[{v}].projected.sources[{s}].serviceAccountToken", "must not be specified when serviceAccountName is not set");
                }
            }
        }
        WithoutBlanks(pod.Spec.Containers, "spec.containers", errors);
        WithoutBlanks(pod.Spec.InitContainers, "spec.initContainers", errors);
    }

    public static void Template(PodTemplateSpec template, string path, FieldErrors errors)
    {
        MetadataValidation.Labels(template.Metadata.Labels, errors, $"{path}.labels");
        foreach (var key in template.Metadata.Annotations.Keys)
            errors.Each($"{path}.annotations", key, Names.Qualified(key.ToLowerInvariant()));
        Spec(template.Spec, $"{path}.spec", errors);
        if (template.Spec.EphemeralContainers.Count > 0)
            errors.Forbidden($"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
    }

    private static void Spec(PodSpec spec, string path, FieldErrors errors)
    {
        var volumes = VolumeValidation.Volumes(spec.Volumes, $"{path}.volumes", errors);
        ContainerValidation.Containers(spec, volumes, path, errors);
        errors.OneOf($"{path}.restartPolicy", spec.RestartPolicy, "Always", "OnFailure", "Never");
        errors.OneOf($"{path}.dnsPolicy", spec.DnsPolicy, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        MetadataValidation.Labels(spec.NodeSelector, errors, $"{path}.nodeSelector");
        SecurityValidation.Pod(spec, path, errors);
        AffinityValidation.Affinity(spec.Affinity, $"{path}.affinity", errors);
        Dns(spec, $"{path}.dnsConfig", errors);
        for (var i = 0; i < spec.ReadinessGates.Count; i++)
            errors.Each($"{path}.readinessGates[{i}].conditionType", spec.ReadinessGates[i].ConditionType, Names.Qualified(spec.ReadinessGates[i].ConditionType));
        SchedulingGates(spec, $"{path}.schedulingGates", errors);
        AffinityValidation.TopologySpread(spec.TopologySpreadConstraints, $"{path}.topologySpreadConstraints", errors);
        if (spec.ServiceAccountName.Length > 0)
            errors.Each($"{path}.serviceAccountName", spec.ServiceAccountName, Names.Subdomain(spec.ServiceAccountName));
        if (spec.NodeName.Length > 0)
            errors.Each($"{path}.nodeName", spec.NodeName, Names.Subdomain(spec.NodeName));
        if (spec.ActiveDeadlineSeconds is < 1 or > MaxInt32)
            errors.Invalid($"{path}.activeDeadlineSeconds", spec.ActiveDeadlineSeconds, Names.Range(1, MaxInt32));
        if (spec.Hostname.Length > 0)
            errors.Each($"{path}.hostname", spec.Hostname, Names.Label(spec.Hostname));
        if (spec.Subdomain.Length > 0)
            errors.Each($"{path}.subdomain", spec.Subdomain, Names.Label(spec.Subdomain));
        AffinityValidation.Tolerations(spec.Tolerations, $"{path}.tolerations", errors);
        HostAliases(spec, $"{path}.hostAliases", errors);
        if (spec.PriorityClassName.Length > 0)
            errors.Each($"{path}.priorityClassName", spec.PriorityClassName, Names.Subdomain(spec.PriorityClassName));
        if (spec.RuntimeClassName is { } runtimeClass)
            errors.Each($"{path}.runtimeClassName", runtimeClass, Names.Subdomain(runtimeClass));
        errors.OneOfOptional($"{path}.preemptionPolicy", spec.PreemptionPolicy, "PreemptLowerPriority", "Never");
        foreach (var (name, amount) in spec.Overhead)
            ResourceValidation.Amount(name, amount, $"{path}.overhead.limits[{name}]", errors);
        if (spec.Os is { } os)
            errors.OneOf($"{path}.os.name", os.Name, "linux", "windows");
        if (spec.Resources is { } resources)
            PodResources(spec, resources, $"{path}.resources", errors);
    }

    private static void Dns(PodSpec spec, string path, FieldErrors errors)
    {
        if (spec.DnsPolicy == "None" && spec.DnsConfig is not { Nameservers.Count: > 0 })
        {
            if (spec.DnsConfig is null)
                errors.Required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
            else
                errors.Required($"{path}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None");
            return;
        }
        if (spec.DnsConfig is not { } dns)
            return;
        if (dns.Nameservers.Count > 3)
            errors.Invalid($"{path}.nameservers", new Api.Json.JsonList(dns.Nameservers), "must not have more than 3 nameservers");
        for (var i = 0; i < dns.Nameservers.Count; i++)
            errors.Each($"{path}.nameservers[{i}]", dns.Nameservers[i], Names.Ip(dns.Nameservers[i]));
        if (dns.Searches.Count > 32)
            errors.Invalid($"{path}.searches", new Api.Json.JsonList(dns.Searches), "must not have more than 32 search paths");
        if (dns.Searches.Sum(s => s.Length + 1) - 1 > 2048)
            errors.Invalid($"{path}.searches", new Api.Json.JsonList(dns.Searches), "must not have more than 2048 characters (including spaces) in the search list");
        for (var i = 0; i < dns.Searches.Count; i++)
        {
            var search = dns.Searches[i];
            // A trailing dot says it is complete; a single dot that there is no search.
            if (search != ".")
                errors.Each($"{path}.searches[{i}]", search, Names.Subdomain((search.EndsWith('.') ? search[..^1] : search).Replace('_', 'x')));
        }
        for (var i = 0; i < dns.Options.Count; i++)
        {
            if (dns.Options[i].Name.Length == 0)
                errors.Required($"{path}.options[{i}]", "must not be empty");
        }
    }

    private static void SchedulingGates(PodSpec spec, string path, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.SchedulingGates.Count; i++)
        {
            var name = spec.SchedulingGates[i].Name;
            errors.Each($"{path}[{i}].name", name, Names.Qualified(name));
            if (!seen.Add(name))
                errors.Duplicate($"{path}[{i}]", name);
        }
    }

    private static void HostAliases(PodSpec spec, string path, FieldErrors errors)
    {
        for (var i = 0; i < spec.HostAliases.Count; i++)
        {
            var alias = spec.HostAliases[i];
            errors.Each($"{path}[{i}].ip", alias.Ip, Names.Ip(alias.Ip));
            for (var h = 0; h < alias.Hostnames.Count; h++)
                errors.Each($"{path}[{i}].hostnames[{h}]", alias.Hostnames[h], Names.Subdomain(alias.Hostnames[h]));
        }
    }

    private static void PodResources(PodSpec spec, ResourceRequirements resources, string path, FieldErrors errors)
    {
        ResourceValidation.Requirements(resources, path, errors);
        foreach (var name in resources.Requests.Keys.Concat(resources.Limits.Keys).Distinct())
        {
            if (!Strategies.PodLevelResources.IsSupported(name))
                errors.NotSupported($"{path}", name, ["cpu", "memory", "hugepages-"]);
        }
        foreach (var (name, total) in resources.Requests)
        {
            var sum = spec.Containers.Aggregate(new Api.Quantity(0), (total, c) => c.Resources.Requests.TryGetValue(name, out var amount) ? total + amount : total);
            if (sum > total)
                errors.Invalid($"{path}.requests[{name}]", total.ToString(), $"must be greater than or equal to aggregate container requests of {sum}");
        }
    }

    // Only for pods: templates have always been allowed to carry such names.
    private static void WithoutBlanks(IReadOnlyList<Container> containers, string path, FieldErrors errors)
    {
        for (var i = 0; i < containers.Count; i++)
        {
            if (containers[i].Image.Trim().Length != containers[i].Image.Length)
                errors.Invalid($"{path}[{i}].image", containers[i].Image, "must not have leading or trailing whitespace");
        }
    }
}
