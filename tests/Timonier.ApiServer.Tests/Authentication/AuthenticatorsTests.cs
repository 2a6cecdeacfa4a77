using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Meta.V1;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;

namespace Timonier.ApiServer.Tests.Authentication;

public class AuthenticatorsTests
{
    private static readonly FakeTime Time = new(new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero));

    private static UserInfo Authenticate(Authenticators chain, Action<DefaultHttpContext> prepare)
    {
        var context = new DefaultHttpContext();
        prepare(context);
        return chain.AuthenticateAsync(context, default).AsTask().GetAwaiter().GetResult()!;
    }

    private static (X509Certificate2 Authority, X509Certificate2 Client) Certificates(string subject, double days = 30)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=ca", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var authority = request.CreateSelfSigned(Time.Now.AddDays(-1), Time.Now.AddDays(365));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var client = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        client.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        return (authority, client.Create(authority, Time.Now.AddDays(-1), Time.Now.AddDays(days), [1, 2, 3]));
    }

    private static Authenticators ForCertificates(X509Certificate2 authority) => new([new ClientCertificateAuthenticator(new ClientCertificates([authority], Time))]);

    [Fact]
    public void ClientCertificate_NameAndOrganizationsAreUserAndGroups()
    {
        var (authority, client) = Certificates("CN=jane, O=devs, O=ops");
        var user = Authenticate(ForCertificates(authority), c => c.Connection.ClientCertificate = client);
        Assert.Equal("jane", user.Name);
        Assert.Equal(["devs", "ops", "system:authenticated"], user.Groups.Order());
    }

    [Fact]
    public void CertificateOfAStranger_IsRefused()
    {
        var (authority, _) = Certificates("CN=a");
        var (_, stranger) = Certificates("CN=b");
        Assert.Equal(401, Assert.Throws<ApiException>(() => Authenticate(ForCertificates(authority), c => c.Connection.ClientCertificate = stranger)).Code);
    }

    [Fact]
    public void ExpiredCertificate_IsRefused()
    {
        var (authority, client) = Certificates("CN=a", days: -0.5);
        Assert.Throws<ApiException>(() => Authenticate(ForCertificates(authority), c => c.Connection.ClientCertificate = client));
    }

    private static Authenticators ForTokens(params IEnumerable<ITokenAuthenticator> tokens) => new([new BearerTokenAuthenticator(new TokenAuthenticators([.. tokens], ["api"], Time))]);

    private static StaticTokens File()
    {
        var tokens = new StaticTokens();
        tokens.AddFile("secret,admin,1,\"system:masters,ops\"\nother,joe,2\n");
        return tokens;
    }

    [Theory]
    [InlineData("Bearer secret", "admin", "system:masters,ops,system:authenticated")]
    [InlineData("bearer  other ", "joe", "system:authenticated")]
    public void TokenFile_Authenticates(string header, string name, string groups)
    {
        var user = Authenticate(ForTokens(File()), c => c.Request.Headers.Authorization = header);
        Assert.Equal((name, groups), (user.Name, string.Join(',', user.Groups)));
    }

    [Fact]
    public void WrongToken_IsUnauthorized_NoTokenIsAnonymous()
    {
        Assert.Equal(401, Assert.Throws<ApiException>(() => Authenticate(ForTokens(File()), c => c.Request.Headers.Authorization = "Bearer wrong")).Code);
        Assert.Equal("system:anonymous", Authenticate(ForTokens(File()), _ => { }).Name);
        Assert.Throws<ApiException>(() => Authenticate(new Authenticators([], allowAnonymous: false), _ => { }));
    }

    [Theory]
    [InlineData("/livez", true)]
    [InlineData("/livez/etcd", false)]
    [InlineData("/api", false)]
    public void AnonymousPaths_AreTheOnlyOnesWithoutCredentials(string path, bool allowed)
    {
        var chain = new Authenticators([], allowAnonymous: true, ["/livez", "/readyz"]);
        if (allowed)
            Assert.Equal("system:anonymous", Authenticate(chain, c => c.Request.Path = path).Name);
        else
            Assert.Equal(401, Assert.Throws<ApiException>(() => Authenticate(chain, c => c.Request.Path = path)).Code);
    }

    [Theory]
    [InlineData("abcdef.0123456789abcdef", "true", "2026-11-22T00:00:00Z", true)]
    [InlineData("abcdef.0123456789abcdee", "true", "2026-11-22T00:00:00Z", false)]
    [InlineData("abcdef.0123456789abcdef", "false", "2026-11-22T00:00:00Z", false)]
    [InlineData("abcdef.0123456789abcdef", "true", "2026-11-20T00:00:00Z", false)]
    [InlineData("abcdef.0123456789abcdef", "true", "rubbish", false)]
    public void BootstrapToken(string token, string usage, string expiration, bool good)
    {
        var data = new Dictionary<string, string>
        {
            ["token-id"] = "abcdef", ["token-secret"] = "0123456789abcdef", ["usage-bootstrap-authentication"] = usage, ["expiration"] = expiration,
            ["auth-extra-groups"] = "system:bootstrappers:kubeadm",
        };
        var secret = new Secret
        {
            Metadata = new ObjectMeta { Name = "bootstrap-token-abcdef", Namespace = "kube-system" }, Type = "bootstrap.kubernetes.io/token",
            Data = data.ToDictionary(d => d.Key, d => Encoding.UTF8.GetBytes(d.Value)),
        };
        var chain = ForTokens(new BootstrapTokens(new FakeObjects(secret), Time));
        if (good)
            Assert.Contains("system:bootstrappers:kubeadm", Authenticate(chain, c => c.Request.Headers.Authorization = "Bearer " + token).Groups);
        else
            Assert.Throws<ApiException>(() => Authenticate(chain, c => c.Request.Headers.Authorization = "Bearer " + token));
    }

    [Fact]
    public void FrontProxy_IsBelievedOnlyWithItsCertificate()
    {
        var (authority, client) = Certificates("CN=front-proxy-client");
        var chain = new Authenticators([new FrontProxyAuthenticator(new ClientCertificates([authority], Time), ["front-proxy-client"])]);
        void Headers(DefaultHttpContext c)
        {
            c.Request.Headers["X-Remote-User"] = "jane";
            c.Request.Headers["X-Remote-Group"] = new(["a", "b"]);
            c.Request.Headers["X-Remote-Extra-Acme.com%2fproject"] = "p1";
        }
        Assert.Equal("system:anonymous", Authenticate(chain, Headers).Name);
        var user = Authenticate(chain, c =>
        {
            Headers(c);
            c.Connection.ClientCertificate = client;
        });
        Assert.Equal("jane", user.Name);
        Assert.Equal(["p1"], user.Extra["acme.com/project"]);
    }

    private sealed class AllowUser(string name) : IAuthorizer
    {
        public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) =>
            new(new Verdict(attributes.Verb == "impersonate" && attributes.User.Name == name && attributes.Name != "root" ? Decision.Allow : Decision.NoOpinion));
    }

    [Fact]
    public async Task Impersonation_ActsAsTheOther_WhenAllowed()
    {
        var impersonation = new Impersonation(new AllowUser("boss"));
        var boss = new UserInfo("boss", []);
        var headers = new HeaderDictionary { ["Impersonate-User"] = "system:serviceaccount:shop:web" };
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"], (await impersonation.ApplyAsync(headers, boss)).Groups);
        Assert.Same(boss, await impersonation.ApplyAsync(new HeaderDictionary(), boss));
        headers = new HeaderDictionary { ["Impersonate-User"] = "root" };
        Assert.Equal("users \"root\" is forbidden: User \"boss\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
            (await Assert.ThrowsAsync<ApiException>(async () => await impersonation.ApplyAsync(headers, boss))).Message);
        headers = new HeaderDictionary { ["Impersonate-Group"] = "x" };
        Assert.Equal(500, (await Assert.ThrowsAsync<ApiException>(async () => await impersonation.ApplyAsync(headers, boss))).Code);
    }
}
