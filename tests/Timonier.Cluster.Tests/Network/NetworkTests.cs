using System.Globalization;

namespace Timonier.Cluster.Tests.Network;

/// <summary>What pods see of each other and of Services, by name and by address.</summary>
public class NetworkTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IAsyncLifetime
{
    private const string Zone = "default.svc.cluster.local";

    public async Task InitializeAsync()
    {
        await cluster.ApplyAsync($$$$"""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers: [{name: c, image: "{{{{ClusterFixture.Image}}}}", ports: [{name: http, containerPort: 80}]}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}, {name: other, port: 8080, targetPort: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: sticky}
            spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: nobody}
            spec: {selector: {app: nobody}, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: outside}
            spec: {type: ExternalName, externalName: "web.{{{{Zone}}}}"}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: datagrams}
            spec: {ports: [{port: 53, protocol: UDP}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: datagrams, labels: {kubernetes.io/service-name: datagrams}}
            addressType: IPv4
            ports: [{port: 53, protocol: UDP}]
            endpoints: [{addresses: ["{{{{cluster.ServiceNetwork}}}}.10"]}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 80}]}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              serviceName: db
              podManagementPolicy: Parallel
              replicas: 2
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - {name: c, image: "{{{{ClusterFixture.Image}}}}"}
            """);
        await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=90s");
        await cluster.KubectlAsync("rollout", "status", "statefulset/db", "--timeout=90s");
    }

    public async Task DisposeAsync() => await cluster.KubectlAsync("delete", "deployment/web", "statefulset/db", "service/web", "service/sticky", "service/nobody", "service/outside", "service/datagrams", "endpointslice/datagrams", "service/db", "--timeout=60s");

    /// <summary>The specification's names, asked for from inside a pod: addresses by the C library, which knows the search domains.</summary>
    [Fact]
    public async Task Names_HaveTheAddressesOfServicesAndPods()
    {
        var web = await cluster.FieldAsync("service/web", ".spec.clusterIP");
        var pods = (await cluster.FieldAsync("pods", ".items[?(@.metadata.labels.app==\"db\")].status.podIP")).Split(' ');
        (string Type, string Name, string[] Answers)[] cases =
        [
            ("a", "web", [web]), ("a", "web.default", [web]), ("a", "web.default.svc", [web]), ("a", $"web.{Zone}", [web]),
            ("a", "db", pods), ("a", "db-0.db", [pods[0]]), ("a", $"db-1.db.{Zone}", [pods[1]]),
            ("a", "kubernetes", [$"{cluster.ServiceNetwork}.1"]), ("a", "outside", [web]),
            ("srv", $"_http._tcp.web.{Zone}", [$"0 100 80 web.{Zone}"]),
            ("srv", $"_http._tcp.db.{Zone}", [$"0 50 80 db-0.db.{Zone}", $"0 50 80 db-1.db.{Zone}"]),
            ("ptr", Reverse(web), [$"web.{Zone}"]), ("ptr", Reverse(pods[0]), [$"db-0.db.{Zone}"]),
            ("a", $"nothing.{Zone}", ["none"]), ("a", "db-2.db", ["none"]), ("srv", $"_dns._tcp.web.{Zone}", ["NXDOMAIN"]),
        ];
        foreach (var (type, name, answers) in cases)
            Assert.Equal($"{type} {name}: {string.Join(", ", answers.Order())}", $"{type} {name}: {string.Join(", ", await AskAsync(type, name))}");
    }

    private static string Reverse(string address) => string.Join('.', address.Split('.').Reverse()) + ".in-addr.arpa";

