using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Meta.V1;
using Timonier.Network.Proxy;

namespace Timonier.Network.Tests.Proxy;

public class ServiceRulesTests
{
    internal static readonly ProxyNode Node = new("n1", "z1", IPNetwork.Parse("10.244.0.0/16"), IPAddress.Parse("10.96.0.10"));

    internal static Service Service(ServiceSpec? spec = null) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "web" },
        Spec = (spec ?? new ServiceSpec()) with
        {
            ClusterIP = spec?.ClusterIP is { Length: > 0 } address ? address : "10.96.0.7",
            Ports = spec?.Ports.Count > 0 ? spec.Ports : [new ServicePort { Name = "http", Port = 80, Protocol = "TCP", NodePort = spec?.Type is "NodePort" or "LoadBalancer" ? 30080 : 0 }],
        },
    };

    /// <summary>Endpoints written as "address node state zones nodes", state one of ready, terminating, unready.</summary>
    internal static EndpointSlice Slice(params string[] endpoints) => new()
    {
        AddressType = "IPv4",
        Ports = [new Timonier.Api.Discovery.V1.EndpointPort { Name = "http", Port = 8080, Protocol = "TCP" }],
        Endpoints = [.. endpoints.Select(text => text.Split(' ')).Select(words => new Endpoint
        {
            Addresses = [words[0]],
            NodeName = words[1],
            Conditions = new EndpointConditions { Ready = words[2] == "ready", Serving = words[2] != "unready", Terminating = words[2] == "terminating" },
            Hints = words.Length == 3 ? null : new EndpointHints
            {
                ForZones = words[3] == "-" ? [] : [new ForZone { Name = words[3] }],
                ForNodes = words.Length < 5 ? [] : [new ForNode { Name = words[4] }],
            },
        })],
    };

    private static readonly string[] TwoReady = ["10.244.0.5 n1 ready", "10.244.1.6 n2 ready"];

    private const string Two = "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.1.6 . 8080 }";
    private const string First = "meta l4proto tcp dnat to 10.244.0.5:8080";
    private const string Second = "meta l4proto tcp dnat to 10.244.1.6:8080";

    public static TheoryData<string, ServiceSpec, string[], string[]> Rows => new()
    {
        {
            "two endpoints share connections evenly, and the local one may reach itself", new(), TwoReady,
            [
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80",
                "hairpins 10.244.0.5 . 10.244.0.5",
                "service/ns/web/tcp/80: " + Two,
            ]
        },
        {
            "no endpoint: refused", new(), [],
            ["services 10.96.0.7 . tcp . 80 : goto refuse"]
        },
        {
            "an endpoint that is not ready gets nothing", new(), ["10.244.0.5 n2 unready", "10.244.1.6 n2 ready"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + Second]
        },
        {
            "terminating endpoints serve only when no other is left", new(), ["10.244.0.5 n2 terminating"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + First]
        },
        {
            "terminating endpoints rest while another is ready", new(), ["10.244.0.5 n2 terminating", "10.244.1.6 n2 ready"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + Second]
        },
        {
            "internal traffic stays on the node", new() { InternalTrafficPolicy = "Local" }, TwoReady,
            [
                "services 10.96.0.7 . tcp . 80 : goto local/ns/web/tcp/80",
                "hairpins 10.244.0.5 . 10.244.0.5",
                "service/ns/web/tcp/80: " + Two,
                "local/ns/web/tcp/80: " + First,
            ]
        },
        {
            "internal traffic has no local endpoint: dropped", new() { InternalTrafficPolicy = "Local" }, ["10.244.1.6 n2 ready"],
            ["services 10.96.0.7 . tcp . 80 : drop", "service/ns/web/tcp/80: " + Second]
        },
        {
            "node port hides the client", new() { Type = "NodePort" }, ["10.244.1.6 n2 ready"],
            [
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80",
                "nodeports tcp . 30080 : goto external/ns/web/tcp/80",
                "service/ns/web/tcp/80: " + Second,
                "external/ns/web/tcp/80: meta mark set meta mark or 0x4000; goto service/ns/web/tcp/80",
            ]
        },
        {
            "node port without endpoints: refused", new() { Type = "NodePort" }, [],
            ["services 10.96.0.7 . tcp . 80 : goto refuse", "nodeports tcp . 30080 : goto refuse"]
        },
        {
            "external policy Local keeps the client and the node; pods and the node itself use all", new() { Type = "NodePort", ExternalTrafficPolicy = "Local" }, TwoReady,
            [
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80",
                "hairpins 10.244.0.5 . 10.244.0.5",
                "nodeports tcp . 30080 : goto external/ns/web/tcp/80",
                "service/ns/web/tcp/80: " + Two,
                "local/ns/web/tcp/80: " + First,
                "external/ns/web/tcp/80: ip saddr 10.244.0.0/16 goto service/ns/web/tcp/80; fib saddr type local meta mark set meta mark or 0x4000 goto service/ns/web/tcp/80; goto local/ns/web/tcp/80",
            ]
        },
        {
            "external policy Local without a local endpoint: dropped", new() { ExternalIPs = ["192.0.2.9"], ExternalTrafficPolicy = "Local" }, ["10.244.1.6 n2 ready"],
            [
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80",
                "services 192.0.2.9 . tcp . 80 : goto external/ns/web/tcp/80",
                "service/ns/web/tcp/80: " + Second,
                "external/ns/web/tcp/80: ip saddr 10.244.0.0/16 goto service/ns/web/tcp/80; fib saddr type local meta mark set meta mark or 0x4000 goto service/ns/web/tcp/80; drop",
            ]
        },
        {
            "a client stays with its endpoint", new() { SessionAffinity = "ClientIP", SessionAffinityConfig = new() { ClientIP = new() { TimeoutSeconds = 60 } } }, ["10.244.1.6 n2 ready"],
            [
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80",
                "affinity/ns/web/tcp/80/60/10.244.1.6/8080 = type ipv4_addr; flags dynamic,timeout; timeout 60s;",
                "endpoint/ns/web/tcp/80/60/10.244.1.6/8080: update @affinity/ns/web/tcp/80/60/10.244.1.6/8080 { ip saddr }; " + Second,
                "service/ns/web/tcp/80: ip saddr @affinity/ns/web/tcp/80/60/10.244.1.6/8080 goto endpoint/ns/web/tcp/80/60/10.244.1.6/8080; numgen random mod 1 vmap { 0 : goto endpoint/ns/web/tcp/80/60/10.244.1.6/8080 }",
            ]
        },
        {
            "hints for our zone keep traffic near", new(), ["10.244.0.5 n2 ready z1", "10.244.1.6 n2 ready z2"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + First]
        },
        {
            "hints for our node go before those for zones", new(), ["10.244.0.5 n2 ready z1 n2", "10.244.1.6 n2 ready z1 n1"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + Second]
        },
        {
            "hints that some endpoint lacks do not count", new(), ["10.244.0.5 n2 ready z1", "10.244.1.6 n2 ready"],
            ["services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "service/ns/web/tcp/80: " + Two]
        },
        { "headless: nothing", new() { ClusterIP = "None" }, TwoReady, [] },
        { "external name: nothing", new() { Type = "ExternalName" }, [], [] },
        { "the DNS address is this node's own", new() { ClusterIP = "10.96.0.10" }, TwoReady, [] },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Service_AsksFor(string situation, ServiceSpec spec, string[] endpoints, string[] expected)
    {
        Assert.NotEmpty(situation);
        Assert.Equal(expected.Order(StringComparer.Ordinal), Show(ServiceRules.Build(Service(spec), [Slice(endpoints)], Node)));
    }

    [Fact]
    public void LoadBalancer_AnswersOnItsAddressForItsSourceRanges()
    {
        var service = Service(new ServiceSpec { Type = "LoadBalancer", LoadBalancerSourceRanges = ["198.51.100.0/24", " bad"] }) with
        {
            Status = new ServiceStatus { LoadBalancer = new() { Ingress = [new() { Ip = "192.0.2.2" }, new() { Hostname = "x" }, new() { Ip = "192.0.2.3", IpMode = "Proxy" }] } },
        };
        var shown = Show(ServiceRules.Build(service, [Slice("10.244.1.6 n2 ready")], Node));
        Assert.Contains("services 192.0.2.2 . tcp . 80 : goto firewall/ns/web/tcp/80", shown);
        Assert.Contains("firewall/ns/web/tcp/80: ip saddr 198.51.100.0/24 goto external/ns/web/tcp/80; drop", shown);
        Assert.DoesNotContain(shown, line => line.Contains("192.0.2.3", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("service.kubernetes.io/service-proxy-name")]
    [InlineData("service.kubernetes.io/headless")]
    public void LabelThatNamesAnotherProxy_Nothing(string label)
    {
        var service = Service();
        service = service with { Metadata = service.Metadata with { Labels = new Dictionary<string, string> { [label] = "" } } };
        Assert.Same(NftModel.Empty, ServiceRules.Build(service, [Slice(TwoReady)], Node));
    }

    [Fact]
    public void PortOfAnotherName_IsNotServed()
    {
        var service = Service(new ServiceSpec { Ports = [new ServicePort { Name = "other", Port = 81, Protocol = "TCP" }] });
        Assert.Equal(["services 10.96.0.7 . tcp . 81 : goto refuse"], Show(ServiceRules.Build(service, [Slice(TwoReady)], Node)));
    }

    /// <summary>"EndpointSlice should support a Service with multiple endpoint IPs, multiple ports specified in multiple EndpointSlices".</summary>
    [Fact]
    public void SlicesOfOneService_AreOneListForEachPort()
    {
        var service = Service(new ServiceSpec { Ports = [new ServicePort { Name = "http", Port = 80, Protocol = "TCP" }, new ServicePort { Name = "other", Port = 81, Protocol = "TCP" }] });
        var other = Slice("10.244.1.7 n2 ready") with { Ports = [new Timonier.Api.Discovery.V1.EndpointPort { Name = "other", Port = 9090, Protocol = "TCP" }] };
        Assert.Equal(
            [
                "hairpins 10.244.0.5 . 10.244.0.5", "service/ns/web/tcp/80: " + Two, "service/ns/web/tcp/81: meta l4proto tcp dnat to 10.244.1.7:9090",
                "services 10.96.0.7 . tcp . 80 : goto service/ns/web/tcp/80", "services 10.96.0.7 . tcp . 81 : goto service/ns/web/tcp/81",
            ], Show(ServiceRules.Build(service, [Slice("10.244.0.5 n1 ready"), Slice("10.244.1.6 n2 ready"), other], Node)));
    }

    [Fact]
    public void HostPorts_LeadToTheirPod()
    {
        var pod = new Pod
        {
            Metadata = new ObjectMeta { Namespace = "ns", Name = "p" },
            Spec = new PodSpec { NodeName = "n1", Containers = [new Container { Ports = [new() { HostPort = 8000, ContainerPortValue = 80 }, new() { HostPort = 5353, HostIP = "192.0.2.2", ContainerPortValue = 53, Protocol = "UDP" }, new() { ContainerPortValue = 9 }] }] },
            Status = new PodStatus { PodIP = "10.244.0.5", Phase = "Running" },
        };
        Assert.Equal(
        [
            "hairpins 10.244.0.5 . 10.244.0.5",
            "hostport/ns/p/tcp//8000: meta l4proto tcp dnat to 10.244.0.5:80",
            "hostport/ns/p/udp/192.0.2.2/5353: meta l4proto udp dnat to 10.244.0.5:53",
            "nodeports tcp . 8000 : goto hostport/ns/p/tcp//8000",
            "services 192.0.2.2 . udp . 5353 : goto hostport/ns/p/udp/192.0.2.2/5353",
        ], Show(HostPortRules.Build(pod, "n1")));
        Assert.Same(NftModel.Empty, HostPortRules.Build(pod with { Status = pod.Status with { Phase = "Succeeded" } }, "n1"));
        Assert.Same(NftModel.Empty, HostPortRules.Build(pod, "n2"));
    }

    private static IEnumerable<string> Show(NftModel model) => model.Elements
        .Select(element => $"{element.Key.Container} {element.Key.Key}{(element.Value == "" ? "" : " : " + element.Value)}")
        .Concat(model.Chains.Select(chain => $"{chain.Key}: {string.Join("; ", chain.Value)}"))
        .Concat(model.Sets.Select(set => $"{set.Key} = {set.Value}"))
        .Order(StringComparer.Ordinal);
}
