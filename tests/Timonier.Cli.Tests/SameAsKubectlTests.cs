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
        await _server.WriteAsync("old.yaml", "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: old}\nspec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}\n");
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
            spec: {containers: [{name: c, image: "nginx:1.2", ports: [{containerPort: 80}], env: [{name: OLD, value: x}]}]}
        ---
        apiVersion: v1
        kind: Node
        metadata: {name: worker}
        spec: {taints: [{key: old, effect: NoSchedule}]}
        ---
        apiVersion: v1
        kind: Event
        metadata: {name: web.1}
        involvedObject: {kind: Deployment, name: web, namespace: default, apiVersion: apps/v1}
        reason: ScalingReplicaSet
        message: Scaled up
        type: Normal
        count: 1
        source: {component: deployment-controller}
        firstTimestamp: "2020-01-01T00:00:00Z"
        lastTimestamp: "2020-01-01T00:00:00Z"
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
    [InlineData("explain pods.spec.containers")]
    [InlineData("explain deploy")]
    [InlineData("explain pods")]
    [InlineData("explain pods.metadata.creationTimestamp")]
    [InlineData("explain pods.spec.restartPolicy")]
    [InlineData("explain pods.spec.nope")]
    [InlineData("api-resources --api-group=apps --no-headers")]
    [InlineData("config get-contexts")]
    [InlineData("config get-contexts -o name")]
    [InlineData("config get-clusters")]
    [InlineData("config get-users")]
    [InlineData("config view")]
    [InlineData("config view --minify -o jsonpath={.users[0].user.token}")]
    [InlineData("config view --raw -o jsonpath={.users[0].user.token}")]
    [InlineData("config delete-context nope")]
    [InlineData("config rename-context nope other")]
    [InlineData("set image deploy/web c=nginx:2 --dry-run=server")]
    [InlineData("set image deploy/web c=nginx:2 --dry-run=server -o jsonpath={.spec.template.spec.containers[0].image}")]
    [InlineData("set image deploy/web *=nginx:3 --dry-run=server -o jsonpath={.spec.template.spec.containers[0].image}")]
    [InlineData("set image deploy/web nope=nginx:2 --dry-run=server")]
    [InlineData("set image deploy/web")]
    [InlineData("set env deploy/web A=b OLD- --dry-run=server -o jsonpath={.spec.template.spec.containers[0].env}")]
    [InlineData("set env deploy/web A=b --dry-run=server")]
    [InlineData("set env deploy/web --from=configmap/a --prefix=P_ --dry-run=server -o jsonpath={.spec.template.spec.containers[0].env[*].name}")]
    [InlineData("set resources deploy web --limits=cpu=200m,memory=512Mi --requests=cpu=100m --dry-run=server -o jsonpath={.spec.template.spec.containers[0].resources}")]
    [InlineData("set serviceaccount deploy web robot --dry-run=server")]
    [InlineData("set selector svc svc app=other --dry-run=server -o jsonpath={.spec.selector}")]
    [InlineData("taint nodes worker a=b:NoSchedule --dry-run=server")]
    [InlineData("taint node worker old- --dry-run=server")]
    [InlineData("taint node worker old:NoSchedule- new:NoExecute --dry-run=server")]
    [InlineData("taint node worker nope-")]
    [InlineData("taint node worker old:NoSchedule")]
    [InlineData("autoscale deploy web --min=1 --max=3 --cpu-percent=50 --dry-run=server")]
    [InlineData("autoscale deploy web --max=0")]
    [InlineData("events")]
    [InlineData("events --for deployment/web --no-headers")]
    [InlineData("events -n shop")]
    [InlineData("events --types=Warning")]
    [InlineData("replace -f web.yaml --dry-run=server")]
    [InlineData("replace -f missing.yaml")]
    [InlineData("cordon worker --dry-run=server")]
    [InlineData("uncordon worker")]
    [InlineData("auth can-i get pods")]
    [InlineData("api-resources --namespaced=false -o wide --api-group=rbac.authorization.k8s.io")]
    [InlineData("get deploy web --show-kind --no-headers")]
    [InlineData("get cm -o jsonpath={.items[?(@.data.x==\"2\")].metadata.name}")]
    [InlineData("get cm -o jsonpath={.items[0:1].metadata.name}")]
    [InlineData("get cm -o jsonpath={..name}")]
    [InlineData("get cm -o jsonpath={.items[-1].metadata.name}")]
    [InlineData("get cm a -o jsonpath={.nope}")]
    [InlineData("get cm a -o jsonpath={.data")]
    [InlineData("get cm a -o jsonpath='{.data.x}'")]
    [InlineData("get cm a -o custom-columns=NAME:.metadata.name,X:.data.nope --no-headers")]
    [InlineData("get deploy web --subresource=scale -o jsonpath={.spec.replicas}")]
    [InlineData("get deploy web --subresource=scale")]
    [InlineData("get cm a b -o name")]
    [InlineData("get cm,deploy -l app=web")]
    [InlineData("get all")]
    [InlineData("get cm/a b")]
    [InlineData("get events")]
    [InlineData("apply -f web.yaml --dry-run=server")]
    [InlineData("apply -f web.yaml --dry-run=client")]
    [InlineData("apply -f web.yaml --server-side --dry-run=server")]
    [InlineData("apply -f missing.yaml")]
    [InlineData("apply -f old.yaml --dry-run=server")]
    [InlineData("create -f old.yaml --dry-run=server")]
    [InlineData("delete cm a --dry-run=server")]
    [InlineData("delete cm a --dry-run=client")]
    [InlineData("delete -f web.yaml --dry-run=server")]
    [InlineData("delete cm -l app=web --dry-run=server -o name")]
    [InlineData("delete cm a --cascade=nope")]
    [InlineData("label cm a nope- --dry-run=server")]
    [InlineData("label cm --all x=y --dry-run=server")]
    [InlineData("label cm a --list")]
    [InlineData("set env deploy/web --list")]
    [InlineData("label cm a bad/key/x=1")]
    [InlineData("patch cm a --type=json -p [{\"op\":\"remove\",\"path\":\"/nope\"}]")]
    [InlineData("patch cm missing -p {}")]
    [InlineData("expose deploy web --port=80 --dry-run=server")]
    [InlineData("expose deploy web --dry-run=server -o jsonpath={.spec.ports}")]
    [InlineData("run p --image=busybox --dry-run=server")]
    [InlineData("run p --image=busybox --env=A=b --labels=x=y --port=80 --dry-run=server -o jsonpath={.spec.containers[0].env}{.spec.containers[0].ports}{.metadata.labels} -- sleep 1")]
    [InlineData("rollout history deploy web")]
    [InlineData("rollout status cm a")]
    [InlineData("rollout pause ds x")]
    [InlineData("rollout undo deploy web")]
    [InlineData("rollout restart deploy missing")]
    [InlineData("wait cm/a --for=jsonpath={.data.x}=2 --timeout=5s")]
    [InlineData("wait cm/missing --for=delete --timeout=5s")]
    [InlineData("wait cm/missing --for=condition=Ready --timeout=5s")]
    [InlineData("logs missing")]
    [InlineData("exec missing -- ls")]
    [InlineData("top pod")]
    [InlineData("scale cm a --replicas=1")]
    [InlineData("explain pods --recursive")]
    [InlineData("describe nope x")]
    [InlineData("create sa robot --dry-run=server")]
    [InlineData("create secret tls t --cert=nope --key=nope --dry-run=server")]
    [InlineData("create secret docker-registry r --docker-server=a --docker-username=b --docker-password=c --dry-run=server -o jsonpath={.data}")]
    [InlineData("create ingress in --rule=a.b/x*=svc:80 --dry-run=server -o jsonpath={.spec.rules}")]
    [InlineData("create service nodeport np --tcp=80 --node-port=30333 --dry-run=server")]
    [InlineData("create service externalname en --external-name=a.b --dry-run=server")]
    [InlineData("create clusterrole cr --verb=get --non-resource-url=/x --dry-run=server")]
    [InlineData("create clusterrolebinding crb --clusterrole=view --group=g --dry-run=server")]
    [InlineData("create pdb pd --selector=app=web --min-available=1 --dry-run=server")]
    [InlineData("create pc high --value=9 --dry-run=server")]
    [InlineData("create job j --image=busybox --dry-run=server")]
    [InlineData("create deployment d1 --image=a --image=b --replicas=2 --port=80 --dry-run=server -o jsonpath={.spec.template.spec.containers[*].name}")]
    public async Task SameAnswer(string line)
    {
        // A dash stands for a blank within one word.
        var words = line.Split(' ').Select(w => w.StartsWith("jsonpath={range-", StringComparison.Ordinal) ? w.Replace("range-", "range ") : w.StartsWith("--schedule", StringComparison.Ordinal) ? w.Replace('-', ' ').Replace("  schedule", "--schedule") : w).ToArray();
        var theirs = await Record.AskAsync(_server, line, words);
        var ours = KubectlRecord.Stable(await _server.RunAsync(words), _server);
        KubectlRecord.AssertSame(theirs, ours);
    }
}