    private async Task<IEnumerable<string>> AskAsync(string type, string name)
    {
        if (type == "a")
            return (await cluster.TryExecuteAsync("db-0", $"getent ahostsv4 {name}") ?? "none").Split('\n').Select(l => l.Split(' ')[0]).Distinct().Order();
        var lines = (await cluster.Server.KubectlAsync("exec", "db-0", "--", "nslookup", $"-type={type}", name)).All.Split('\n');
        var answers = lines.Skip(3).Select(l => l.Split(["Address: ", "service = ", "name = "], StringSplitOptions.None)).Where(p => p.Length > 1).Select(p => p[1].Trim()).Distinct().Order().ToList();
        return answers.Count > 0 ? answers : lines.Any(l => l.Contains("NXDOMAIN", StringComparison.Ordinal)) ? ["NXDOMAIN"] : lines;
    }

    [Fact]
    public async Task Addresses_ReachThePods_AndShareTheWork()
    {
        var web = await cluster.FieldAsync("service/web", ".spec.clusterIP");
        var port = await cluster.FieldAsync("service/web", ".spec.ports[0].nodePort");
        var node = await cluster.FieldAsync("node/test-node", ".status.addresses[?(@.type==\"InternalIP\")].address");
        var pods = (await cluster.FieldAsync("pods", ".items[?(@.metadata.labels.app==\"web\")].metadata.name")).Split(' ');
        var ownAddress = await cluster.FieldAsync($"pod/{pods[0]}", ".status.podIP");
        // Between pods, to a Service, to another of its ports, to the own Service and back, to the node.
        foreach (var (from, address) in ((string, string)[])[("db-0", ownAddress), ("db-0", web), ("db-0", $"{web} 8080"), (pods[0], web), ("db-0", $"{node} {port}")])
        {
            var answers = (await cluster.ExecuteAsync(from, $"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do timeout 5 get {address} || echo lost; done")).Split('\n').Distinct().Order();
            Assert.Equal((from, address, string.Join(" ", address == ownAddress ? pods[..1] : pods.Order())), (from, address, string.Join(' ', answers)));
        }
        var sticky = await cluster.FieldAsync("service/sticky", ".spec.clusterIP");
        Assert.Single((await cluster.ExecuteAsync("db-0", $"for i in 1 2 3 4 5 6 7 8 9 10; do timeout 5 get {sticky}; done")).Split('\n').Distinct());
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5), DefaultRequestHeaders = { ConnectionClose = true } };
        foreach (var url in (string[])[$"http://{web}/", $"http://127.0.0.1:{port}/", $"http://{node}:{port}/"])
            Assert.StartsWith("web-", await client.GetStringAsync(url));
    }

    [Fact]
    public async Task ServiceWithoutPods_RefusesAtOnce_AndDatagramsReachASliceMadeByHand()
    {
        var (nobody, datagrams) = (await cluster.FieldAsync("service/nobody", ".spec.clusterIP"), await cluster.FieldAsync("service/datagrams", ".spec.clusterIP"));
        Assert.Contains("refused", await cluster.ExecuteAsync("db-0", $"timeout 5 get {nobody} 2>&1 || true"));
        // The Service has no pods but a slice made by hand: it leads to the cluster's own DNS.
        Assert.Contains(await cluster.FieldAsync("service/web", ".spec.clusterIP"), await cluster.ExecuteAsync("db-0", $"nslookup web.{Zone} {datagrams} | tail -n +3"));
    }

    /// <summary>A Service's pods go and others come: those that ask in the meantime notice nothing but the names.</summary>
    [Fact]
    public async Task ReplacedPods_AreFollowedByTheirService()
    {
        var before = (await cluster.FieldAsync("pods", ".items[?(@.metadata.labels.app==\"web\")].metadata.name")).Split(' ');
        await cluster.KubectlAsync("rollout", "restart", "deployment/web");
        await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=90s");
        var web = await cluster.FieldAsync("service/web", ".spec.clusterIP");
        await ClusterFixture.WaitAsync(async () =>
        {
            var answers = (await cluster.ExecuteAsync("db-0", $"for i in 1 2 3 4 5 6 7 8; do timeout 5 get {web}; done")).Split('\n');
            return !answers.Intersect(before).Any() && answers.Distinct().Count() == 2;
        }, "only the new pods answer");
    }
}
