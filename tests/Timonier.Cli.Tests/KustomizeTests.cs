namespace Timonier.Cli.Tests;

/// <summary>The same kustomizations through kubectl kustomize give the same objects, in the same YAML.</summary>
public sealed class KustomizeTests : IAsyncLifetime
{
    private CliServer _server = null!;

    public async Task InitializeAsync() => _server = await CliServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              serviceAccountName: sa
              containers:
              - name: c
                image: registry:5000/nginx:1.2
                envFrom: [{configMapRef: {name: settings}}]
                env: [{name: P, valueFrom: {secretKeyRef: {name: pw, key: p}}}]
              volumes: [{name: v, configMap: {name: settings}}, {name: w, projected: {sources: [{secret: {name: pw}}]}}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{port: 80}]}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: sa}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: rb}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
        subjects: [{kind: ServiceAccount, name: sa, namespace: default}]
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: in}
        spec: {rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
        """;

    private const string Base = """
        resources: [web.yaml]
        configMapGenerator:
        - name: settings
          literals: [a=1, b=x y]
        secretGenerator:
        - name: pw
          literals: [p=s3cret]
        """;

    [Theory]
    [InlineData("plain", "resources: [../base]")]
    [InlineData("names", "resources: [../base]\nnamePrefix: p-\nnameSuffix: -s\nnamespace: shop")]
    [InlineData("labels", "resources: [../base]\ncommonLabels: {team: a}\ncommonAnnotations: {note: b}")]
    [InlineData("labels2", "resources: [../base]\nlabels: [{pairs: {team: a}}, {pairs: {x: yy}, includeTemplates: true}]")]
    [InlineData("images", "resources: [../base]\nimages: [{name: \"registry:5000/nginx\", newName: other/nginx, newTag: \"2\"}]\nreplicas: [{name: web, count: 5}]")]
    [InlineData("merge", "resources: [../base]\nconfigMapGenerator: [{name: settings, behavior: merge, literals: [c=3]}]")]
    [InlineData("patch", "resources: [../base]\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: c, resources: {limits: {cpu: 1}}}, {name: side, image: s}]}}}")]
    [InlineData("json6902", "resources: [../base]\npatches:\n- target: {kind: Deployment, name: we.*}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 7}\n    - {op: add, path: /metadata/labels, value: {x: yy}}")]
    [InlineData("delete", "resources: [../base]\npatches:\n- patch: |-\n    $patch: delete\n    apiVersion: v1\n    kind: Service\n    metadata: {name: web}")]
    [InlineData("nohash", "generatorOptions: {disableNameSuffixHash: true, labels: {g: h}}\nconfigMapGenerator: [{name: only, literals: [\"q='quoted'\"]}]")]
    [InlineData("twice", "resources: [../names1, ../names2]")]
    public async Task Build_IsKustomizes(string name, string overlay)
    {
        await _server.WriteAsync("base/web.yaml", Deployment);
        await _server.WriteAsync("base/kustomization.yaml", Base);
        await _server.WriteAsync("names1/kustomization.yaml", "resources: [../base]\nnamePrefix: one-\n");
        await _server.WriteAsync("names2/kustomization.yaml", "resources: [../base]\nnamePrefix: two-\n");
        await _server.WriteAsync(name + "/kustomization.yaml", overlay);
        var theirs = await new KubectlRecord("kustomize").AskAsync(_server, name, ["kustomize", name]);
        var ours = await _server.RunAsync(["kustomize", name]);
        Assert.Equal("", ours.Error);
        Assert.Equal(Documents(theirs.Out), Documents(ours.Out));
    }

    /// <summary>kubectl orders objects by kind for readers; the order says nothing.</summary>
    private static string Documents(string text) => string.Join("---\n", text.Split("---\n").Order(StringComparer.Ordinal));

    [Fact]
    public async Task MissingFile_IsNamed()
    {
        await _server.WriteAsync("bad/kustomization.yaml", "resources: [nothing.yaml]");
        Assert.Contains("nothing.yaml", (await _server.RunAsync("kustomize bad")).Error);
        Assert.Contains("unable to find one of 'kustomization.yaml'", (await _server.RunAsync("kustomize nowhere")).Error);
        await _server.WriteAsync("circle/kustomization.yaml", "resources: [../circle]");
        Assert.Contains("deep", (await _server.RunAsync("kustomize circle")).Error);
    }
}
