using System.Text;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>A pod's /etc/hosts: a pure function. Upstream: kubelet_pods.go, ensureHostsFile.</summary>
internal static class HostsFile
{
    public static string Make(Pod pod, IReadOnlyList<string> podIps, string clusterDomain, string nodeHostsFile)
    {
        var text = new StringBuilder();
        if (pod.Spec.HostNetwork)
            text.Append("# Kubernetes-managed hosts file (host network).\n").Append(nodeHostsFile);
        else
            Own(pod, podIps, clusterDomain, text);
        if (pod.Spec.HostAliases.Count > 0)
        {
            text.Append("\n# Entries added by HostAliases.\n");
            foreach (var alias in pod.Spec.HostAliases)
                text.Append(alias.Ip).Append('\t').AppendJoin('\t', alias.Hostnames).Append('\n');
        }
        return text.ToString();
    }

    private static void Own(Pod pod, IReadOnlyList<string> podIps, string clusterDomain, StringBuilder text)
    {
        var hostname = SandboxConfigMaker.Hostname(pod, clusterDomain);
        var domain = SandboxConfigMaker.Domain(pod, clusterDomain);
        text.Append("# Kubernetes-managed hosts file.\n");
        text.Append("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        text.Append("fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n");
        foreach (var ip in podIps)
        {
            text.Append(ip).Append('\t');
            if (domain.Length > 0)
            {
                // The whole name comes first: it is what a lookup of the address gives. With setHostnameAsFQDN the host name is whole already.
                var shortName = hostname.EndsWith("." + domain, StringComparison.Ordinal) ? hostname[..^(domain.Length + 1)] : hostname;
                text.Append(shortName).Append('.').Append(domain).Append('\t').Append(shortName);
            }
            else
            {
                text.Append(hostname);
            }
            text.Append('\n');
        }
    }
}
