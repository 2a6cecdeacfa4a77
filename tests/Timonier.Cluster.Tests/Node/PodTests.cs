using System.Globalization;

namespace Timonier.Cluster.Tests.Node;

/// <summary>What the node does with the containers of one pod, by the fields of its spec.</summary>
public class PodTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private const string Sleep = "trap exit TERM; while true; do sleep 1; done";

    private static string Container(string name, string script, string more = "") =>
        $$"""{"name": "{{name}}", "image": "{{ClusterFixture.Image}}", "command": ["sh", "-c", {{System.Text.Json.JsonSerializer.Serialize(script)}}]{{(more.Length > 0 ? ", " + more : "")}}}""";

    /// <summary>A pod whose containers all see the volume "work" at /work.</summary>
    private Task PodAsync(string name, string containers, string more = "") => cluster.ApplyAsync($$$"""
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{{name}}}", "labels": {"app": "{{{name}}}"}}, "spec": {
          "terminationGracePeriodSeconds": 3, {{{more}}} "volumes": [{"name": "work", "emptyDir": {}}],
          "containers": [{{{containers.Replace("\"image\":", "\"volumeMounts\": [{\"name\": \"work\", \"mountPath\": \"/work\"}], \"image\":", StringComparison.Ordinal)}}}]}}
        """);

    private Task<string> InAsync(string pod, string container, string script) => cluster.KubectlAsync("exec", pod, "-c", container, "--", "sh", "-c", script);

    private Task<string> StatusAsync(string pod, string container, string field) =>
        cluster.FieldAsync($"pod/{pod}", $".status.containerStatuses[?(@.name==\"{container}\")].{field}");

    private Task HasAsync(string pod, string container, string field, string value) =>
        ClusterFixture.WaitAsync(async () => await StatusAsync(pod, container, field) == value, $"{field} of {pod}/{container} is {value}");

    private Task DeleteAsync(params string[] targets) => cluster.KubectlAsync(["delete", .. targets, "--timeout=60s"]);

    [Fact]
    public async Task Containers_ShareNetworkIpcHostnameAndVolumes_NotFilesAndProcesses()
    {
        await PodAsync("shared",
            Container("a", $"echo page > /www/page; httpd -p 127.0.0.1:8080 -h /www; echo file > /work/file; echo memory > /dev/shm/memory; {Sleep}") + "," + Container("b", Sleep));
        await cluster.ReadyAsync("shared");
        foreach (var (script, expected) in ((string, string)[])[
            ("get 127.0.0.1 8080 /page", "page"), ("cat /work/file", "file"), ("cat /dev/shm/memory", "memory"), ("hostname", "shared"), ("ls /www", "")])
            Assert.Equal(expected, (await InAsync("shared", "b", script)).Trim());
        foreach (var (space, same) in ((string, bool)[])[("net", true), ("ipc", true), ("uts", true), ("pid", false), ("mnt", false)])
            Assert.Equal(same, await InAsync("shared", "a", $"readlink /proc/self/ns/{space}") == await InAsync("shared", "b", $"readlink /proc/self/ns/{space}"));
        await DeleteAsync("pod/shared");
    }

    [Fact]
    public async Task InitContainers_RunOneAfterTheOther_AndAgainWhenTheyFail()
    {
        // The second fails the first time: it finds no trace of an earlier attempt.
        var mount = """ "volumeMounts": [{"name": "work", "mountPath": "/work"}]""";
        await PodAsync("prepared", Container("main", $"cat /work/order; {Sleep}"),
            $$""" "initContainers": [{{Container("first", "echo first >> /work/order", mount)}}, {{Container("second", "echo second >> /work/order; [ $(grep -c second /work/order) = 2 ]", mount)}}],""");
        await cluster.ReadyAsync("prepared");
        Assert.Equal("first second second", (await cluster.KubectlAsync("logs", "prepared")).Trim().ReplaceLineEndings(" "));
        Assert.Equal("0 1", await cluster.FieldAsync("pod/prepared", ".status.initContainerStatuses[*].restartCount"));
        await DeleteAsync("pod/prepared");
    }

    [Fact]
    public async Task Probes_HoldBackServeAndRestart()
    {
        await PodAsync("probed", string.Join(", ",
            Container("gate", Sleep, """ "startupProbe": {"exec": {"command": ["test", "-f", "/work/started"]}, "periodSeconds": 1, "failureThreshold": 100}, "livenessProbe": {"exec": {"command": ["test", "-f", "/work/started"]}, "periodSeconds": 1, "failureThreshold": 1}"""),
            Container("page", $"httpd -p 8080 -h /work; {Sleep}", """ "readinessProbe": {"httpGet": {"path": "/page", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}"""),
            Container("port", $"httpd -p 9000 -h /work; {Sleep}", """ "livenessProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 1, "failureThreshold": 2}""")));
        await cluster.KubectlAsync("expose", "pod", "probed", "--port=8080");
        await HasAsync("probed", "port", "ready", "true");
        Assert.Equal("false", await StatusAsync("probed", "gate", "started"));
        Assert.Equal("false", await StatusAsync("probed", "page", "ready"));
        Assert.Equal("", await cluster.FieldAsync("endpoints/probed", ".subsets[*].addresses[*].ip"));

        await InAsync("probed", "page", "touch /work/started /work/page");
        await cluster.ReadyAsync("probed");
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("endpoints/probed", ".subsets[*].addresses[*].ip") != "", "the pod is behind its Service");
        Assert.Equal("0", await StatusAsync("probed", "gate", "restartCount")); // Liveness waits for startup.

        await InAsync("probed", "page", "rm /work/page");
        await InAsync("probed", "port", "killall httpd");
        await HasAsync("probed", "page", "ready", "false");
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("endpoints/probed", ".subsets[*].addresses[*].ip") == "", "the pod is not behind its Service");
        await HasAsync("probed", "port", "restartCount", "1");
        Assert.Equal("0", await StatusAsync("probed", "page", "restartCount"));
        await DeleteAsync("pod/probed", "service/probed");
    }

    /// <summary>The order of a pod's end, read on the host after it is gone.</summary>
    [Fact]
    public async Task Hooks_RunAfterTheStart_AndBeforeTheSignal()
    {
        var directory = Directory.CreateDirectory(Path.Combine(cluster.Server.DataDirectory, "hooks")).FullName;
        var hooks = """
            "volumeMounts": [{"name": "host", "mountPath": "/host"}], "lifecycle": {
              "postStart": {"exec": {"command": ["sh", "-c", "echo started >> /host/order"]}},
              "preStop": {"exec": {"command": ["sh", "-c", "sleep 1; echo stopping >> /host/order"]}}}
            """;
        await cluster.ApplyAsync($$$"""
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hooked"}, "spec": {
              "volumes": [{"name": "host", "hostPath": {"path": "{{{directory}}}", "type": "Directory"}}],
              "containers": [{{{Container("c", "trap 'echo signal >> /host/order; exit' TERM; while true; do sleep 0.2; done", hooks)}}}]}}
            """);
        await cluster.ReadyAsync("hooked");
        await DeleteAsync("pod/hooked");
        Assert.Equal(["started", "stopping", "signal"], await File.ReadAllLinesAsync(Path.Combine(directory, "order")));
    }

    [Fact]
    public async Task RestartPolicy_DecidesHowAPodEnds()
    {
        (string Policy, int ExitCode, string Phase)[] cases = [("Never", 0, "Succeeded"), ("Never", 4, "Failed"), ("OnFailure", 0, "Succeeded"), ("OnFailure", 4, "Running"), ("Always", 0, "Running")];
        await Task.WhenAll(cases.Select((c, i) => PodAsync($"ends-{i}", Container("c", $"echo the reason > /dev/termination-log; exit {c.ExitCode}"), $""" "restartPolicy": "{c.Policy}",""")));
        for (var i = 0; i < cases.Length; i++)
        {
            var (policy, exitCode, phase) = cases[i];
            if (phase == "Running")
                await ClusterFixture.WaitAsync(async () => await StatusAsync($"ends-{i}", "c", "state.waiting.reason") == "CrashLoopBackOff", $"{policy} with {exitCode} backs off");
            await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync($"pod/ends-{i}", ".status.phase") == phase, $"{policy} with {exitCode} is {phase}");
            var state = phase == "Running" ? "lastState" : "state";
            Assert.Equal($"{exitCode}", await StatusAsync($"ends-{i}", "c", $"{state}.terminated.exitCode"));
            Assert.Equal("the reason", await StatusAsync($"ends-{i}", "c", $"{state}.terminated.message"));
        }
        Assert.StartsWith("back-off 10s restarting failed container=c pod=ends-3_default(", await StatusAsync("ends-3", "c", "state.waiting.message"));
        await DeleteAsync([.. cases.Select((_, i) => $"pod/ends-{i}")]);
    }

    [Fact]
    public async Task RequestsAndLimits_AreCgroups_AndTooMuchMemoryIsKilled()
    {
        await PodAsync("bounded", Container("c", Sleep, """ "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}"""));
        // tail holds all of what has no line ends.
        await PodAsync("greedy", Container("c", "head -c 200000000 /dev/zero | tail", """ "resources": {"limits": {"memory": "32Mi"}}"""), """ "restartPolicy": "Never",""");
        await cluster.ReadyAsync("bounded");
        Assert.Equal("67108864", await cluster.ExecuteAsync("bounded", "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max"));
        Assert.Equal("20000 100000", await cluster.ExecuteAsync("bounded", "cd /sys/fs/cgroup; cat cpu.max 2>/dev/null || echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us)"));
        // 100m are 102 of 1024 shares, which version 2 counts as a weight of 4 in 10000.
        Assert.Contains(await cluster.ExecuteAsync("bounded", "cd /sys/fs/cgroup; cat cpu.weight 2>/dev/null || cat cpu/cpu.shares"), (string[])["102", "4"]);
        await HasAsync("greedy", "c", "state.terminated.reason", "OOMKilled");
        Assert.Equal("Burstable", await cluster.FieldAsync("pod/bounded", ".status.qosClass"));
        await DeleteAsync("pod/bounded", "pod/greedy");
    }

    /// <summary>"Probing container should be restarted with a GRPC liveness probe", "should *not* be restarted ...": one answers as a gRPC server would, byte for byte.</summary>
    [Fact]
    public async Task GrpcProbe_AsksTheHealthService_AndRestartsWhatIsNotServing()
    {
        var (serving, broken) = (Convert.ToBase64String(GrpcAnswer.Health(1)), Convert.ToBase64String(GrpcAnswer.Health(2)));
        // What the client sends is read to its end: a connection closed before would be reset, and the answer lost.
        const string Script = "exec 3<&0; cat <&3 >/dev/null & usleep 200000; cat /answers/$(cat /work/which); usleep 500000";
        await cluster.ApplyAsync($$$"""{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "answers"}, "data": {"script": "{{{Script}}}"}, "binaryData": {"serving": "{{{serving}}}", "broken": "{{{broken}}}"}}""");
        await cluster.ApplyAsync($$$"""
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rpc"}, "spec": {"terminationGracePeriodSeconds": 0, "volumes": [{"name": "work", "emptyDir": {}}, {"name": "answers", "configMap": {"name": "answers"}}],
              "containers": [{{{Container("c", "[ -f /work/which ] || echo serving > /work/which; exec nc -ll -p 9000 -e sh /answers/script", """
                "volumeMounts": [{"name": "work", "mountPath": "/work"}, {"name": "answers", "mountPath": "/answers"}],
                "readinessProbe": {"grpc": {"port": 9000}, "periodSeconds": 1}, "livenessProbe": {"grpc": {"port": 9000, "service": "live"}, "periodSeconds": 1, "failureThreshold": 2}
                """)}}}]}}
            """);
        await cluster.ReadyAsync("rpc");
        Assert.Equal("0", await StatusAsync("rpc", "c", "restartCount"));
        await InAsync("rpc", "c", "echo broken > /work/which");
        await HasAsync("rpc", "c", "restartCount", "1");
        Assert.Contains("Liveness probe failed: service unhealthy (responded with \"NOT_SERVING\")", await cluster.KubectlAsync("get", "events"), StringComparison.Ordinal);
        await DeleteAsync("pod/rpc", "configmap/answers");
    }

    /// <summary>The node looks once a minute; a log longer than ten megabytes is put aside, and the container goes on writing.</summary>
    [Fact]
    public async Task LongLog_IsRotated_AndStillRead()
    {
        await PodAsync("chatty", Container("c", $"head -c 12000000 /dev/zero | tr '\\0' x | fold -w 1000; until [ -f /work/go ]; do sleep 0.2; done; echo after; {Sleep}"));
        await cluster.ReadyAsync("chatty");
        var directory = Directory.GetDirectories(Path.Combine(cluster.Server.DataDirectory, "node/logs"), "default_chatty_*").Single() + "/c";
        await ClusterFixture.WaitAsync(() => Task.FromResult(Directory.GetFiles(directory).Length > 1), "the log is rotated", 150);
        await cluster.ExecuteAsync("chatty", "touch /work/go");
        await ClusterFixture.WaitAsync(async () => (await cluster.KubectlAsync("logs", "chatty", "--tail=1")).Trim() == "after", "what comes after is read");
        Assert.InRange(new FileInfo(Path.Combine(directory, "0.log")).Length, 1, 1000);
        await DeleteAsync("pod/chatty");
    }

    [Fact]
    public async Task Events_SayWhatHappened()
    {
        await PodAsync("told", Container("c", Sleep));
        await cluster.ReadyAsync("told");
        await DeleteAsync("pod/told");
        foreach (var reason in (string[])["Scheduled", "Pulled", "Created", "Started", "Killing"])
            await ClusterFixture.WaitAsync(async () => (await cluster.KubectlAsync("get", "events", "--field-selector", $"involvedObject.name=told,reason={reason}", "-o", "name")).Length > 0, $"an event {reason}", 10);
    }
}
