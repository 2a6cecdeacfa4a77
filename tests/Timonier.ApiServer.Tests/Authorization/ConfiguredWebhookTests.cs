using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Webhooks;
using Timonier.ApiServer.Webhooks;

namespace Timonier.ApiServer.Tests.Authorization;

/// <summary>Over real sockets, by a kubeconfig file.</summary>
public sealed class ConfiguredWebhookTests
{
    private static readonly AuthorizationAttributes Ask = new() { User = new UserInfo("jane", []), Verb = "get", Path = "/x" };

    private static async Task<Verdict> AskAsync(Func<HttpContext, Task>? answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var server = builder.Build();
        server.Run(context => answer!(context));
        await server.StartAsync();
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $$$"""{"clusters":[{"name":"c","cluster":{"server":"{{{server.Urls.First()}}}/authorize"}}],"contexts":[{"name":"x","context":{"cluster":"c"}}],"current-context":"x"}""");
            if (answer is null)
                await server.StopAsync();
            var webhook = new AuthorizationWebhook { Name = "w", Kubeconfig = file, Timeout = TimeSpan.FromMilliseconds(300) };
            return await new WebhookAuthorizer(webhook, ConfiguredWebhook.Load(file).PostAsync, TimeProvider.System, new Random(1)).AuthorizeAsync(Ask);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Webhook_IsReachedAtItsPath() =>
        Assert.Equal(Decision.Allow, (await AskAsync(c => c.Response.WriteAsync(c.Request.Path == "/authorize" ? """{"status":{"allowed":true}}""" : "{}"))).Decision);

    [Fact]
    public async Task DeadWebhook_HasNoOpinion() => Assert.Contains("cannot be reached", (await AskAsync(null)).Error, StringComparison.Ordinal);

    [Fact]
    public async Task SilentWebhook_HasNoOpinion() => Assert.Contains("did not answer within 0.3s", (await AskAsync(c => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, c.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default))).Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("no json")]
    [InlineData("[]")]
    [InlineData("{\"status\":")]
    [InlineData("")]
    [InlineData("{\"status\":[]}")]
    public async Task WebhookThatBabbles_HasNoOpinion(string answer)
    {
        var verdict = await AskAsync(c => c.Response.WriteAsync(answer));
        Assert.Equal(Decision.NoOpinion, verdict.Decision);
        Assert.NotEmpty(verdict.Error);
    }

    [Fact]
    public async Task EndlessAnswer_IsCutOff()
    {
        var verdict = await AskAsync(async c =>
        {
            var block = new byte[1 << 20];
            for (var i = 0; i < 4; i++)
                await c.Response.Body.WriteAsync(block);
        });
        Assert.NotEmpty(verdict.Error);
    }
}
