using System.Text.Json.Nodes;

namespace Timonier.Cluster.Tests.Node;

/// <summary>Every kind of volume in one pod: what is in it, and what changes while the pod runs.</summary>
public class VolumeTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private const string Pod = "volumes";

    [Fact]
    public async Task EachKind_HasWhatItsSpecSays_AndChangesReachTheRunningPod()
    {
        var host = Directory.CreateDirectory(Path.Combine(cluster.Server.DataDirectory, "host")).FullName;
        await File.WriteAllTextAsync(Path.Combine(host, "file"), "from the host");
        await cluster.ApplyAsync(Manifest(host));
        await cluster.ReadyAsync(Pod);
        foreach (var (script, expected) in ((string, string)[])[
            ("echo x > /empty/x && cat /empty/x", "x"),
            ("grep -c '^tmpfs /memory tmpfs' /proc/mounts", "1"),
            ("cat /host/file; echo back > /host/back", "from the host"),
            ("cat /settings/text", "one"),
            ("ls /some; cat /some/renamed", "renamed\none"),
            ("cat /hidden/word; stat -Lc %a /hidden/word", "open400"),
            ("cat /facts/labels; cat /facts/cpu", "app=\"volumes\"250"),
            ("cat /all/text /all/word /all/name", "oneopenvolumes"),
            ("cut -c1-3 /all/token; cut -c1-3 /var/run/secrets/kubernetes.io/serviceaccount/token; ls /var/run/secrets/kubernetes.io/serviceaccount", "eyJ\neyJ\nca.crt\nnamespace\ntoken"),
            ("echo kept > /claim/kept; cat /claim-part/inner 2>/dev/null || echo kept > /claim-part/inner; cat /claim/part/inner", "kept"),
            ("echo own > /ephemeral/own && cat /ephemeral/own", "own"),
            ("cat /settings-file", "one"),
            ("echo $WORD $IP | grep -c '^open 10.'", "1"),
            ("touch /settings/no 2>&1; touch /read-only/no 2>&1", "touch: /settings/no: Read-only file system\ntouch: /read-only/no: Read-only file system")])
            Assert.Equal((script, expected), (script, await cluster.TryExecuteAsync(Pod, $"{script}; true")));
        Assert.Equal("back\n", await File.ReadAllTextAsync(Path.Combine(host, "back")));
        await TokenIsThePodsAsync();

        await cluster.KubectlAsync("patch", "configmap", "settings", "-p", """{"data": {"text": "two"}}""");
        await cluster.KubectlAsync("patch", "secret", "hidden", "-p", """{"stringData": {"word": "shut"}}""");
        await cluster.KubectlAsync("label", "pod", Pod, "more=yes");
        foreach (var (script, expected) in new[] { ("cat /settings/text /some/renamed /all/text", "twotwotwo"), ("cat /hidden/word /all/word", "shutshut"), ("grep -c more /facts/labels", "1") })
            await ClusterFixture.WaitAsync(async () => await cluster.TryExecuteAsync(Pod, script) == expected, $"{script} gives {expected}", 90);
        Assert.Equal("one", await cluster.ExecuteAsync(Pod, "cat /settings-file")); // A subPath is as it was at the start, as upstream's.
        Assert.Equal("0", await cluster.FieldAsync($"pod/{Pod}", ".status.containerStatuses[0].restartCount"));
        await cluster.KubectlAsync("delete", $"pod/{Pod}", "configmap/settings", "secret/hidden", "pvc/claim", "--timeout=60s");
        await ClusterFixture.WaitAsync(async () => await cluster.KubectlAsync("get", "pvc", "-o", "name") == "", "the pod's own claim went with it");
    }

    /// <summary>The projected token is for its audience, and names the pod.</summary>
    private async Task TokenIsThePodsAsync()
    {
        var token = await cluster.ExecuteAsync(Pod, "cat /all/token");
        var review = $$$"""{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "{{{token}}}", "audiences": ["vault"]}}""";
        var answer = await cluster.Server.KubectlAsync(["create", "-f", "-", "-o", "json"], review);
        Assert.True(answer.ExitCode == 0, answer.All);
        var status = JsonNode.Parse(answer.Output)!["status"]!;
        Assert.True(status["authenticated"]!.GetValue<bool>());
        Assert.Equal("system:serviceaccount:default:default", status["user"]!["username"]!.GetValue<string>());
        Assert.Equal(Pod, status["user"]!["extra"]!["authentication.kubernetes.io/pod-name"]![0]!.GetValue<string>());
    }

    private static string Manifest(string host) => $$$$"""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {text: "one", other: "no"}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: hidden}
        stringData: {word: open}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: claim}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: volumes, labels: {app: volumes}}
        spec:
          terminationGracePeriodSeconds: 1
          volumes:
          - {name: empty, emptyDir: {}}
          - {name: memory, emptyDir: {medium: Memory}}
          - {name: host, hostPath: {path: "{{{{host}}}}", type: Directory}}
          - {name: settings, configMap: {name: settings}}
          - {name: some, configMap: {name: settings, items: [{key: text, path: renamed}]}}
          - {name: hidden, secret: {secretName: hidden, defaultMode: 0400}}
          - name: facts
            downwardAPI:
              items:
              - {path: labels, fieldRef: {fieldPath: metadata.labels}}
              - {path: cpu, resourceFieldRef: {containerName: c, resource: limits.cpu, divisor: 1m}}
          - name: all
            projected:
              sources:
              - configMap: {name: settings, items: [{key: text, path: text}]}
              - secret: {name: hidden}
              - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
              - serviceAccountToken: {path: token, audience: vault, expirationSeconds: 3600}
          - {name: claim, persistentVolumeClaim: {claimName: claim}}
          - {name: ephemeral, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi} } } } } }
          containers:
          - name: c
            image: "{{{{ClusterFixture.Image}}}}"
            resources: {limits: {cpu: 250m}}
            env: [{name: WORD, valueFrom: {secretKeyRef: {name: hidden, key: word}}}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
            volumeMounts:
            - {name: empty, mountPath: /empty}
            - {name: empty, mountPath: /read-only, readOnly: true}
            - {name: memory, mountPath: /memory}
            - {name: host, mountPath: /host}
            - {name: settings, mountPath: /settings}
            - {name: settings, mountPath: /settings-file, subPath: text}
            - {name: some, mountPath: /some}
            - {name: hidden, mountPath: /hidden}
            - {name: facts, mountPath: /facts}
            - {name: all, mountPath: /all}
            - {name: claim, mountPath: /claim}
            - {name: claim, mountPath: /claim-part, subPath: part}
            - {name: ephemeral, mountPath: /ephemeral}
        """;
}
