namespace Timonier.Cli.Tests;

/// <summary>The same words to our commands and to kubectl give the same answer, letter by letter.</summary>
public sealed class SameAsKubectlTests : IAsyncLifetime
{
    private static readonly KubectlRecord Record = new("same-as-kubectl");

    private CliServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await CliServer.StartAsync();
        await _server.WriteAsync("web.yaml", Web);
        foreach (var file in new[] { "web.yaml" })
            Assert.Equal(0, (await _server.RunAsync($"create -f {file}")).Code);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private const string Web = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: b, labels: {app: web, tier: "1"}}
        data: {x: "1"}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a, labels: {app: web}, annotations: {n: "v"}}
        data: {x: "2", "y.z": "3"}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: s, namespace: shop}
        stringData: {k: v}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: svc}
        spec: {clusterIP: 10.96.0.77, selector: {app: web}, ports: [{port: 80}]}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: c, image: "nginx:1.2", ports: [{containerPort: 80}]}]}
        """;

    [Theory]
    [InlineData("get configmaps")]
    [InlineData("get cm -A --show-labels")]
    [InlineData("get cm a b --no-headers")]
    [InlineData("get cm/a svc/svc")]
    [InlineData("get cm,svc -o name")]
    [InlineData("get deploy web -o wide")]
    [InlineData("get deploy -o yaml")]
    [InlineData("get cm a -o json")]
    [InlineData("get cm -l tier=1 -o name")]
    [InlineData("get cm -l tier!=1 -L app,tier")]
    [InlineData("get cm --field-selector metadata.name=a")]
    [InlineData("get cm --sort-by=.metadata.name -o name")]
    [InlineData("get cm -o jsonpath={.items[*].metadata.name}")]
    [InlineData("get cm -o jsonpath={range-.items[*]}{.metadata.name}{\"=\"}{.data.x}{\"\\n\"}{end}")]
    [InlineData("get cm a -o jsonpath={.data.y\\.z}{.data['x']}")]
    [InlineData("get deploy web -o jsonpath={.spec.template.spec.containers[?(@.name==\"c\")].image}")]
    [InlineData("get cm -o custom-columns=N:.metadata.name,D:.data.x,T:.metadata.labels.tier")]
    [InlineData("get secret s -n shop -o jsonpath={.data.k}")]
    [InlineData("get cm missing")]
    [InlineData("get cm a missing")]
    [InlineData("get nothing")]
    [InlineData("get pods")]
    [InlineData("get pods -A")]
    [InlineData("get pods --context shop")]
    [InlineData("get cm missing --ignore-not-found")]
    [InlineData("get --raw /api/v1/namespaces/default/configmaps/a")]
    [InlineData("delete cm missing")]
    [InlineData("delete cm")]
    [InlineData("label cm a app=other")]
    [InlineData("label cm a app=web --dry-run=server")]
    [InlineData("annotate cm a n=v2 --dry-run=server")]
    [InlineData("scale deploy web --replicas=3 --dry-run=server")]
    [InlineData("patch cm a --dry-run=server -p {\"data\":{\"x\":\"9\"}}")]
    [InlineData("create -f web.yaml --dry-run=client")]
    [InlineData("create -f missing.yaml")]
    [InlineData("create ns n1 --dry-run=client")]
    [InlineData("create configmap c1 --from-literal=a=b --dry-run=server")]
    [InlineData("create secret generic c1 --from-literal=a=b --from-literal=c=d=e --dry-run=server -o jsonpath={.data}")]
    [InlineData("create deployment d1 --image=nginx:1 --dry-run=server")]
    [InlineData("create role r --verb=get,list --resource=pods,deployments.apps --dry-run=server")]
    [InlineData("create rolebinding r --clusterrole=view --user=jane --serviceaccount=a:b --dry-run=server")]
    [InlineData("create service clusterip s1 --tcp=80:8080 --dry-run=server")]
    [InlineData("create quota q --hard=pods=3,cpu=1 --dry-run=server")]
    [InlineData("create cronjob j --image=busybox --schedule=*/5-*-*-*-* --dry-run=server")]
    [InlineData("api-resources -o name")]
    [InlineData("api-versions")]
    [InlineData("explain pods.spec.containers")]
    [InlineData("explain deploy")]
    [InlineData("explain pods")]
    [InlineData("explain pods.metadata.creationTimestamp")]
    [InlineData("explain pods.spec.restartPolicy")]
    [InlineData("explain pods.spec.nope")]
    [InlineData("api-resources --api-group=apps --no-headers")]
    [InlineData("config get-contexts")]
    public async Task SameAnswer(string line)
    {
        // A dash stands for a blank within one word.
        var words = line.Split(' ').Select(w => w.StartsWith("jsonpath={range-", StringComparison.Ordinal) ? w.Replace("range-", "range ") : w.StartsWith("--schedule", StringComparison.Ordinal) ? w.Replace('-', ' ').Replace("  schedule", "--schedule") : w).ToArray();
        var theirs = await Record.AskAsync(_server, line, words);
        var ours = KubectlRecord.Stable(await _server.RunAsync(words), _server);
        KubectlRecord.AssertSame(theirs, ours);
    }
}
