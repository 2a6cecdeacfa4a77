namespace Timonier.Cluster.Tests;

/// <summary>Real containers: what a person sees of pods, Services, volumes and failures.</summary>
public class ClusterTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private Task<string> KubectlAsync(params string[] arguments) => cluster.KubectlAsync(arguments);

    /// <summary>A page by name, asked for with what bash and the C library have: busybox's static wget can't resolve names.</summary>
    private Task<string> WgetAsync(string pod, string name) => KubectlAsync("exec", pod, "--", "/usr/bin/bash", "-c",
        $"exec 3<>/dev/tcp/{name}/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; sed '1,/^.$/d' <&3");

    private Task RunningAsync(string pod) => KubectlAsync("wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s");

    [Fact]
    public async Task Pod_Runs_Logs_Executes_AndGoes()
    {
        await KubectlAsync("run", "one", $"--image={ClusterFixture.Image}", "--restart=Never", "--", "sh", "-c", "echo from the log; trap exit TERM; while true; do sleep 1; done");
        await RunningAsync("one");
        Assert.Equal("from the log", (await KubectlAsync("logs", "one")).Trim());
        Assert.Equal("one", (await KubectlAsync("exec", "one", "--", "hostname")).Trim());
        var exit = await cluster.Server.KubectlAsync("exec", "one", "--", "sh", "-c", "exit 7");
        Assert.Equal(7, exit.ExitCode);
        await KubectlAsync("delete", "pod", "one", "--timeout=30s");
        Assert.Equal("", await KubectlAsync("get", "pods", "--field-selector=metadata.name=one", "-o", "name"));
    }

    [Fact]
    public async Task Service_IsReachedByName_AddressAndNodePort()
    {
        await KubectlAsync("create", "deployment", "web", $"--image={ClusterFixture.Image}", "--replicas=2");
        await KubectlAsync("expose", "deployment", "web", "--port=80", "--type=NodePort");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=60s");
        await KubectlAsync("run", "asker", $"--image={ClusterFixture.Image}");
        await RunningAsync("asker");
        foreach (var name in (string[])["web", "web.default", "web.default.svc.cluster.local"])
            Assert.StartsWith("web-", await WgetAsync("asker", name));
        var port = await KubectlAsync("get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}");
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        Assert.StartsWith("web-", await client.GetStringAsync($"http://127.0.0.1:{port}/"));
        await KubectlAsync("delete", "service/web", "deployment/web", "pod/asker", "--timeout=60s");
    }

    [Fact]
    public async Task StatefulSet_HasOrderedNames_OwnVolumes_AndStableDnsNames()
    {
        await cluster.ApplyAsync($$$$"""
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              serviceName: db
              replicas: 2
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  terminationGracePeriodSeconds: 2
                  containers:
                  - {name: c, image: "{{{{ClusterFixture.Image}}}}", volumeMounts: [{name: data, mountPath: /data}]}
              volumeClaimTemplates:
              - metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
            """);
        await KubectlAsync("rollout", "status", "statefulset/db", "--timeout=90s");
        foreach (var pod in (string[])["db-0", "db-1"])
            await KubectlAsync("exec", pod, "--", "sh", "-c", "hostname > /data/name");
        Assert.StartsWith("db-1", await WgetAsync("db-0", "db-1.db.default.svc.cluster.local"));
        await KubectlAsync("delete", "pod", "db-1", "--timeout=30s");
        await ClusterFixture.WaitAsync(async () => (await cluster.Server.KubectlAsync("exec", "db-1", "--", "cat", "/data/name")).Output.Trim() == "db-1", "db-1 is back with its volume");
        await KubectlAsync("delete", "statefulset/db", "service/db", "pvc/data-db-0", "pvc/data-db-1", "--timeout=60s");
    }

    [Fact]
    public async Task ConfigMapChange_ReachesRunningPod_AndSecretIsEnvironment()
    {
        await cluster.ApplyAsync($$$$"""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {text: "one"}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: hidden}
            stringData: {word: open}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: reader, labels: {a: b}}
            spec:
              terminationGracePeriodSeconds: 1
              volumes:
              - {name: settings, configMap: {name: settings}}
              - {name: facts, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
              - {name: scratch, emptyDir: {medium: Memory}}
              initContainers:
              - {name: first, image: "{{{{ClusterFixture.Image}}}}", command: [sh, -c, "echo init > /scratch/done"], volumeMounts: [{name: scratch, mountPath: /scratch}]}
              containers:
              - name: c
                image: "{{{{ClusterFixture.Image}}}}"
                env: [{name: WORD, valueFrom: {secretKeyRef: {name: hidden, key: word}}}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
                volumeMounts: [{name: settings, mountPath: /settings}, {name: facts, mountPath: /facts}, {name: scratch, mountPath: /scratch}]
            """);
        await RunningAsync("reader");
        Assert.Equal("open one init a=\"b\"", (await KubectlAsync("exec", "reader", "--", "sh", "-c", "echo $WORD $(cat /settings/text) $(cat /scratch/done) $(cat /facts/labels)")).Trim());
        await KubectlAsync("patch", "configmap", "settings", "-p", "{\"data\":{\"text\":\"two\"}}");
        await ClusterFixture.WaitAsync(async () => (await KubectlAsync("exec", "reader", "--", "cat", "/settings/text")).Trim() == "two", "the change is in the pod");
        await KubectlAsync("delete", "pod/reader", "configmap/settings", "secret/hidden", "--timeout=30s");
    }

    [Fact]
    public async Task KilledServer_LeavesPodsRunning_AndTakesThemUpAgain()
    {
        await KubectlAsync("run", "survivor", $"--image={ClusterFixture.Image}");
        await RunningAsync("survivor");
        var container = await KubectlAsync("get", "pod", "survivor", "-o", "jsonpath={.status.containerStatuses[0].containerID}");
        await cluster.Server.KillAsync();
        await cluster.Server.LaunchAsync();
        await ClusterFixture.WaitAsync(async () => (await KubectlAsync("get", "nodes")).Contains(" Ready ", StringComparison.Ordinal), "the node is Ready again");
        await ClusterFixture.WaitAsync(async () => (await cluster.Server.KubectlAsync("exec", "survivor", "--", "hostname")).Output.Trim() == "survivor", "the pod is taken up again");
        Assert.Equal(container, await KubectlAsync("get", "pod", "survivor", "-o", "jsonpath={.status.containerStatuses[0].containerID}"));
        await KubectlAsync("delete", "pod", "survivor", "--timeout=40s");
    }

    /// <summary>One pod lives through it; the other's process dies while nobody looks, and is started again.</summary>
    [Fact]
    public async Task KilledContainerd_ComesBack_AndPodsAreRestored()
    {
        foreach (var (pod, script) in ((string, string)[])[("lives", "sleep 314159265"), ("dies", "sleep 271828182")])
            await KubectlAsync("run", pod, $"--image={ClusterFixture.Image}", "--", "sh", "-c", $"trap exit TERM; {script} & wait");
        await RunningAsync("lives");
        await RunningAsync("dies");
        var container = await cluster.FieldAsync("pod/lives", ".status.containerStatuses[0].containerID");
        var containerd = Processes($"--config {cluster.Server.DataDirectory}/node/containerd/config.toml").Single();
        await KillAsync(containerd);
        foreach (var process in Processes("trap exit TERM; sleep 271828182 & wait").Where(p => !CommandLine("/proc/" + p).Contains("kubectl", StringComparison.Ordinal)))
            await KillAsync(process);
        await ClusterFixture.WaitAsync(async () => await cluster.TryExecuteAsync("lives", "hostname") == "lives", "the pod can be entered again");
        Assert.NotEqual(containerd, Processes($"--config {cluster.Server.DataDirectory}/node/containerd/config.toml").Single());
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("pod/dies", ".status.containerStatuses[0].restartCount") == "1", "the container is started again");
        await RunningAsync("dies");
        Assert.Equal((container, "0"), (await cluster.FieldAsync("pod/lives", ".status.containerStatuses[0].containerID"), await cluster.FieldAsync("pod/lives", ".status.containerStatuses[0].restartCount")));
        await KubectlAsync("delete", "pod", "lives", "dies", "--timeout=60s");
    }

    private static List<string> Processes(string arguments) => [.. Directory.GetDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1]) && CommandLine(d).Contains(arguments, StringComparison.Ordinal)).Select(d => d["/proc/".Length..])];

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(process + "/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return ""; // It has ended.
        }
    }

    private static async Task KillAsync(string process) => Assert.Equal(0, (await Timonier.Testing.Processes.Run.ProgramAsync("kill", ["-KILL", process])).ExitCode);

    [Fact]
    public async Task FailingContainer_IsStartedAgainWithBackoff_AndFailingProbeRestarts()
    {
        await cluster.ApplyAsync($$$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: failing}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - {name: crash, image: "{{{{ClusterFixture.Image}}}}", command: [sh, -c, "echo again; exit 3"]}
              - name: sick
                image: "{{{{ClusterFixture.Image}}}}"
                livenessProbe: {exec: {command: [sh, -c, "exit 1"]}, periodSeconds: 1, failureThreshold: 1}
            """);
        async Task<int> RestartsAsync(string name) => int.Parse("0" + await KubectlAsync("get", "pod", "failing", "-o", $"jsonpath={{.status.containerStatuses[?(@.name==\"{name}\")].restartCount}}"), System.Globalization.CultureInfo.InvariantCulture);
        await ClusterFixture.WaitAsync(async () => await RestartsAsync("crash") >= 1 && await RestartsAsync("sick") >= 1, "both were started again");
        Assert.Equal("3", await KubectlAsync("get", "pod", "failing", "-o", "jsonpath={.status.containerStatuses[?(@.name==\"crash\")].lastState.terminated.exitCode}"));
        Assert.Equal("again", (await KubectlAsync("logs", "failing", "-c", "crash", "--previous")).Trim());
        await KubectlAsync("delete", "pod", "failing", "--timeout=30s");
    }

    [Fact]
    public async Task Job_RunsToCompletion()
    {
        await KubectlAsync("create", "job", "sum", $"--image={ClusterFixture.Image}", "--", "sh", "-c", "echo $((20 + 22))");
        await KubectlAsync("wait", "--for=condition=Complete", "job/sum", "--timeout=60s");
        Assert.Equal("42", (await KubectlAsync("logs", "job/sum")).Trim());
        await KubectlAsync("delete", "job", "sum", "--timeout=30s");
    }
}
