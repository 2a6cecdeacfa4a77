using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Tests.Authentication;

public sealed class ServiceAccountTokensTests : IDisposable
{
    private const string Issuer = "https://kubernetes.default.svc.cluster.local";
    private readonly TokenKey _key = new(ECDsa.Create(ECCurve.NamedCurves.nistP256));
    private readonly FakeTime _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
    private readonly FakeObjects _objects;
    private readonly ServiceAccount _account = new() { Metadata = new ObjectMeta { Name = "web", Namespace = "shop", Uid = "sa-1" } };
    private readonly Pod _pod = new() { Metadata = new ObjectMeta { Name = "web-0", Namespace = "shop", Uid = "pod-1" }, Spec = new PodSpec { ServiceAccountName = "web", NodeName = "n1" } };
    private readonly Node _node = new() { Metadata = new ObjectMeta { Name = "n1", Uid = "node-1" } };
    private readonly ServiceAccountIssuer _issuer;
    private readonly ServiceAccountTokens _tokens;

    public ServiceAccountTokensTests()
    {
        _objects = new FakeObjects(_account, _pod, _node);
        _issuer = new ServiceAccountIssuer(_key, Issuer, [Issuer], _time, () => "id-1");
        _tokens = new ServiceAccountTokens([_key], [Issuer], _objects, _time);
    }

    public void Dispose() => _key.Dispose();

    private TokenIdentity? Authenticate(string token, params string[] audiences) =>
        _tokens.AuthenticateAsync(token, audiences.Length == 0 ? [Issuer] : audiences, default).AsTask().GetAwaiter().GetResult();

    private string PodToken(long seconds = 3600) => _issuer.Issue(_account, new TokenBinding(Pod: _pod.Metadata, Node: _node.Metadata), [Issuer], seconds).Token;

    [Fact]
    public void BoundToken_SaysAccountPodAndNode()
    {
        var user = Authenticate(PodToken())!.User;
        Assert.Equal("system:serviceaccount:shop:web", user.Name);
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:shop"], user.Groups);
        Assert.Equal("sa-1", user.Uid);
        Assert.Equal(["web-0"], user.Extra["authentication.kubernetes.io/pod-name"]);
        Assert.Equal(["node-1"], user.Extra["authentication.kubernetes.io/node-uid"]);
        Assert.Equal(["JTI=id-1"], user.Extra["authentication.kubernetes.io/credential-id"]);
    }

    [Fact]
    public void PodGone_TokenIsRefused()
    {
        var token = PodToken();
        _objects.Remove(_pod);
        Assert.Throws<TokenRefusedException>(() => Authenticate(token));
    }

    [Fact]
    public void PodReplacedBySameName_TokenIsRefused()
    {
        var token = PodToken();
        _objects.Remove(_pod);
        _objects.Add(_pod with { Metadata = _pod.Metadata with { Uid = "pod-2" } });
        Assert.Throws<TokenRefusedException>(() => Authenticate(token));
    }

    [Fact]
    public void Expired_IsRefusedAfterLeeway()
    {
        var token = PodToken(600);
        _time.Now += TimeSpan.FromSeconds(655);
        Assert.NotNull(Authenticate(token));
        _time.Now += TimeSpan.FromSeconds(10);
        Assert.Throws<TokenRefusedException>(() => Authenticate(token));
    }

    [Fact]
    public void KubeletsLifetime_IsExtendedToAYear()
    {
        var token = PodToken(3607);
        _time.Now += TimeSpan.FromDays(364);
        Assert.NotNull(Authenticate(token));
    }

    [Fact]
    public void OtherAudience_IsRefused() => Assert.Throws<TokenRefusedException>(() => Authenticate(PodToken(), "https://elsewhere"));

