using Timonier.ApiServer.Authorization.Webhooks;

namespace Timonier.ApiServer.Tests.Authorization;

public sealed class AuthorizationConfigurationTests
{
    private const string Head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n";
    private const string Good = """
        timeout: 3s
        subjectAccessReviewVersion: v1
        failurePolicy: Deny
        connectionInfo: {type: KubeConfigFile, kubeConfigFile: /etc/hook}
        """;

    private static string Hook(string fields) => Head + "authorizers:\n- type: Webhook\n  name: first.example.com\n  webhook:\n    " + fields.ReplaceLineEndings("\n    ");

    [Fact]
    public void Authorizers_StandInTheirOrder()
    {
        var modes = AuthorizationConfiguration.Parse(Hook(Good + "\nauthorizedTTL: 1m\ncacheUnauthorizedRequests: false\nmatchConditionSubjectAccessReviewVersion: v1\nmatchConditions: [{expression: request.user != 'a'}]") + "\n- {type: Node, name: node}\n- {type: RBAC, name: rbac}\n");
        Assert.Equal(["Webhook", "Node", "RBAC"], modes.Select(m => m.Type));
        var webhook = modes[0].Webhook!;
        Assert.Equal(("first.example.com", "/etc/hook", TimeSpan.FromSeconds(3), true), (webhook.Name, webhook.Kubeconfig, webhook.Timeout, webhook.DeniesOnFailure));
        Assert.Equal((TimeSpan.FromMinutes(1), TimeSpan.Zero, 1), (webhook.AuthorizedTtl, webhook.UnauthorizedTtl, webhook.Conditions.Count));
    }

    [Theory]
    [InlineData("", "authorizers: Required value: at least one authorization mode must be defined")]
    [InlineData("authorizers: [{type: Foo, name: a}]", "authorizers[0].type: Unsupported value: \"Foo\": supported values: \"AlwaysAllow\", \"AlwaysDeny\", \"Node\", \"RBAC\", \"Webhook\"")]
    [InlineData("authorizers: [{type: RBAC, name: a}, {type: RBAC, name: b}]", "authorizers[1].type: Duplicate value: \"RBAC\"")]
    [InlineData("authorizers: [{type: RBAC, name: a}, {type: Node, name: a}]", "authorizers[1].name: Duplicate value: \"a\"")]
    [InlineData("authorizers: [{type: RBAC}]", "authorizers[0].name: Required value")]
    [InlineData("authorizers: [{type: RBAC, name: a, webhook: {}}]", "authorizers[0].webhook: Invalid value: \"non-null\": may only be specified when type=Webhook")]
    [InlineData("authorizers: [{type: Webhook, name: a}]", "authorizers[0].webhook: Required value: required when type=Webhook")]
    [InlineData("authorisers: []", "authorisers: Invalid value: \"authorisers\": unknown field; authorizers: Required value: at least one authorization mode must be defined")]
    public void Nonsense_IsNamed(string text, string message) => Assert.Equal(message, Assert.Throws<FormatException>(() => AuthorizationConfiguration.Parse(Head + text)).Message);

    [Theory]
    [InlineData("timeout: 3s", "timeout: 31s", "authorizers[0].timeout: Invalid value: \"31s\": must be > 0s and <= 30s")]
    [InlineData("timeout: 3s", "", "authorizers[0].timeout: Required value")]
    [InlineData("timeout: 3s", "timeout: 3s\nauthorizedTTL: -1s", "authorizers[0].authorizedTTL: Invalid value: \"-1s\": must be > 0s")]
    [InlineData("Version: v1", "Version: v2", "authorizers[0].subjectAccessReviewVersion: Unsupported value: \"v2\": supported values: \"v1\", \"v1beta1\"")]
    [InlineData("Policy: Deny", "Policy: Fail", "authorizers[0].failurePolicy: Unsupported value: \"Fail\": supported values: \"NoOpinion\", \"Deny\"")]
    [InlineData("failurePolicy: Deny", "", "authorizers[0].failurePolicy: Required value")]
    [InlineData("/etc/hook", "etc/hook", "authorizers[0].connectionInfo.kubeConfigFile: Invalid value: \"etc/hook\": must be an absolute path")]
    [InlineData("type: KubeConfigFile", "type: InClusterConfig", "authorizers[0].connectionInfo.type: Unsupported value: \"InClusterConfig\": supported values: \"KubeConfigFile\"")]
    [InlineData("timeout: 3s", "timeout: 3s\nmatchConditions: [{expression: 'true'}]", "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified")]
    [InlineData("timeout: 3s", "timeout: 3s\nmatchConditionSubjectAccessReviewVersion: v1\nmatchConditions: [{expression: '1'}]", "authorizers[0].matchConditions[0].expression: Invalid value: \"1\": must evaluate to bool")]
    public void WrongWebhook_IsNamed(string part, string instead, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => AuthorizationConfiguration.Parse(Hook(Good.Replace(part, instead, StringComparison.Ordinal)))).Message);
}
