using System.Net;
using System.Text;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Webhooks;

namespace Timonier.ApiServer.Tests.Authorization;

public sealed class WebhookAuthorizerTests
{
    /// <summary>A clock to move, on which pauses between tries are over at once, and only the limit of a question can end it.</summary>
    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

        public bool LimitsEnd { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime < TimeSpan.FromSeconds(4) || LimitsEnd ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, period);
    }

    private static readonly AuthorizationAttributes Ask = new()
    {
        User = new UserInfo("jane", ["dev"], "42") { Extra = new Dictionary<string, IReadOnlyList<string>> { ["scopes"] = ["a"] } },
        Verb = "list", IsResource = true, Version = "v1", Resource = "pods", Namespace = "shop", Selectors = RequestedSelectors.Of("spec.nodeName=n1,status.phase!=Failed", "app in (b,a),!old,n>3"),
    };

    private readonly Clock _time = new();
    private readonly List<JsonMap> _asked = [];
    private Func<CancellationToken, Task<string>> _answer = _ => Task.FromResult("""{"status":{"allowed":true,"reason":"because"}}""");

    private WebhookAuthorizer Authorizer(Func<AuthorizationWebhook, AuthorizationWebhook>? change = null)
    {
        var webhook = new AuthorizationWebhook { Name = "w", Kubeconfig = "" };
        return new(change?.Invoke(webhook) ?? webhook, async (body, cancel) =>
        {
            _asked.Add(JsonParser.ParseMap(body.Span));
            return JsonParser.ParseMap(Encoding.UTF8.GetBytes(await _answer(cancel)));
        }, _time, new Random(1));
    }

    [Fact]
    public async Task Question_SaysAllThatIsKnown()
    {
        Assert.Equal(new Verdict(Decision.Allow, "because"), await Authorizer().AuthorizeAsync(Ask));
        Assert.Equal(
            """{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":{"namespace":"shop","verb":"list","version":"v1","resource":"pods","""
            + """ "fieldSelector":{"requirements":[{"key":"spec.nodeName","operator":"In","values":["n1"]},{"key":"status.phase","operator":"NotIn","values":["Failed"]}]},"""
            + """ "labelSelector":{"requirements":[{"key":"app","operator":"In","values":["a","b"]},{"key":"old","operator":"DoesNotExist"}]}},"user":"jane","groups":["dev"],"extra":{"scopes":["a"]},"uid":"42"}}""",
            Encoding.UTF8.GetString(JsonEncoder.Encode(Assert.Single(_asked))).Replace(",\"fieldS", ", \"fieldS", StringComparison.Ordinal).Replace(",\"labelS", ", \"labelS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Version1Beta1_HasItsOwnNameForGroups()
    {
        await Authorizer(w => w with { Version = "v1beta1" }).AuthorizeAsync(Ask with { IsResource = false, Path = "/metrics", Verb = "get" });
        Assert.Equal("""{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"jane","extra":{"scopes":["a"]},"uid":"42","group":["dev"]}""", Encoding.UTF8.GetString(JsonEncoder.Encode(Assert.Single(_asked)["spec"])));
    }

    [Theory]
    [InlineData("""{"status":{"allowed":true}}""", Decision.Allow, "")]
    [InlineData("""{"status":{"allowed":false}}""", Decision.NoOpinion, "")]
    [InlineData("""{"status":{"denied":true}}""", Decision.Deny, "")]
    [InlineData("""{"status":{"allowed":"true"}}""", Decision.NoOpinion, "")]
    [InlineData("""{"status":{"allowed":true,"denied":true}}""", Decision.Deny, "webhook subject access review returned both allow and deny response")]
    [InlineData("""{"allowed":true}""", Decision.NoOpinion, "the webhook's answer is no SubjectAccessReview with a status")]
    public async Task Answer_Decides(string answer, Decision decision, string error)
    {
        _answer = _ => Task.FromResult(answer);
        var verdict = await Authorizer().AuthorizeAsync(Ask);
        Assert.Equal((decision, error), (verdict.Decision, verdict.Error));
    }

    [Theory]
    [InlineData(true, 5)]
    [InlineData(false, 1)]
    public async Task Answer_HoldsForItsTime(bool allowed, int minutes)
    {
        _answer = _ => Task.FromResult($$$"""{"status":{"allowed":{{{(allowed ? "true" : "false")}}}}}""");
        var authorizer = Authorizer(w => w with { UnauthorizedTtl = TimeSpan.FromMinutes(1) });
        await authorizer.AuthorizeAsync(Ask);
        _time.Now += TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1);
        await authorizer.AuthorizeAsync(Ask);
        Assert.Single(_asked);
        await authorizer.AuthorizeAsync(Ask with { Selectors = null });
        Assert.Equal(2, _asked.Count);
        _time.Now += TimeSpan.FromSeconds(2);
        await authorizer.AuthorizeAsync(Ask);
        Assert.Equal(3, _asked.Count);
    }

    [Fact]
    public async Task AnswersThatAreNotToBeKept_AreAskedForAgain()
    {
        var authorizer = Authorizer(w => w with { AuthorizedTtl = TimeSpan.Zero });
        await authorizer.AuthorizeAsync(Ask);
        await authorizer.AuthorizeAsync(Ask);
        var other = Authorizer();
        await other.AuthorizeAsync(Ask with { Name = new string('x', 10_000) });
        await other.AuthorizeAsync(Ask with { Name = new string('x', 10_000) });
        Assert.Equal(4, _asked.Count);
    }

    [Fact]
    public async Task ManyQuestions_DoNotFillTheMemory()
    {
        var authorizer = Authorizer();
        for (var i = 0; i < 9000; i++)
            await authorizer.AuthorizeAsync(Ask with { Name = "n" + i });
        // The first ones had to go, the last are still known.
        await authorizer.AuthorizeAsync(Ask with { Name = "n0" });
        Assert.Equal(9001, _asked.Count);
        await authorizer.AuthorizeAsync(Ask with { Name = "n8999" });
        Assert.Equal(9001, _asked.Count);
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(HttpStatusCode.BadGateway, 1)]
    [InlineData(HttpStatusCode.TooManyRequests, 5)]
    [InlineData(HttpStatusCode.InternalServerError, 5)]
    public async Task DeadWebhook_IsTriedAgainWhereThatMayHelpAndThenGivenUp(HttpStatusCode? code, int tries)
    {
        _answer = _ => throw new HttpRequestException("no way there", null, code);
        var (open, closed) = (Authorizer(), Authorizer(w => w with { DeniesOnFailure = true }));
        Assert.Equal(new Verdict(Decision.NoOpinion, "", "no way there"), await open.AuthorizeAsync(Ask));
        Assert.Equal(tries, _asked.Count);
        Assert.Equal(Decision.Deny, (await closed.AuthorizeAsync(Ask)).Decision);
        // A failure is not kept.
        _answer = _ => Task.FromResult("""{"status":{"allowed":true}}""");
        Assert.Equal(Decision.Allow, (await closed.AuthorizeAsync(Ask)).Decision);
        Assert.Equal((1, 1), (closed.Figures.Evaluations("error"), closed.Figures.Evaluations("success")));
    }

    [Fact]
    public async Task BusyWebhook_IsAskedAgain()
    {
        _answer = _ => _asked.Count < 3 ? throw new HttpRequestException("busy", null, HttpStatusCode.TooManyRequests) : Task.FromResult("""{"status":{"allowed":true}}""");
        Assert.Equal(Decision.Allow, (await Authorizer().AuthorizeAsync(Ask)).Decision);
    }

    [Fact]
    public async Task SlowWebhook_IsNotWaitedForBeyondItsTime()
    {
        _time.LimitsEnd = true;
        _answer = async cancel =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
            return "";
        };
        var authorizer = Authorizer(w => w with { Timeout = TimeSpan.FromSeconds(5), DeniesOnFailure = true });
        Assert.Equal(new Verdict(Decision.Deny, "", "webhook \"w\" did not answer within 5s"), await authorizer.AuthorizeAsync(Ask));
        Assert.Equal(1, authorizer.Figures.Evaluations("timeout"));
    }

    [Theory]
    [InlineData("request.user == 'jane'", true)]
    [InlineData("request.user == 'joe'", false)]
    [InlineData("has(request.resourceAttributes) && request.resourceAttributes.namespace == 'shop' && request.resourceAttributes.name == ''", true)]
    [InlineData("has(request.nonResourceAttributes)", false)]
    [InlineData("!('system:nodes' in request.groups) && request.extra['scopes'][0] == 'a'", true)]
    [InlineData("request.resourceAttributes.fieldSelector.requirements.exists(r, r.key == 'spec.nodeName' && r.values == ['n1'])", true)]
    public async Task Conditions_SayWhatIsAskedAbout(string expression, bool asked)
    {
        var authorizer = Authorizer(w => w with { Conditions = [MatchExpression.Compile("true"), MatchExpression.Compile(expression)] });
        Assert.Equal(asked ? Decision.Allow : Decision.NoOpinion, (await authorizer.AuthorizeAsync(Ask)).Decision);
        Assert.Equal(asked ? 1 : 0, _asked.Count);
    }

    [Theory]
    [InlineData("request.nonResourceAttributes.path == '/x'", false, Decision.NoOpinion, "cel evaluation error: expression 'request.nonResourceAttributes.path == '/x'' resulted in error: no such key: nonResourceAttributes")]
    [InlineData("request.nonResourceAttributes.path == '/x'", true, Decision.Deny, "cel evaluation error: expression 'request.nonResourceAttributes.path == '/x'' resulted in error: no such key: nonResourceAttributes")]
    [InlineData("[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))", true, Decision.Deny, "operation cancelled: actual cost limit exceeded")]
    public async Task ConditionThatFails_CountsAsTheWebhooksFailure(string expression, bool denies, Decision decision, string error)
    {
        var authorizer = Authorizer(w => w with { DeniesOnFailure = denies, Conditions = [MatchExpression.Compile(expression)] });
        var verdict = await authorizer.AuthorizeAsync(Ask);
        Assert.Equal(decision, verdict.Decision);
        Assert.EndsWith(error, verdict.Error, StringComparison.Ordinal);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task Chain_TellsAFailureOnlyWhenNobodyDecides()
    {
        _answer = _ => throw new HttpRequestException("no way there");
        Assert.Equal(new Verdict(Decision.Allow), await new Authorizers([Authorizer(), new FixedAuthorizer(new Verdict(Decision.Allow))]).AuthorizeAsync(Ask));
        Assert.Equal(new Verdict(Decision.NoOpinion, "no", "no way there"), await new Authorizers([Authorizer(), new FixedAuthorizer(new Verdict(Decision.NoOpinion, "no"))]).AuthorizeAsync(Ask));
    }

    [Fact]
    public async Task Figures_AreTold()
    {
        var authorizer = Authorizer();
        await authorizer.AuthorizeAsync(Ask);
        var text = new StringBuilder();
        WebhookFigures.Write(text, [authorizer]);
        Assert.Contains("apiserver_authorization_webhook_evaluations_total{name=\"w\",result=\"success\"} 1\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("apiserver_authorization_webhook_duration_seconds_count{name=\"w\",result=\"success\"} 1\n", text.ToString(), StringComparison.Ordinal);
    }
}
