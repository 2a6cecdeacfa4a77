using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Pods;

public sealed class ConfigMakersTests
{
    private static readonly ClusterDns Dns = new(["10.96.0.10"], "cluster.local");
    private static readonly string[] Resolver = ["# comment", "search corp.example", "nameserver 9.9.9.9", "options timeout:1"];

    private static string Text(Cri.V1.DNSConfig config) => $"{string.Join(',', config.Servers)} | {string.Join(',', config.Searches)} | {string.Join(',', config.Options)}";

    [Theory]
    [InlineData("ClusterFirst", false, "10.96.0.10 | ns.svc.cluster.local,svc.cluster.local,cluster.local,corp.example | ndots:5")]
    [InlineData("ClusterFirst", true, "9.9.9.9 | corp.example | timeout:1")]
    [InlineData("ClusterFirstWithHostNet", true, "10.96.0.10 | ns.svc.cluster.local,svc.cluster.local,cluster.local,corp.example | ndots:5")]
    [InlineData("Default", false, "9.9.9.9 | corp.example | timeout:1")]
    [InlineData("None", false, " |  | ")]
    public void DnsPolicy(string policy, bool hostNetwork, string expected)
    {
        var pod = TestPods.Pod();
        pod = pod with { Spec = pod.Spec with { DnsPolicy = policy, HostNetwork = hostNetwork } };
        Assert.Equal(expected, Text(DnsConfigMaker.Make(pod, Dns, Resolver)));
    }

    [Fact]
    public void OwnDnsConfig_IsAddedAndItsOptionsWin()
    {
        var pod = TestPods.Pod();
        var own = new PodDNSConfig { Nameservers = ["1.1.1.1"], Searches = ["my.example"], Options = [new() { Name = "ndots", Value = "2" }, new() { Name = "edns0" }] };
        pod = pod with { Spec = pod.Spec with { DnsPolicy = "None", DnsConfig = own } };
        Assert.Equal("1.1.1.1 | my.example | ndots:2,edns0", Text(DnsConfigMaker.Make(pod, Dns, Resolver)));
        pod = pod with { Spec = pod.Spec with { DnsPolicy = "ClusterFirst" } };
        Assert.EndsWith("| ndots:2,edns0", Text(DnsConfigMaker.Make(pod, Dns, Resolver)), StringComparison.Ordinal);
    }

