using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Tests.Audit;

public class AuditPolicyTests
{
    private const string Policy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        - level: None
          users: [system:kube-proxy]
          verbs: [watch]
          resources: [{group: "", resources: [endpoints, services]}]
        - level: None
          userGroups: [system:authenticated]
          nonResourceURLs: ["/api*", /version]
        - level: Request
          namespaces: [kube-system]
          resources: [{group: "", resources: [configmaps]}]
        - level: Metadata
          resources: [{group: "", resources: [secrets, pods/log, "*/status", "nodes/*"]}]
        - level: RequestResponse
          omitManagedFields: true
          omitStages: [Panic]
          resources: [{group: "", resources: [configmaps], resourceNames: [special]}, {group: extensions}]
        """;

    private static readonly UserInfo Someone = new("someone", ["system:authenticated"]);

    [Theory]
    [InlineData("GET", "/api/v1/watch/endpoints", "system:kube-proxy", AuditLevel.None)]
    [InlineData("GET", "/version", "someone", AuditLevel.None)]
    [InlineData("GET", "/apis/apps/v1", "someone", AuditLevel.None)]
    [InlineData("PUT", "/api/v1/namespaces/kube-system/configmaps/x", "someone", AuditLevel.Request)]
    [InlineData("GET", "/api/v1/namespaces/a/secrets/x", "someone", AuditLevel.Metadata)]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x/log", "someone", AuditLevel.Metadata)]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x", "someone", AuditLevel.None)]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x/status", "someone", AuditLevel.Metadata)]
    [InlineData("GET", "/api/v1/nodes/x/proxy", "someone", AuditLevel.Metadata)]
    [InlineData("GET", "/api/v1/nodes/x", "someone", AuditLevel.Metadata)]
    [InlineData("GET", "/api/v1/namespaces/a/configmaps/special", "someone", AuditLevel.RequestResponse)]
    [InlineData("GET", "/api/v1/namespaces/a/configmaps/other", "someone", AuditLevel.None)]
    [InlineData("GET", "/apis/extensions/v1beta1/namespaces/a/ingresses", "someone", AuditLevel.RequestResponse)]
    public void FirstMatchingRule_Decides(string method, string path, string user, AuditLevel expected)
    {
        var info = RequestInfoParser.Parse(method, path, QueryCollection.Empty);
        Assert.Equal(expected, AuditPolicy.Parse(Policy).Decide(info, Someone with { Name = user }).Level);
    }

    [Fact]
    public void OmittedStages_OfPolicyAndRuleAddUp()
    {
        var info = RequestInfoParser.Parse("GET", "/api/v1/namespaces/a/configmaps/special", QueryCollection.Empty);
        Assert.Equal(new AuditDecision(AuditLevel.RequestResponse, AuditStages.RequestReceived | AuditStages.Panic, OmitManagedFields: true), AuditPolicy.Parse(Policy).Decide(info, Someone));
    }

    [Fact]
    public void UnknownUser_MatchesNoRuleForUsers()
    {
        var info = RequestInfoParser.Parse("GET", "/version", QueryCollection.Empty);
        Assert.Equal(AuditLevel.None, AuditPolicy.Parse("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata, userGroups: [system:authenticated]}]}").Decide(info, null).Level);
    }

    [Theory]
    [InlineData("kind: Pod", "an audit policy is wanted")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy}", "loaded illegal policy with 0 rules")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{}]}", "rules[0].level: Required value")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}]}", "rules[0].level: Unsupported value: \"All\"")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, omitStages: [Never]}]}", "allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, nonResourceURLs: [a, /b*c]}]}", "non-resource URL rules must begin with a '/' character")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]}", "rules cannot apply to both regular resources and non-resource URLs")]
    [InlineData("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, resources: [{resourceNames: [x]}]}]}", "using resourceNames requires at least one resource")]
    public void WrongPolicy_IsRefusedWithItsField(string policy, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => AuditPolicy.Parse(policy)).Message, StringComparison.Ordinal);
}