    [Theory]
    [InlineData("not a token")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    public void NoToken_IsNotOurs(string token) => Assert.Null(Authenticate(token));

    [Fact]
    public void ChangedClaims_AreRefused()
    {
        var parts = PodToken().Split('.');
        var claims = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1])).Replace("\"web\"", "\"adm\"");
        Assert.Throws<TokenRefusedException>(() => Authenticate($"{parts[0]}.{System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.{parts[2]}"));
    }

    [Theory]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"HS256"}""")]
    public void WeakAlgorithm_IsRefused(string header)
    {
        var parts = PodToken().Split('.');
        Assert.Throws<TokenRefusedException>(() => Authenticate($"{System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{parts[1]}."));
    }

    [Fact]
    public void LegacyToken_HoldsWhileItsSecretHoldsIt()
    {
        var token = _issuer.IssueLegacy(_account, "web-token");
        var secret = new Secret { Metadata = new ObjectMeta { Name = "web-token", Namespace = "shop" }, Data = new Dictionary<string, byte[]> { ["token"] = Encoding.UTF8.GetBytes(token) } };
        Assert.Throws<TokenRefusedException>(() => Authenticate(token));
        _objects.Add(secret);
        Assert.Equal("system:serviceaccount:shop:web", Authenticate(token)!.User.Name);
        _objects.Remove(secret);
        _objects.Add(secret with { Metadata = secret.Metadata with { Labels = new Dictionary<string, string> { ["kubernetes.io/legacy-token-invalid-since"] = "2027-01-01" } } });
        Assert.StartsWith("the token in secret shop/web-token for service account shop/web has been marked invalid.", Assert.Throws<TokenRefusedException>(() => Authenticate(token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RsaKey_SignsAndVerifies()
    {
        using var key = new TokenKey(RSA.Create(2048));
        var token = new ServiceAccountIssuer(key, Issuer, [Issuer], _time, () => "x").Issue(_account, new TokenBinding(), [Issuer], 600).Token;
        Assert.True(JsonWebToken.Parse(token)!.IsSignedBy([_key, key]));
        Assert.False(JsonWebToken.Parse(token)!.IsSignedBy([_key]));
    }

    private readonly List<string> _annotations = [];

    private JsonMap Request(string spec) => new TokenRequests(_issuer, _objects).CreateAsync(
        new RequestScope { User = UserInfo.Loopback, Resource = new ApiSchema().Resources[0], Verb = "create", Namespace = "shop", Name = "web", Now = _time.Now, Annotate = (key, value) => _annotations.Add($"{key}={value}") },
        new JsonMap { ["spec"] = JsonParser.Parse(Encoding.UTF8.GetBytes(spec)) }, default).AsTask().GetAwaiter().GetResult();

    [Fact]
    public void TokenRequest_AnswersAWorkingToken()
    {
        var answer = Request("""{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"web-0"}}""");
        Assert.Equal("2027-01-15T09:00:00Z", answer.GetPath("status", "expirationTimestamp"));
        var user = Authenticate((string)answer.GetPath("status", "token")!)!.User;
        Assert.Equal("system:serviceaccount:shop:web", user.Name);
        // Who finds the token's id in the audit log finds who was given it.
        Assert.Equal(["authentication.kubernetes.io/issued-credential-id=" + user.Extra["authentication.kubernetes.io/credential-id"][0]], _annotations);
        Assert.Equal(_node.Metadata.Name, user.Extra["authentication.kubernetes.io/node-name"][0]);
    }

    [Theory]
    [InlineData("""{"expirationSeconds":60}""", "may not specify a duration less than 10 minutes")]
    [InlineData("""{"boundObjectRef":{"kind":"ConfigMap","apiVersion":"v1","name":"x"}}""", "cannot bind token to object of type")]
    [InlineData("""{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"nope"}}""", "pods \"nope\" not found")]
    [InlineData("""{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"web-0","uid":"other"}}""", "does not match the UID in record")]
    public void TokenRequest_Refused(string spec, string message) => Assert.Contains(message, Assert.Throws<ApiException>(() => Request(spec)).Message);
}