    [Fact]
    public void HostsFile_HasTheSubdomainsName()
    {
        var pod = TestPods.Pod();
        pod = pod with { Spec = pod.Spec with { Subdomain = "sub", HostAliases = [new() { Ip = "1.2.3.4", Hostnames = ["x", "y"] }] } };
        var text = HostsFile.Make(pod, ["10.0.0.1"], "cluster.local", "");
        Assert.Contains("\n10.0.0.1\tp.sub.ns.svc.cluster.local\tp\n", text, StringComparison.Ordinal);
        Assert.Contains("\n1.2.3.4\tx\ty\n", text, StringComparison.Ordinal);
        Assert.StartsWith("# Kubernetes-managed hosts file.\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("p", "", false, "p")]
    [InlineData("p", "own", false, "own")]
    [InlineData("a-name-that-is-longer-than-the-sixty-three-characters-of-a-host-name", "", false, "a-name-that-is-longer-than-the-sixty-three-characters-of-a-host")]
    [InlineData("p", "", true, "p.sub.ns.svc.cluster.local")]
    public void Hostname(string name, string hostname, bool fqdn, string expected)
    {
        var pod = TestPods.Pod();
        pod = pod with { Metadata = pod.Metadata with { Name = name }, Spec = pod.Spec with { Hostname = hostname, Subdomain = fqdn ? "sub" : "", SetHostnameAsFQDN = fqdn } };
        Assert.Equal(expected, SandboxConfigMaker.Hostname(pod, "cluster.local"));
    }

    [Theory]
    [InlineData(false, false, false, null, "Pod Container Pod")]
    [InlineData(true, false, false, null, "Node Container Pod")]
    [InlineData(false, true, false, null, "Pod Node Pod")]
    [InlineData(false, false, true, null, "Pod Container Node")]
    [InlineData(false, false, false, true, "Pod Pod Pod")]
    public void Namespaces(bool hostNetwork, bool hostPid, bool hostIpc, bool? shared, string expected)
    {
        var pod = TestPods.Pod();
        pod = pod with { Spec = pod.Spec with { HostNetwork = hostNetwork, HostPID = hostPid, HostIPC = hostIpc, ShareProcessNamespace = shared } };
        var options = SandboxConfigMaker.Namespaces(pod);
        Assert.Equal(expected, $"{options.Network} {options.Pid} {options.Ipc}");
    }

    [Fact]
    public void Sandbox_HasLabelsPortsAndSysctls()
    {
        var pod = TestPods.Pod();
        pod = pod with
        {
            Spec = pod.Spec with
            {
                SecurityContext = new() { Sysctls = [new() { Name = "net.ipv4.ip_unprivileged_port_start", Value = "0" }], FsGroup = 7 },
                Containers = [pod.Spec.Containers[0] with { Ports = [new() { ContainerPortValue = 80, HostPort = 8080, Protocol = "UDP" }, new() { ContainerPortValue = 81 }] }],
            },
        };
        var config = SandboxConfigMaker.Make(pod, 3, new(), "/logs", "/kubepods/x", "cluster.local");
        Assert.Equal(("p", "ns", "u1", 3u), (config.Metadata.Name, config.Metadata.Namespace, config.Metadata.Uid, config.Metadata.Attempt));
        Assert.Equal("u1", config.Labels[PodNames.UidLabel]);
        var port = Assert.Single(config.PortMappings);
        Assert.Equal((80, 8080, Cri.V1.Protocol.Udp), (port.ContainerPort, port.HostPort, port.Protocol));
        Assert.Equal("0", config.Linux.Sysctls["net.ipv4.ip_unprivileged_port_start"]);
        Assert.Equal([7], config.Linux.SecurityContext.SupplementalGroups);
    }

    private static Cri.V1.ContainerConfig Container(Func<Container, Container> change, ResolvedImage? image = null, PodSecurityContext? shared = null)
    {
        var pod = TestPods.Pod();
        pod = pod with { Spec = pod.Spec with { SecurityContext = shared } };
        var start = new ContainerStart(change(pod.Spec.Containers[0]), ContainerKind.Regular, 2);
        return ContainerConfigMaker.Make(pod, start, image ?? new("sha256:1", null, ""), new Dictionary<string, string> { ["A"] = "1" }, [], 8L << 30);
    }

    [Fact]
    public void Container_ExpandsItsCommandAndNamesItsLog()
    {
        var config = Container(c => c with { Command = ["run", "$(A)"], Args = ["$(B)"] });
        Assert.Equal(["run", "1"], config.Command);
        Assert.Equal(["$(B)"], config.Args);
        Assert.Equal("a/2.log", config.LogPath);
        Assert.Equal("2", config.Annotations[PodNames.RestartCountAnnotation]);
    }

    [Fact]
    public void SecurityContext_OwnWinsOverThePods()
    {
        var own = new SecurityContext { RunAsUser = 5, AllowPrivilegeEscalation = false, ReadOnlyRootFilesystem = true, Capabilities = new() { Add = ["CAP_NET_ADMIN"], Drop = ["ALL"] } };
        var context = Container(c => c with { SecurityContext = own }, shared: new() { RunAsUser = 6, RunAsGroup = 7, FsGroup = 8, SupplementalGroups = [9] }).Linux.SecurityContext;
        Assert.Equal((5L, 7L, true, true), (context.RunAsUser.Value, context.RunAsGroup.Value, context.NoNewPrivs, context.ReadonlyRootfs));
        Assert.Equal([8, 9], context.SupplementalGroups);
        Assert.Equal(["NET_ADMIN"], context.Capabilities.AddCapabilities);
        Assert.NotEmpty(context.MaskedPaths);
    }

    [Theory]
    [InlineData(0L, null, "", "container's runAsUser breaks non-root policy (pod: \"p_ns(u1)\", container: a)")]
    [InlineData(null, 0L, "", "container has runAsNonRoot and image will run as root (pod: \"p_ns(u1)\", container: a)")]
    [InlineData(null, null, "app", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: \"p_ns(u1)\", container: a)")]
    [InlineData(1000L, 0L, "", null)]
    [InlineData(null, 1000L, "", null)]
    public void RunAsNonRoot_IsVerified(long? user, long? imageUid, string imageUser, string? message)
    {
        Cri.V1.ContainerConfig Make() => Container(c => c with { SecurityContext = new() { RunAsNonRoot = true, RunAsUser = user } }, new("sha256:1", imageUid, imageUser));
        if (message is null)
            Assert.NotNull(Make());
        else
            Assert.Equal(message, Assert.Throws<ContainerConfigException>(() => Make()).Message);
    }

    [Theory]
    [InlineData("", "", 2, 0, 0)]
    [InlineData("250m", "", 256, 0, 0)]
    [InlineData("1", "2", 1024, 200000, 100000)]
    [InlineData("", "500m", 512, 50000, 100000)]
    [InlineData("", "1m", 2, 1000, 100000)]
    public void CpuResources(string request, string limit, long shares, long quota, long period)
    {
        static IReadOnlyDictionary<string, Timonier.Api.Quantity> Cpu(string text) => text.Length == 0 ? new Dictionary<string, Timonier.Api.Quantity>() : new Dictionary<string, Timonier.Api.Quantity> { ["cpu"] = TestPods.Quantity(text) };
        var resources = Container(c => c with { Resources = new() { Requests = Cpu(request), Limits = Cpu(limit) } }).Linux.Resources;
        Assert.Equal((shares, quota, period), (resources.CpuShares, resources.CpuQuota, resources.CpuPeriod));
    }
}
