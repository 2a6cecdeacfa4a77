using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>How pods find names. Empty addresses: there is no cluster DNS, and ClusterFirst falls back to the node's.</summary>
public sealed record ClusterDns(IReadOnlyList<string> Addresses, string Domain)
{
    /// <summary>The node's own resolver file, for pods with policy Default and as the source of search domains.</summary>
    public string ResolverFile { get; init; } = "/etc/resolv.conf";
}

/// <summary>A pod's resolv.conf, from its policy and the node's file: a pure function. Upstream: network/dns/dns.go.</summary>
internal static class DnsConfigMaker
{
    // MaxDNSSearchPaths, MaxDNSNameservers and their like: what resolvers since glibc 2.26 take.
    private const int SearchesMax = 32;
    private const int ServersMax = 3;

    public static Cri.V1.DNSConfig Make(Pod pod, ClusterDns cluster, IEnumerable<string> resolverLines)
    {
        var host = Parse(resolverLines);
        var policy = pod.Spec.DnsPolicy;
        var useCluster = policy == "ClusterFirstWithHostNet" || (policy is "ClusterFirst" or "" && !pod.Spec.HostNetwork);
        var config = new Cri.V1.DNSConfig();
        if (policy == "None")
        {
            // Only what the pod says.
        }
        else if (useCluster && cluster.Addresses.Count > 0)
        {
            config.Servers.AddRange(cluster.Addresses);
            string[] searches = [$"{pod.Metadata.Namespace}.svc.{cluster.Domain}", $"svc.{cluster.Domain}", cluster.Domain];
            config.Searches.AddRange(searches.Concat(host.Searches).Distinct(StringComparer.Ordinal));
            config.Options.Add("ndots:5");
        }
        else
        {
            config = host;
        }
        if (pod.Spec.DnsConfig is { } own)
            Append(config, own);
        Trim(config.Servers, ServersMax);
        Trim(config.Searches, SearchesMax);
        return config;
    }

    private static void Append(Cri.V1.DNSConfig config, PodDNSConfig own)
    {
        config.Servers.AddRange(own.Nameservers.Except(config.Servers).ToArray());
        config.Searches.AddRange(own.Searches.Except(config.Searches).ToArray());
        foreach (var option in own.Options)
        {
            foreach (var known in config.Options.Where(o => o.Split(':')[0] == option.Name).ToArray())
                config.Options.Remove(known);
            config.Options.Add(string.IsNullOrEmpty(option.Value) ? option.Name : $"{option.Name}:{option.Value}");
        }
    }

    private static Cri.V1.DNSConfig Parse(IEnumerable<string> lines)
    {
        var config = new Cri.V1.DNSConfig();
        foreach (var line in lines)
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || words[0][0] is '#' or ';')
                continue;
            if (words[0] == "nameserver")
                config.Servers.Add(words[1]);
            if (words[0] == "search")
            {
                config.Searches.Clear();
                config.Searches.AddRange(words.Skip(1).Where(w => w != ".").Select(w => w.TrimEnd('.')));
            }
            if (words[0] == "options")
            {
                config.Options.Clear();
                config.Options.AddRange(words.Skip(1));
            }
        }
        return config;
    }

    private static void Trim(Google.Protobuf.Collections.RepeatedField<string> list, int max)
    {
        while (list.Count > max)
            list.RemoveAt(list.Count - 1);
    }
}
