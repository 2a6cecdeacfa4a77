namespace Timonier.Cluster.Tests.Node;

/// <summary>Which image a container gets, from whom, and what the pod says when it gets none.</summary>
public class ImageTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private Task PodAsync(string name, string image, string policy, string secret = "", string account = "default") => cluster.ApplyAsync($$$"""
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{{name}}}"}, "spec": {"terminationGracePeriodSeconds": 1, "serviceAccountName": "{{{account}}}",
          "imagePullSecrets": [{{{(secret.Length > 0 ? $$"""{"name": "{{secret}}"}""" : "")}}}],
          "containers": [{"name": "c", "image": "{{{image}}}", "imagePullPolicy": "{{{policy}}}", "command": ["/bin/sh", "-c", "trap exit TERM; while true; do sleep 1; done"]}]}}
        """);

    private Task WaitsAsync(string pod, params string[] reasons) => ClusterFixture.WaitAsync(
        async () => reasons.AsEnumerable().Contains(await cluster.FieldAsync($"pod/{pod}", ".status.containerStatuses[0].state.waiting.reason")), $"{pod} waits for {string.Join(" or ", reasons.AsEnumerable())}");

    [Fact]
    public async Task PullPolicyAndSecrets_DecideWhoIsAsked()
    {
        await using var registry = new LocalRegistry();
        await cluster.KubectlAsync("create", "secret", "docker-registry", "right", $"--docker-server={registry.Address}", $"--docker-username={LocalRegistry.User}", $"--docker-password={LocalRegistry.Password}");
        await cluster.KubectlAsync("create", "secret", "docker-registry", "wrong", $"--docker-server={registry.Address}", $"--docker-username={LocalRegistry.User}", "--docker-password=guess");
        await cluster.KubectlAsync("create", "serviceaccount", "puller");
        await cluster.KubectlAsync("patch", "serviceaccount", "puller", "-p", """{"imagePullSecrets": [{"name": "right"}]}""");

        // Nobody's image, none of ours.
        await PodAsync("never", registry.Image, "Never", "right");
        await WaitsAsync("never", "ErrImageNeverPull");
        Assert.Empty(registry.Refused);
        Assert.Equal(0, registry.TagRequests);
        await PodAsync("no-name", "UPPER/Case", "IfNotPresent");
        await WaitsAsync("no-name", "InvalidImageName");

        // Without the password it is not to be had; the pod says so and tries less and less often.
        await PodAsync("without", registry.Image, "IfNotPresent");
        await PodAsync("wrong", registry.Image, "IfNotPresent", "wrong");
        await WaitsAsync("without", "ImagePullBackOff");
        await WaitsAsync("wrong", "ImagePullBackOff");
        Assert.Contains("Back-off pulling image", await cluster.FieldAsync("pod/wrong", ".status.containerStatuses[0].state.waiting.message"));
        Assert.NotEmpty(registry.Refused);
        Assert.Equal(0, registry.TagRequests);

        // With it, of the pod or of its account: pulled once, and there for the next.
        await PodAsync("first", registry.Image, "IfNotPresent", "right");
        await cluster.ReadyAsync("first");
        var pulled = registry.TagRequests;
        Assert.InRange(pulled, 1, 10);
        await PodAsync("second", registry.Image, "IfNotPresent", "right");
        await cluster.ReadyAsync("second");
        Assert.Equal(pulled, registry.TagRequests);
        await PodAsync("always", registry.Image, "Always", account: "puller");
        await cluster.ReadyAsync("always");
        Assert.InRange(registry.TagRequests, pulled + 1, int.MaxValue);
        Assert.Contains("/box@sha256:", await cluster.FieldAsync("pod/always", ".status.containerStatuses[0].imageID"));
        await cluster.KubectlAsync("delete", "pod", "never", "no-name", "without", "wrong", "first", "second", "always", "--timeout=60s");
    }
}
