using Timonier.Api.Json;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Tests.Authentication;

public sealed class WebhookTokensTests
{
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 8, 0, 0, TimeSpan.Zero));
    private readonly List<JsonMap> _asked = [];
    private string _answer = """{"status":{"authenticated":true,"user":{"username":"jane","uid":"42","groups":["dev"],"extra":{"k":["v"]}}}}""";

    [Fact]
    public async Task KnownToken_IsItsUserAndAskedOnce()
    {
        var tokens = Tokens();
        var identity = await tokens.AuthenticateAsync("t", ["api"], default);
        await tokens.AuthenticateAsync("t", ["api"], default);
        Assert.Equal(("jane", "42", "dev", "v"), (identity!.User.Name, identity.User.Uid, identity.User.Groups[0], identity.User.Extra["k"][0]));
        var review = Assert.Single(_asked);
        Assert.Equal("TokenReview authentication.k8s.io/v1 t api", string.Join(' ', review.GetString("kind"), review.GetString("apiVersion"), review.GetPath("spec", "token"), ((JsonList)review.GetPath("spec", "audiences")!)[0]));
        _time.Now += TimeSpan.FromMinutes(3);
        await tokens.AuthenticateAsync("t", ["api"], default);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task UnknownToken_IsSomebodyElsesToKnow()
    {
        _answer = """{"status":{"authenticated":false}}""";
        Assert.Null(await Tokens().AuthenticateAsync("t", ["api"], default));
    }

    [Theory]
    [InlineData("""{"status":{"error":"expired"}}""", "expired")]
    [InlineData("""{"status":{"authenticated":true,"audiences":["other"],"user":{"username":"jane"}}}""", "webhook authenticator returned invalid audiences")]
    [InlineData("", "webhook token authenticator: no way there")]
    public async Task Refusal_HasItsReason(string answer, string message)
    {
        _answer = answer;
        Assert.Equal(message, (await Assert.ThrowsAsync<TokenRefusedException>(() => Tokens().AuthenticateAsync("t", ["api"], default).AsTask())).Message);
    }

    private WebhookTokens Tokens() => new((body, _) =>
    {
        _asked.Add(JsonParser.ParseMap(body.Span));
        return _answer.Length > 0 ? Task.FromResult(JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes(_answer))) : throw new HttpRequestException("no way there");
    }, "v1", TimeSpan.FromMinutes(2), _time);
}
