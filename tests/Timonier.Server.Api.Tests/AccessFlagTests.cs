using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.Api.Json;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>kube-apiserver's flags about who may, on the real program.</summary>
public sealed class AccessFlagTests
{
    [Theory]
    [InlineData("--authorization-mode Node,Foo", "timonier: authorization-mode \"Foo\" is not a valid mode")]
    [InlineData("--authorization-mode Node,Webhook", "timonier: authorization-mode Webhook's authorization config file not passed")]
    [InlineData("--authorization-webhook-config-file /x", "timonier: cannot specify --authorization-webhook-config-file without mode Webhook")]
    [InlineData("--authorization-config /nonexistent/y", "timonier: --authorization-config /nonexistent/y: Could not find")]
    [InlineData("--client-ca-file /nonexistent/y", "timonier: --client-ca-file /nonexistent/y: Could not find")]
    public async Task WrongFlag_IsRefusedWithOneSentence(string options, string message)
    {
        var data = Directory.CreateTempSubdirectory("timonier-test-").FullName;
        try
        {
            var result = await Run.ProgramAsync(TimonierServer.ProgramPath, ["server", "--no-node", "--data-dir", data, "--listen", "127.0.0.1:1", .. options.Split(' ')]);
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith(message, result.Error);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task AuthorizationConfig_AsksItsWebhookForWhomItsConditionsName()
    {
        var asked = new List<JsonMap>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var webhook = builder.Build();
        webhook.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var review = JsonParser.ParseMap(body.ToArray());
            lock (asked)
                asked.Add(review);
            await context.Response.WriteAsync(review.GetPath("spec", "user") as string == "joe" ? """{"status":{"allowed":true}}""" : """{"status":{"denied":true,"reason":"not today"}}""");
        });
        await webhook.StartAsync();
        await using var server = await TimonierServer.StartAsync(async data =>
        {
            var (kubeconfig, config) = (Path.Combine(data, "hook"), Path.Combine(data, "authorization.yaml"));
            await File.WriteAllTextAsync(kubeconfig, "{clusters: [{name: c, cluster: {server: '" + webhook.Urls.First() + "'}}], contexts: [{name: x, context: {cluster: c}}], current-context: x}");
            await File.WriteAllTextAsync(config, $$"""
                apiVersion: apiserver.config.k8s.io/v1
                kind: AuthorizationConfiguration
                authorizers:
                - type: Webhook
                  name: hook.example.com
                  webhook:
                    timeout: 10s
                    subjectAccessReviewVersion: v1
                    matchConditionSubjectAccessReviewVersion: v1
                    failurePolicy: Deny
                    connectionInfo: {type: KubeConfigFile, kubeConfigFile: {{kubeconfig}}}
                    matchConditions:
                    - expression: request.user in ['joe', 'jim']
                - {type: Node, name: node}
                - {type: RBAC, name: rbac}
                """);
            return ["--no-node", "--authorization-config", config];
        });
        Assert.Equal("configmap/mine created", (await server.KubectlAsync("create", "configmap", "mine", "--as", "joe")).Output.Trim());
        Assert.Equal("kube-root-ca.crt mine", string.Join(' ', (await server.KubectlAsync("get", "configmaps", "-o", "name", "--field-selector", "metadata.namespace=default", "--as", "joe")).Output.Split('\n').Where(l => l.Length > 0).Select(l => l.Split('/')[1])));
        Assert.Contains("configmaps is forbidden: User \"jim\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\": not today", (await server.KubectlAsync("get", "configmaps", "--as", "jim")).All, StringComparison.Ordinal);
        var before = asked.Count;
        Assert.Contains("User \"jack\" cannot list", (await server.KubectlAsync("get", "configmaps", "--as", "jack")).All, StringComparison.Ordinal);
        lock (asked)
        {
            Assert.Equal(before, asked.Count);
            Assert.Contains(asked, a => a.GetPath("spec", "resourceAttributes", "verb") as string == "list" && a.GetPath("spec", "resourceAttributes", "fieldSelector") is JsonMap);
        }
        Assert.Contains("apiserver_authorization_webhook_evaluations_total{name=\"hook.example.com\",result=\"success\"}", (await server.KubectlAsync("get", "--raw", "/metrics")).Output, StringComparison.Ordinal);
    }
}
