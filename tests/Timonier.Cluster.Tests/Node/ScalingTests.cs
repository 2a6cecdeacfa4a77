using System.Text.Json.Nodes;

namespace Timonier.Cluster.Tests.Node;

/// <summary>What real containers use, and what follows from it: autoscaling, and resources that change while they run.</summary>
public class ScalingTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    /// <summary>Stands for "[Feature:HPA] Horizontal pod autoscaling (scale resource: CPU)": up while its pods burn, down when they rest.</summary>
    [Fact]
    public async Task BusyDeployment_IsScaledUp_AndDownWhenItRests()
    {
        await cluster.ApplyAsync($$$$$"""
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "burner"}, "spec": {"selector": {"matchLabels": {"app": "burner"}}, "template": {"metadata": {"labels": {"app": "burner"}}, "spec": {
              "terminationGracePeriodSeconds": 0, "volumes": [{"name": "shared", "hostPath": {"path": "{{{{{cluster.Server.DataDirectory}}}}}/burn", "type": "DirectoryOrCreate"}}], "containers": [{"name": "c", "image": "{{{{{ClusterFixture.Image}}}}}",
              "volumeMounts": [{"name": "shared", "mountPath": "/shared"}], "resources": {"requests": {"cpu": "20m"}, "limits": {"cpu": "100m"}}, "command": ["sh", "-c", "while true; do [ -f /shared/rest ] && sleep 1; done"]}]}}}}
            """);
        await cluster.KubectlAsync("rollout", "status", "deployment/burner", "--timeout=60s");
        await cluster.ApplyAsync("""
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "burner"}, "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "burner"}, "minReplicas": 1, "maxReplicas": 3,
              "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}
            """);
        await ReplicasAsync(3);
        await File.WriteAllTextAsync(Path.Combine(cluster.Server.DataDirectory, "burn/rest"), "");
        await ReplicasAsync(1);
        var events = await cluster.KubectlAsync("describe", "hpa", "burner");
        Assert.Contains("New size: 3; reason: cpu resource utilization (percentage of request) above target", events, StringComparison.Ordinal);
        Assert.Contains("New size: 1; reason: All metrics below target", events, StringComparison.Ordinal);
        await cluster.KubectlAsync("delete", "hpa/burner", "deployment/burner", "--timeout=60s");
    }

    /// <summary>"Pod InPlace Resize Container resize pod via the replace endpoint": the running container's cgroup changes, the container does not.</summary>
    [Fact]
    public async Task RunningContainer_GetsNewResources_WithoutARestart()
    {
        await cluster.ApplyAsync($$$$$"""
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "grown"}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [
              {"name": "c", "image": "{{{{{ClusterFixture.Image}}}}}", "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}}]}}
            """);
        await cluster.ReadyAsync("grown");
        var id = await cluster.FieldAsync("pod/grown", ".status.containerStatuses[0].containerID");
        var pod = JsonNode.Parse(await cluster.KubectlAsync("get", "pod", "grown", "-o", "json"))!;
        pod["spec"]!["containers"]![0]!["resources"] = JsonNode.Parse("""{"requests": {"cpu": "150m", "memory": "48Mi"}, "limits": {"cpu": "300m", "memory": "96Mi"}}""");
        var replaced = await cluster.Server.KubectlAsync(["replace", "--raw", "/api/v1/namespaces/default/pods/grown/resize", "-f", "-"], pod.ToJsonString());
        Assert.True(replaced.ExitCode == 0, replaced.All);
        await ClusterFixture.WaitAsync(async () => await cluster.ExecuteAsync("grown", "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max") == "100663296", "the new memory limit holds", 30);
        Assert.Equal("30000 100000", await cluster.ExecuteAsync("grown", "cd /sys/fs/cgroup; cat cpu.max 2>/dev/null || echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us)"));
        const string Status = ".status.containerStatuses[0]";
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("pod/grown", Status + ".resources.limits.memory") == "96Mi", "the status tells the new limit", 30);
        Assert.Equal(("0", id, "150m"), (await cluster.FieldAsync("pod/grown", Status + ".restartCount"), await cluster.FieldAsync("pod/grown", Status + ".containerID"), await cluster.FieldAsync("pod/grown", Status + ".allocatedResources.cpu")));
        Assert.Equal("2 2", await cluster.FieldAsync("pod/grown", ".metadata.generation} {.status.observedGeneration"));
        await cluster.KubectlAsync("delete", "pod/grown", "--timeout=60s");
    }

    private Task ReplicasAsync(int count) =>
        ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("deployment/burner", ".status.readyReplicas") == count.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{count} replicas", 120);
}
