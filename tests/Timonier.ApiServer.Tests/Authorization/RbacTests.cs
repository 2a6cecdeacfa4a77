using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Rbac.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Tests.Authentication;

namespace Timonier.ApiServer.Tests.Authorization;

public class RbacTests
{
    private sealed class Changes : IChangeCounter
    {
        public long Number { get; set; }

        public long LastChange(GroupVersionResource resource) => Number;
    }

    private sealed class NoRelations : INodeRelations
    {
        public ValueTask<bool> RelatesAsync(string node, ReferenceKind kind, string @namespace, string name, CancellationToken cancel) => new(false);
    }

    private readonly Changes _changes = new();
    private readonly FakeObjects _objects = new();
    private readonly RbacIndex _index;
    private readonly Authorizers _authorizer;

    public RbacTests()
    {
        _index = new RbacIndex(_objects, _changes);
        _authorizer = new Authorizers([new MastersAuthorizer(), new RbacAuthorizer(_index)]);
        var policy = new DefaultPolicy();
        foreach (var role in policy.ClusterRoles)
            _objects.Add(role);
        foreach (var binding in policy.ClusterRoleBindings)
            _objects.Add(binding);
        Bind("jane", "edit", "shop");
        Bind("joe", "view", "shop");
    }

    private void Bind(string user, string role, string @namespace)
    {
        _objects.Add(new RoleBinding
        {
            Metadata = new ObjectMeta { Name = user + role, Namespace = @namespace }, RoleRef = new RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = role },
            Subjects = [new Subject { Kind = "User", Name = user }],
        });
        _changes.Number++;
    }

    /// <summary>Everything that decides here is in memory: the answer is there at once.</summary>
    private Verdict Decide(AuthorizationAttributes asked)
    {
        var verdict = _authorizer.AuthorizeAsync(asked).AsTask();
        Assert.True(verdict.IsCompleted);
        return verdict.GetAwaiter().GetResult();
    }

    /// <param name="what">"get pods/log.apps shop/name" or "get /healthz".</param>
    internal static AuthorizationAttributes Ask(string user, string what, params string[] groups)
    {
        var words = what.Split(' ');
        var who = new UserInfo(user, [.. groups, user == "system:anonymous" ? "system:unauthenticated" : "system:authenticated"]);
        if (words[1][0] == '/')
            return new AuthorizationAttributes { User = who, Verb = words[0], Path = words[1] };
        var dot = words[1].IndexOf('.');
        var resource = (dot < 0 ? words[1] : words[1][..dot]).Split('/');
        var place = words.Length > 2 ? words[2].Split('/') : ["", ""];
        return new AuthorizationAttributes
        {
            User = who, Verb = words[0], IsResource = true, Group = dot < 0 ? "" : words[1][(dot + 1)..], Resource = resource[0], Subresource = resource.Length > 1 ? resource[1] : "",
            Namespace = place[0], Name = place.Length > 1 ? place[1] : "",
        };
    }

    [Theory]
    [InlineData("jane", "create deployments.apps shop", true)]
    [InlineData("jane", "create deployments.apps other", false)]
    [InlineData("jane", "get pods/log shop/x", true)]
    [InlineData("jane", "get secrets shop/x", true)]
    [InlineData("jane", "create roles.rbac.authorization.k8s.io shop", false)]
    [InlineData("joe", "get secrets shop/x", false)]
    [InlineData("joe", "list pods shop", true)]
    [InlineData("joe", "list pods", false)]
    [InlineData("joe", "get /api/v1", true)]
    [InlineData("joe", "get /metrics", false)]
    [InlineData("system:anonymous", "get /healthz", true)]
    [InlineData("system:anonymous", "get /api", false)]
    [InlineData("joe", "create selfsubjectaccessreviews.authorization.k8s.io", true)]
    [InlineData("system:kube-scheduler", "create pods/binding shop/x", true)]
    [InlineData("system:kube-scheduler", "delete nodes /x", false)]
    [InlineData("system:kube-scheduler", "update leases.coordination.k8s.io kube-system/kube-scheduler", true)]
    [InlineData("system:kube-scheduler", "update leases.coordination.k8s.io kube-system/other", false)]
    [InlineData("system:serviceaccount:kube-system:job-controller", "update jobs/status.batch shop/x", true)]
    [InlineData("system:serviceaccount:kube-system:disruption-controller", "get foos/scale.example.com shop/x", true)]
    [InlineData("system:serviceaccount:kube-system:disruption-controller", "get foos/status.example.com shop/x", false)]
    public void DefaultPolicy_Decides(string user, string what, bool allowed) =>
        Assert.Equal(allowed ? Decision.Allow : Decision.NoOpinion, Decide(Ask(user, what)).Decision);

    [Fact]
    public void Masters_MayEverything() => Assert.Equal(Decision.Allow, Decide(Ask("root", "delete nodes /x", "system:masters")).Decision);

    [Fact]
    public void NewBinding_HoldsAtTheNextQuestion()
    {
        var ask = Ask("new", "list pods shop");
        Assert.Equal(Decision.NoOpinion, Decide(ask).Decision);
        Bind("new", "view", "shop");
        Assert.Equal(Decision.Allow, Decide(ask).Decision);
    }

    [Fact]
    public void BindingToNoRole_IsToldInTheReason()
    {
        Bind("lost", "gone", "shop");
        Assert.Equal("RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found", Decide(Ask("lost", "list pods shop")).Reason);
    }

    [Theory]
    [InlineData("list pods default", "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"")]
    [InlineData("get deployments/scale.apps shop/web", "deployments.apps \"web\" is forbidden: User \"x\" cannot get resource \"deployments/scale\" in API group \"apps\" in the namespace \"shop\"")]
    [InlineData("list nodes", "nodes is forbidden: User \"x\" cannot list resource \"nodes\" in API group \"\" at the cluster scope")]
    [InlineData("get /metrics", "forbidden: User \"x\" cannot get path \"/metrics\"")]
    public void Denial_IsInUpstreamsWords(string what, string message) => Assert.Equal(message, Denials.Forbidden(Ask("x", what), "").Message);

    [Fact]
    public void AggregatedRole_GathersNewParts()
    {
        var view = new DefaultPolicy().ClusterRoles.Single(r => r.Metadata.Name == "admin");
        var part = new ClusterRole
        {
            Metadata = new ObjectMeta { Name = "crd-view", Labels = new Dictionary<string, string> { ["rbac.authorization.k8s.io/aggregate-to-view"] = "true" } },
            Rules = [new PolicyRule { Verbs = ["get"], ApiGroups = ["example.com"], Resources = ["foos"] }],
        };
        var all = new DefaultPolicy().ClusterRoles.Append(part);
        Assert.Contains(ClusterRoleAggregation.Aggregate(view, all).Rules, r => r.Resources.Contains("foos"));
        Assert.Contains(view.Rules, r => r.Resources.Contains("rolebindings"));
    }

    private void Admit(string user, string resource, string body, string? old = null) => new RbacEscalation(_index, _authorizer).ValidateAsync(new AdmissionAttributes
    {
        Scope = new RequestScope { User = new UserInfo(user, ["system:authenticated"]), Resource = Schema.Resources.First(r => r.Plural == resource), Verb = "create", Namespace = resource.StartsWith("cluster", StringComparison.Ordinal) ? "" : "shop", Name = "x" },
        Operation = old is null ? "CREATE" : "UPDATE", Object = JsonParser.ParseMap(Encoding.UTF8.GetBytes(body)), OldObject = old is null ? null : JsonParser.ParseMap(Encoding.UTF8.GetBytes(old)),
    }, default).AsTask().GetAwaiter().GetResult();

    private static readonly ApiSchema Schema = new();

    [Theory]
    [InlineData("roles", """{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}""", true)]
    [InlineData("roles", """{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["*"]}]}""", false)]
    [InlineData("roles", """{"rules":[{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles"]}]}""", false)]
    [InlineData("clusterroles", """{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}""", false)]
    [InlineData("rolebindings", """{"roleRef":{"kind":"ClusterRole","name":"view"}}""", true)]
    [InlineData("rolebindings", """{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"}}""", false)]
    [InlineData("rolebindings", """{"roleRef":{"kind":"ClusterRole","name":"nope"}}""", false)]
    public void Grant_OnlyOfWhatOneHolds(string resource, string body, bool allowed)
    {
        if (allowed)
            Admit("jane", resource, body);
        else
            Assert.Throws<ApiException>(() => Admit("jane", resource, body));
    }

    [Fact]
    public void Escalation_IsRefusedInUpstreamsWords() => Assert.Equal(
        "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"joe\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}",
        Assert.Throws<ApiException>(() => Admit("joe", "roles", """{"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["secrets"]}]}""")).Message);

    [Fact]
    public void UnchangedRules_MayBeWrittenBack() =>
        Admit("joe", "roles", """{"metadata":{"labels":{"a":"b"}},"rules":[{"verbs":["*"]}]}""", """{"rules":[{"verbs":["*"]}]}""");

    private JsonMap Review(string kind, string spec, string @namespace = "")
    {
        var review = AccessReviews.All(_authorizer).Single(r => r.Resource == kind);
        return review.CreateAsync(new RequestScope { User = new UserInfo("joe", ["system:authenticated"]), Resource = Schema.Resources[0], Verb = "create", Namespace = @namespace },
            new JsonMap { ["spec"] = JsonParser.Parse(Encoding.UTF8.GetBytes(spec)) }, default).AsTask().GetAwaiter().GetResult();
    }

    [Theory]
    [InlineData("subjectaccessreviews", """{"user":"jane","resourceAttributes":{"namespace":"shop","verb":"create","group":"apps","resource":"deployments"}}""", true)]
    [InlineData("subjectaccessreviews", """{"user":"nobody","resourceAttributes":{"namespace":"shop","verb":"create","group":"apps","resource":"deployments"}}""", false)]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{"namespace":"shop","verb":"list","resource":"pods"}}""", true)]
    [InlineData("selfsubjectaccessreviews", """{"nonResourceAttributes":{"path":"/logs","verb":"get"}}""", false)]
    [InlineData("localsubjectaccessreviews", """{"user":"jane","resourceAttributes":{"namespace":"shop","verb":"list","resource":"pods"}}""", true)]
    public void Review_Answers(string kind, string spec, bool allowed) => Assert.Equal(allowed, Review(kind, spec, "shop").GetPath("status", "allowed"));

    [Theory]
    [InlineData("subjectaccessreviews", "{}")]
    [InlineData("subjectaccessreviews", """{"resourceAttributes":{}}""")]
    [InlineData("localsubjectaccessreviews", """{"user":"jane","resourceAttributes":{"namespace":"other"}}""")]
    [InlineData("subjectaccessreviews", """{"user":"jane","resourceAttributes":{"fieldSelector":{}}}""")]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{"labelSelector":{"rawSelector":"a=b","requirements":[{"key":"a","operator":"Exists"}]}}}""")]
    [InlineData("localsubjectaccessreviews", """{"user":"jane","resourceAttributes":{"namespace":"shop","labelSelector":{"requirements":[{"key":"/","operator":"Exists"}]}}}""")]
    public void Review_OfNonsenseIsInvalid(string kind, string spec) => Assert.True(Assert.Throws<ApiException>(() => Review(kind, spec, "shop")).IsInvalid);

    [Theory]
    [InlineData(""" "fieldSelector":{"rawSelector":"a=b,c"} """, "spec.resourceAttributes.fieldSelector ignored due to parse error")]
    [InlineData(""" "fieldSelector":{"requirements":[{"key":"a","operator":"In","values":["b"]},{"key":"a","operator":"Foo"}]} """, "spec.resourceAttributes.fieldSelector partially ignored due to parse error")]
    [InlineData(""" "labelSelector":{"rawSelector":"a in ("} """, "spec.resourceAttributes.labelSelector ignored due to parse error")]
    [InlineData(""" "fieldSelector":{"rawSelector":"a=b"},"labelSelector":{"requirements":[{"key":"a","operator":"NotIn","values":["b"]}]} """, null)]
    public void SelectorThatIsNotUnderstood_IsTold(string selectors, string? error) =>
        Assert.Equal(error, Review("selfsubjectaccessreviews", "{\"resourceAttributes\":{\"verb\":\"list\",\"resource\":\"pods\"," + selectors + "}}").GetPath("status", "evaluationError"));

    [Fact]
    public void SelectorErrors_HaveUpstreamsWords()
    {
        const string Spec = """{"user":"me","resourceAttributes":{"fieldSelector":{"rawSelector":"foo","requirements":[{}]},"labelSelector":{"requirements":[{"key":"k","operator":"In"},{"key":"k","operator":"Exists","values":["v"]}]}}}""";
        var message = Assert.Throws<ApiException>(() => Review("subjectaccessreviews", Spec)).Message;
        Assert.Contains("spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"foo\": may not specified at the same time as requirements", message, StringComparison.Ordinal);
        Assert.Contains("spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified", message, StringComparison.Ordinal);
        Assert.Contains("spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'", message, StringComparison.Ordinal);
        Assert.Contains("spec.resourceAttributes.labelSelector.requirements[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RulesReview_ListsWhatIMay()
    {
        var answer = await new RulesReviews(new ClusterAuthorizer(_objects, _index, new NoRelations(), [new("Node"), new("RBAC")])).CreateAsync(new RequestScope { User = new UserInfo("joe", ["system:authenticated"]), Resource = Schema.Resources[0], Verb = "create" },
            new JsonMap { ["spec"] = new JsonMap { ["namespace"] = "shop" } }, default);
        Assert.Contains(((JsonMap)answer["status"]!).GetList("resourceRules")!.Cast<JsonMap>(), r => r.GetList("resources")!.Contains("pods/log"));
        Assert.Contains(((JsonMap)answer["status"]!).GetList("nonResourceRules")!.Cast<JsonMap>(), r => r.GetList("nonResourceURLs")!.Contains("/api/*"));
    }

    [Fact]
    public async Task Chain_MayBeExchanged_AndSaysWhatItCanNotList()
    {
        var chain = new ClusterAuthorizer(_objects, _index, new NoRelations(), [new("Node"), new("RBAC")]);
        var ask = Ask("jane", "list pods shop");
        Assert.Equal(Decision.Allow, (await chain.AuthorizeAsync(ask)).Decision);
        Assert.Equal("node authorizer does not support user rule resolution", chain.Unlisted(new UserInfo("system:node:n1", ["system:nodes"])));
        Assert.Equal("", chain.Unlisted(ask.User));
        var webhook = new Timonier.ApiServer.Authorization.Webhooks.WebhookAuthorizer(new() { Kubeconfig = "" }, (_, _) => throw new HttpRequestException("away"), TimeProvider.System, new Random(1));
        chain.Use([new("AlwaysDeny"), new("Webhook", webhook)]);
        Assert.Equal(new Verdict(Decision.NoOpinion, "Everything is forbidden.", "away"), await chain.AuthorizeAsync(ask));
        Assert.Equal("webhook authorizer does not support user rule resolution", chain.Unlisted(ask.User));
        Assert.Null(chain.Roles);
        Assert.Equal(Decision.Allow, (await chain.AuthorizeAsync(Ask("root", "list pods shop", "system:masters"))).Decision);
    }
}
