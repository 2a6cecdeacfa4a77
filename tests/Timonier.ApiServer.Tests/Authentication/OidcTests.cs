using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication.Oidc;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Tests.Authentication;

/// <summary>Tokens of an issuer in this process.</summary>
public sealed class OidcTests : IDisposable
{
    private const string Url = "https://issuer.example.com";

    private static readonly JwtIssuer Plain = new()
    {
        Url = Url, Audiences = ["timonier"], Username = new ClaimMapping("sub", Url + "#"), Groups = new ClaimMapping("groups", "oidc:"), RequiredClaims = new Dictionary<string, string> { ["tenant"] = "a" },
    };

    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 8, 0, 0, TimeSpan.Zero));
    private readonly Issuer _issuer = new();

    public void Dispose() => _issuer.Dispose();

    [Fact]
    public async Task GoodToken_IsItsUserWithPrefixedGroups()
    {
        var identity = await Ask(Plain, _issuer.Sign("k1", Claims()));
        Assert.Equal(Url + "#jane", identity!.User.Name);
        Assert.Equal(["oidc:dev", "oidc:ops"], identity.User.Groups);
        Assert.Equal(["JTI=42"], identity.User.Extra["authentication.kubernetes.io/credential-id"]);
    }

    [Theory]
    [InlineData("aud", "other", "expected audience in [\"timonier\"] got [\"other\"]")]
    [InlineData("exp", 1L, "token is expired")]
    [InlineData("nbf", 9999999999L, "before the nbf")]
    [InlineData("tenant", "b", "required claim tenant value does not match. Got = b, want = a")]
    [InlineData("tenant", null, "required claim tenant not present in ID token")]
    [InlineData("sub", null, "username claim is missing or empty")]
    [InlineData("groups", 5L, "parse groups claim")]
    public async Task WrongClaim_IsRefusedWithItsReason(string claim, object? value, string message)
    {
        var claims = Claims();
        claims[claim] = value;
        if (value is null)
            claims.Remove(claim);
        var refused = await Assert.ThrowsAsync<TokenRefusedException>(() => Ask(Plain, _issuer.Sign("k1", claims)).AsTask());
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TokenOfAnotherIssuer_IsNotOurs()
    {
        var claims = Claims();
        claims["iss"] = "https://other.example.com";
        Assert.Null(await Ask(Plain, _issuer.Sign("k1", claims)));
        Assert.Null(await Ask(Plain, "no.token"));
    }

    [Fact]
    public async Task ForgedSignatureOrAlgorithm_IsRefused()
    {
        var token = _issuer.Sign("k1", Claims());
        using var stranger = RSA.Create(2048);
        await Refused(token[..token.LastIndexOf('.')] + "." + Base64Url.EncodeToString(stranger.SignData("x"u8, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)), "failed to verify signature");
        var none = Base64Url.EncodeToString("{\"alg\":\"none\"}"u8) + token[token.IndexOf('.')..token.LastIndexOf('.')] + ".";
        await Refused(none, "unexpected signature algorithm \"none\"; expected [\"RS256\"]");
        var hmac = Base64Url.EncodeToString("{\"alg\":\"HS256\",\"kid\":\"k1\"}"u8) + token[token.IndexOf('.')..];
        await Refused(hmac, "unexpected signature algorithm \"HS256\"");
    }

    [Fact]
    public async Task NewKey_IsFetchedWhenATokenNamesIt_AtMostOnceInTenSeconds()
    {
        var tokens = Tokens(Plain);
        Assert.NotNull(await tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default));
        Assert.NotNull(await tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default));
        Assert.Equal(2, _issuer.Asked);
        _issuer.Rotate("k2");
        await Assert.ThrowsAsync<TokenRefusedException>(() => tokens.AuthenticateAsync(_issuer.Sign("k2", Claims()), [], default).AsTask());
        Assert.Equal(2, _issuer.Asked);
        _time.Now += TimeSpan.FromSeconds(11);
        Assert.NotNull(await tokens.AuthenticateAsync(_issuer.Sign("k2", Claims()), [], default));
        await Assert.ThrowsAsync<TokenRefusedException>(() => tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default).AsTask());
    }

    [Theory]
    [InlineData("issuer", "issuer did not match")]
    [InlineData("large", "more than 1048576 bytes")]
    [InlineData("down", "503")]
    public async Task BrokenIssuer_RefusesItsTokensWithTheReason(string fault, string message)
    {
        _issuer.Fault = fault;
        await Refused(_issuer.Sign("k1", Claims()), message);
    }

    [Fact]
    public async Task Issuer_GoneForAnHour_IsBelievedNoLonger()
    {
        var tokens = Tokens(Plain);
        Assert.NotNull(await tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default));
        _issuer.Fault = "down";
        _time.Now += TimeSpan.FromMinutes(59);
        Assert.NotNull(await tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default));
        _time.Now += TimeSpan.FromMinutes(2);
        await Assert.ThrowsAsync<TokenRefusedException>(() => tokens.AuthenticateAsync(_issuer.Sign("k1", Claims()), [], default).AsTask());
    }

    [Fact]
    public async Task UnverifiedEmail_IsNoName()
    {
        var issuer = Plain with { Username = new ClaimMapping("email", "") };
        var claims = Claims();
        (claims["email"], claims["email_verified"]) = ("jane@example.com", true);
        Assert.Equal("jane@example.com", (await Ask(issuer, _issuer.Sign("k1", claims)))!.User.Name);
        claims["email_verified"] = false;
        Assert.Equal("oidc: email not verified", (await Assert.ThrowsAsync<TokenRefusedException>(() => Ask(issuer, _issuer.Sign("k1", claims)).AsTask())).Message);
    }

    private const string Structured = """
        apiVersion: apiserver.config.k8s.io/v1
        kind: AuthenticationConfiguration
        anonymous: {enabled: true, conditions: [{path: /livez}]}
        jwt:
        - issuer: {url: "https://issuer.example.com", audiences: [timonier]}
          claimValidationRules:
          - {claim: tenant, requiredValue: a}
          - {expression: "claims.exp - claims.iat <= 86400", message: "tokens live at most a day"}
          claimMappings:
            username: {expression: '"ext:" + claims.sub'}
            groups: {expression: "claims.groups.filter(g, g != 'ops')"}
            uid: {claim: sub}
            extra: [{key: "example.com/tenant", valueExpression: claims.tenant}]
          userValidationRules:
          - {expression: "!user.username.startsWith('system:')", message: "no system users"}
        """;

    [Fact]
    public void AnonymousConditions_WantItEnabled() => Assert.Equal(
        "anonymous.conditions: Invalid value: [{\"path\":\"/livez\"}]: enabled should be set to true when conditions are defined",
        Assert.Throws<FormatException>(() => AuthenticationConfiguration.Parse(Structured.Replace("enabled: true", "enabled: false", StringComparison.Ordinal))).Message);

    [Fact]
    public async Task StructuredConfiguration_MapsByExpressions()
    {
        var config = AuthenticationConfiguration.Parse(Structured);
        Assert.Equal(["/livez"], config.AnonymousPaths);
        var user = (await Ask(config.Issuers[0], _issuer.Sign("k1", Claims())))!.User;
        Assert.Equal(("ext:jane", "jane"), (user.Name, user.Uid));
        Assert.Equal(["dev"], user.Groups);
        Assert.Equal(["a"], user.Extra["example.com/tenant"]);
        var claims = Claims();
        claims["exp"] = _time.Now.AddDays(2).ToUnixTimeSeconds();
        Assert.Contains("tokens live at most a day", (await Assert.ThrowsAsync<TokenRefusedException>(() => Ask(config.Issuers[0], _issuer.Sign("k1", claims)).AsTask())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UserRule_RefusesTheUserThatCameOut()
    {
        var issuer = AuthenticationConfiguration.Parse(Structured.Replace("\"ext:\" + claims.sub", "\"system:\" + claims.sub", StringComparison.Ordinal)).Issuers[0];
        Assert.Contains("no system users", (await Assert.ThrowsAsync<TokenRefusedException>(() => Ask(issuer, _issuer.Sign("k1", Claims())).AsTask())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://issuer", "http://issuer", "jwt[0].issuer.url: URL scheme must be https")]
    [InlineData("[timonier]", "[]", "at least one of issuer.audiences is required")]
    [InlineData("claims.groups.filter(g, g != 'ops')", "nothing.groups", "jwt[0].claimMappings.groups.expression: ERROR: <input>:1:1: undeclared reference to 'nothing'")]
    public void WrongConfiguration_IsRefusedWithItsField(string text, string replacement, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => AuthenticationConfiguration.Parse(Structured.Replace(text, replacement, StringComparison.Ordinal))).Message, StringComparison.Ordinal);

    private JsonMap Claims() => new()
    {
        ["iss"] = Url, ["sub"] = "jane", ["aud"] = new JsonList { "timonier" }, ["iat"] = _time.Now.ToUnixTimeSeconds(), ["exp"] = _time.Now.AddHours(2).ToUnixTimeSeconds(),
        ["groups"] = new JsonList { "dev", "ops" }, ["tenant"] = "a", ["jti"] = "42",
    };

    private OidcTokens Tokens(JwtIssuer issuer) => new(issuer, _time, new HttpMessageInvoker(_issuer));

    private ValueTask<TokenIdentity?> Ask(JwtIssuer issuer, string token) => Tokens(issuer).AuthenticateAsync(token, [], default);

    private async Task Refused(string token, string message) =>
        Assert.Contains(message, (await Assert.ThrowsAsync<TokenRefusedException>(() => Ask(Plain, token).AsTask())).Message, StringComparison.Ordinal);

    private sealed class Issuer : HttpMessageHandler
    {
        private RSA _key = RSA.Create(2048);
        private string _id = "k1";

        public int Asked { get; private set; }

        public string Fault { get; set; } = "";

        public void Rotate(string id) => (_key, _id) = (RSA.Create(2048), id);

        public string Sign(string id, JsonMap claims)
        {
            var signed = Base64Url.EncodeToString(JsonEncoder.Encode(new JsonMap { ["alg"] = "RS256", ["kid"] = id })) + "." + Base64Url.EncodeToString(JsonEncoder.Encode(claims));
            return signed + "." + Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked++;
            if (Fault == "down")
                return Task.FromResult(new HttpResponseMessage(HttpStatusCode.ServiceUnavailable));
            if (Fault == "large")
                return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(new byte[2 << 20]) });
            var parameters = _key.ExportParameters(false);
            var body = request.RequestUri!.AbsolutePath switch
            {
                "/.well-known/openid-configuration" => new JsonMap { ["issuer"] = Fault == "issuer" ? "https://someone.else" : Url, ["jwks_uri"] = Url + "/keys" },
                _ => new JsonMap { ["keys"] = new JsonList { new JsonMap { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = _id, ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) } } },
            };
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(JsonEncoder.Encode(body)) });
        }
    }
}
