using System.Globalization;

namespace Timonier.Cluster.Tests.Manifests;

/// <summary>Manifests as people have them apply unchanged, and do what their authors expect.</summary>
public class ReferenceManifestsTests(ReferenceManifestsFixture cluster) : IClassFixture<ReferenceManifestsFixture>
{
    [Fact]
    public async Task AllFiles_ApplyUnchanged()
    {
        foreach (var directory in ReferenceManifestsFixture.Directories)
        {
            var files = Directory.GetFiles(directory, "*.yaml");
            Assert.Equal(4, files.Length);
            var result = await cluster.Server.KubectlAsync(["apply", "--dry-run=server", .. files.SelectMany(f => (string[])["-f", f])]);
            Assert.True(result.ExitCode == 0, result.All);
        }
    }

    [Fact]
    public async Task TwoContainerPod_RunsBothInOneNetwork()
    {
        await cluster.ApplyFileAsync("rancher-demo-pod.yaml");
        await cluster.ReadyAsync("rancher-demo-pod");
        Assert.Equal("true true", await cluster.FieldAsync("pod/rancher-demo-pod", ".status.containerStatuses[*].ready"));
        Assert.Equal("stand-in for rancher-demo at rancher-demo-pod", (await cluster.KubectlAsync("exec", "rancher-demo-pod", "-c", "redis-container", "--", "sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080 | tail -n 1")).Trim());
        Assert.Equal("+PONG", (await cluster.KubectlAsync("exec", "rancher-demo-pod", "-c", "rancher-demo-container", "--", "sh", "-c", "echo PING | nc -w 2 127.0.0.1 6379")).Trim());
        await cluster.KubectlAsync("delete", "pod", "rancher-demo-pod", "--timeout=60s");
    }

    /// <summary>The old manifest with the clock of every minute; all else unchanged.</summary>
    [Fact]
    public async Task CronJobOfTheOldVersion_FiresWhenItsMinuteComes()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(ReferenceManifestsFixture.Directories[0], "daily-job-cronjob-v1beta1.yaml"));
        await cluster.ApplyAsync(manifest.Replace("0 0 * * *", "* * * * *", StringComparison.Ordinal));
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("jobs", ".items[?(@.status.succeeded==1)].metadata.name") != "", "a job of the minute has run", 100);
        var name = (await cluster.FieldAsync("jobs", ".items[?(@.status.succeeded==1)].metadata.name")).Split(' ')[0];
        Assert.Equal("Hello, World!", (await cluster.KubectlAsync("logs", $"job/{name}")).Trim());
        // Its name says for which minute, counted from 1970; it came in that minute and not before.
        var due = DateTimeOffset.FromUnixTimeSeconds(60 * long.Parse(name["daily-job-".Length..], CultureInfo.InvariantCulture));
        var created = DateTimeOffset.Parse(await cluster.FieldAsync($"job/{name}", ".metadata.creationTimestamp"), CultureInfo.InvariantCulture);
        Assert.InRange(created - due, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        Assert.StartsWith("daily-job", (await cluster.KubectlAsync("get", "cronjobs.v1beta1.batch", "-o", "jsonpath={.items[0].metadata.name}")));
        await cluster.KubectlAsync("delete", "cronjob", "daily-job", "--timeout=60s");
    }

    [Fact]
    public async Task RecreateDeployment_EndsTheOldPodsBeforeTheNewBegin()
    {
        await cluster.ApplyFileAsync("nginx-deployment.yaml");
        await cluster.KubectlAsync("rollout", "status", "deployment/nginx-deployment", "--timeout=90s");
        Assert.Equal("3", await cluster.FieldAsync("deployment/nginx-deployment", ".status.readyReplicas"));
        var old = await PodsAsync();
        Assert.Equal(3, old.Count);
        await cluster.KubectlAsync("rollout", "restart", "deployment/nginx-deployment");
        // Whoever looks sees old pods or new ones, never both: one list is one moment.
        await ClusterFixture.WaitAsync(async () =>
        {
            var pods = await PodsAsync();
            var left = pods.Intersect(old).Count();
            Assert.True(left == 0 || left == pods.Count, string.Join(' ', pods));
            return left == 0 && pods.Count == 3;
        }, "three new pods");
        await cluster.KubectlAsync("rollout", "status", "deployment/nginx-deployment", "--timeout=90s");
        await cluster.KubectlAsync("delete", "deployment", "nginx-deployment", "--timeout=60s");
    }

    /// <summary>Those that have not ended.</summary>
    private async Task<List<string>> PodsAsync() =>
        [.. (await cluster.FieldAsync("pods", ".items[?(@.status.phase!=\"Succeeded\")].metadata.name")).Split(' ').Where(p => p.StartsWith("nginx-", StringComparison.Ordinal))];

    [Fact]
    public async Task StatefulSet_HasOrderedNames_OwnVolumes_StableDnsNames_AndAnOrderedStop()
    {
        // The manifest names a Service that its author had beside it.
        await cluster.KubectlAsync("create", "service", "clusterip", "cassandra", "--clusterip=None", "--tcp=9042");
        await cluster.ApplyFileAsync("cassandra-statefulset.yaml");
        await cluster.KubectlAsync("rollout", "status", "statefulset/cassandra", "--timeout=120s");
        string[] pods = ["cassandra-0", "cassandra-1", "cassandra-2"];
        // One after the other: each begins when the one before is ready.
        for (var i = 1; i < pods.Length; i++)
            Assert.True(await TimeAsync(pods[i - 1], ".status.conditions[?(@.type==\"Ready\")].lastTransitionTime") <= await TimeAsync(pods[i], ".metadata.creationTimestamp"));
        Assert.Equal("data-cassandra-0 data-cassandra-1 data-cassandra-2", await cluster.FieldAsync("pvc", ".items[?(@.status.phase==\"Bound\")].metadata.name"));
        foreach (var pod in pods)
        {
            Assert.Equal($"{pod} of my-cassandra-cluster started", (await cluster.KubectlAsync("logs", pod)).Split('\n')[1]);
            var answer = await cluster.KubectlAsync("exec", "cassandra-0", "--", "nslookup", $"{pod}.cassandra.default.svc.cluster.local");
            Assert.Contains(await cluster.FieldAsync($"pod/{pod}", ".status.podIP"), answer);
        }
        // A pod that goes comes back under its name, with what it had on its volume; its name has the new address.
        await cluster.KubectlAsync("delete", "pod", "cassandra-1", "--timeout=60s");
        await ClusterFixture.WaitAsync(async () => (await cluster.Server.KubectlAsync("logs", "cassandra-1")).Output.Split("cassandra-1 of my-cassandra-cluster started").Length == 3, "the second start finds the line of the first");
        await cluster.ReadyAsync("cassandra-1");
        var address = await cluster.FieldAsync("pod/cassandra-1", ".status.podIP");
        await ClusterFixture.WaitAsync(async () => (await cluster.KubectlAsync("exec", "cassandra-0", "--", "nslookup", "cassandra-1.cassandra.default.svc.cluster.local")).Contains(address, StringComparison.Ordinal), "the name has the new address");

        await cluster.KubectlAsync("scale", "statefulset", "cassandra", "--replicas=0");
        // From the last to the first, one at a time: whoever looks sees a row without its end, never with a gap.
        var seen = new List<string>();
        await ClusterFixture.WaitAsync(async () =>
        {
            seen.Add(await cluster.FieldAsync("pods", ".items[?(@.metadata.labels.app==\"cassandra\")].metadata.name"));
            return seen[^1] == "";
        }, "all are stopped");
        Assert.All(seen, names => Assert.StartsWith(names, string.Join(' ', pods)));
        await cluster.KubectlAsync("delete", "statefulset/cassandra", "service/cassandra", "pvc/data-cassandra-0", "pvc/data-cassandra-1", "pvc/data-cassandra-2", "--timeout=60s");
    }

    private async Task<DateTimeOffset> TimeAsync(string pod, string path) => DateTimeOffset.Parse(await cluster.FieldAsync($"pod/{pod}", path), CultureInfo.InvariantCulture);
}
