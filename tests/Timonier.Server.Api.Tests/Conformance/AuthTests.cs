using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>Conformance tests of sig-auth that 1.36 has and 1.20 has not, as far as they need no node; each summary names the upstream test.</summary>
public sealed class AuthTests(RawApi api) : IClassFixture<RawApi>
{
    private const string Accounts = "/api/v1/namespaces/default/serviceaccounts";
    private const string Reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    private const string Self = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

    /// <summary>"ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview".</summary>
    [Fact]
    public async Task RequestedToken_IsReviewedAsItsAccount_UntilTheAccountIsGone()
    {
        var uid = (await NewAccountAsync("reviewed")).GetPath("metadata", "uid");
        var token = await TokenAsync("reviewed", """{"spec":{"expirationSeconds":600}}""");
        var status = await ReviewAsync(token);
        Assert.True(status.GetBool("authenticated"));
        Assert.Equal(("system:serviceaccount:default:reviewed", uid), (status.GetPath("user", "username"), status.GetPath("user", "uid")));
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"], ((JsonList)status.GetPath("user", "groups")!).OfType<string>());
        Assert.StartsWith("JTI=", (string)((JsonList)((JsonMap)status.GetPath("user", "extra")!)["authentication.kubernetes.io/credential-id"]!)[0]!);
        Assert.Null((await ReviewAsync(token, "vault")).GetBool("authenticated"));
        var forVault = await TokenAsync("reviewed", """{"spec":{"audiences":["vault"]}}""");
        Assert.Equal("vault", (await ReviewAsync(forVault, "vault", "other")).GetList("audiences")!.Single());
        Assert.Equal(401, (await api.SendAsAsync(Bearer(forVault), "GET", "/version")).Code);
        await api.OkAsync("DELETE", $"{Accounts}/reviewed");
        var gone = await ReviewAsync(token);
        Assert.Null(gone.GetBool("authenticated"));
        Assert.Contains("service account token has been invalidated", gone.GetString("error"), StringComparison.Ordinal);
    }

    /// <summary>"ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer".</summary>
    [Fact]
    public async Task IssuerDiscovery_GivesTheKeysThatVerifyATokenToAnyAccount()
    {
        await NewAccountAsync("discoverer");
        var token = await TokenAsync("discoverer", """{"spec":{"audiences":["oidc-discovery-test"]}}""");
        var asAccount = Bearer(await TokenAsync("discoverer", "{}"));
        var (code, configuration) = await api.SendAsAsync(asAccount, "GET", "/.well-known/openid-configuration");
        Assert.Equal(200, code);
        Assert.EndsWith("/openid/v1/jwks", configuration.GetString("jwks_uri"));
        var parts = token.Split('.');
        var (header, claims) = (JsonParser.ParseMap(Base64Url.DecodeFromChars(parts[0])), JsonParser.ParseMap(Base64Url.DecodeFromChars(parts[1])));
        Assert.Equal(configuration.GetString("issuer"), claims.GetString("iss"));
        Assert.Equal("RS256", header.GetString("alg"));
        var keys = (await api.SendAsAsync(asAccount, "GET", "/openid/v1/jwks")).Body.GetList("keys")!.OfType<JsonMap>();
        var key = keys.Single(k => k.GetString("kid") == header.GetString("kid"));
        using var rsa = RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars(key.GetString("n")!), Exponent = Base64Url.DecodeFromChars(key.GetString("e")!) });
        Assert.True(rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    /// <summary>"ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace".</summary>
    [Fact]
    public async Task RootCertificates_AreInEachNamespaceAndComeBack()
    {
        const string Path = "/api/v1/namespaces/rooted/configmaps/kube-root-ca.crt";
        await api.OkAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"rooted"}}""");
        await RawApi.UntilAsync(async () => (await api.SendAsync("GET", Path)).Code == 200);
        await api.OkAsync("DELETE", Path);
        await RawApi.UntilAsync(async () => (await api.SendAsync("GET", Path)).Code == 200);
        await api.PatchAsync(Path, """{"data":{"ca.crt":""}}""");
        await RawApi.UntilAsync(async () => ((string)(await api.OkAsync("GET", Path)).GetPath("data", "ca.crt")!).StartsWith("-----BEGIN CERTIFICATE", StringComparison.Ordinal));
    }

    /// <summary>"SubjectReview should support SubjectReview API operations", with an impersonated account as there.</summary>
    [Fact]
    public async Task SubjectReviews_SayWhatAnImpersonatedAccountMay()
    {
        const string User = "system:serviceaccount:default:asked";
        const string Attributes = "\"resourceAttributes\":{\"namespace\":\"default\",\"verb\":\"get\",\"resource\":\"pods\",\"version\":\"v1\"}";
        await NewAccountAsync("asked");
        Assert.False(await AllowedAsync("subjectaccessreviews", $$$"""{"user":"{{{User}}}",{{{Attributes}}}}"""));
        var (_, mine) = await api.SendAsAsync(Acting(User), "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", $$$"""{"spec":{{{{Attributes}}}}}""");
        Assert.Equal(false, mine.GetPath("status", "allowed"));
        Assert.Equal(403, (await api.SendAsAsync(Acting(User), "GET", "/api/v1/namespaces/default/pods/none")).Code);
        await api.OkAsync("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            """{"metadata":{"name":"asked"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},"subjects":[{"kind":"ServiceAccount","name":"asked","namespace":"default"}]}""");
        Assert.True(await AllowedAsync("namespaces/default/localsubjectaccessreviews", $$$"""{"user":"{{{User}}}",{{{Attributes}}}}""", "default"));
        Assert.Equal(404, (await api.SendAsAsync(Acting(User), "GET", "/api/v1/namespaces/default/pods/none")).Code);
        var review = await api.OkAsync("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", $$$"""{"spec":{"user":"{{{User}}}",{{{Attributes}}}}}""");
        Assert.Equal("RBAC: allowed by RoleBinding \"asked/default\" of ClusterRole \"view\" to ServiceAccount \"asked/default\"", review.GetPath("status", "reason"));
    }

    /// <summary>Impersonation beyond one's rights is refused in upstream's words.</summary>
    [Fact]
    public async Task Impersonation_NeedsTheRightToEachPart()
    {
        await NewAccountAsync("actor");
        var token = Bearer(await TokenAsync("actor", "{}"));
        var (code, status) = await api.SendAsAsync(o => token(o) with { Headers = [new("Impersonate-User", "jane")] }, "GET", "/api/v1/namespaces");
        Assert.Equal((403, "users \"jane\" is forbidden: User \"system:serviceaccount:default:actor\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"), (code, status.GetString("message")));
        var (_, who) = await api.SendAsAsync(o => o with { Headers = [new("Impersonate-User", "jane"), new("Impersonate-Group", "dev"), new("Impersonate-Uid", "7"), new("Impersonate-Extra-example.com%2Fk", "v")] }, "POST", Self, "{}");
        Assert.Equal("""{"username":"jane","uid":"7","groups":["dev","system:authenticated"],"extra":{"example.com/k":["v"]}}""", RawApi.Text(who.GetPath("status", "userInfo")));
    }

    /// <summary>"Certificates API should support building a client with a CSR", and its expirationSeconds.</summary>
    [Fact]
    public async Task SignedRequest_IsAClientForTheTimeItAskedFor()
    {
        const string Path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = new CertificateRequest("O=dev, CN=jane", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        var request = $$$"""{"metadata":{"name":"jane"},"spec":{"signerName":"kubernetes.io/kube-apiserver-client","expirationSeconds":3600,"usages":["client auth"],"request":"{{{Convert.ToBase64String(Encoding.ASCII.GetBytes(pem))}}}"}}""";
        var made = await api.OkAsync("POST", Path, request);
        Assert.Equal("kubernetes-admin", made.GetPath("spec", "username"));
        await api.OkAsync("PATCH", Path + "/jane/approval", """{"status":{"conditions":[{"type":"Approved","status":"True","reason":"Test","message":"ok"}]}}""", "application/merge-patch+json");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Path + "/jane")).GetPath("status", "certificate") is string);
        var text = Encoding.ASCII.GetString(Convert.FromBase64String((string)(await api.OkAsync("GET", Path + "/jane")).GetPath("status", "certificate")!));
        using var certificate = X509Certificate2.CreateFromPem(text, key.ExportPkcs8PrivateKeyPem());
        Assert.InRange(certificate.NotAfter - certificate.NotBefore, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(70));
        var (_, who) = await api.SendAsAsync(o => o with { ClientCertificate = certificate }, "POST", Self, "{}");
        Assert.Equal("jane", who.GetPath("status", "userInfo", "username"));
        Assert.Equal(["dev", "system:authenticated"], ((JsonList)who.GetPath("status", "userInfo", "groups")!).OfType<string>());
        var masters = new CertificateRequest("O=system:masters, CN=jane", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        var (code, status) = await api.SendAsync("POST", Path, request.Replace(Convert.ToBase64String(Encoding.ASCII.GetBytes(pem)), Convert.ToBase64String(Encoding.ASCII.GetBytes(masters)), StringComparison.Ordinal).Replace("\"jane\"", "\"master\"", StringComparison.Ordinal));
        Assert.Equal((403, "certificatesigningrequests.certificates.k8s.io \"master\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"), (code, status.GetString("message")));
    }

    /// <summary>Token Secrets as they are since 1.24: a Secret that names an account is filled in, and its token ends with it.</summary>
    [Fact]
    public async Task TokenSecret_IsFilledInAndItsTokenEndsWithIt()
    {
        const string Path = "/api/v1/namespaces/default/secrets";
        await NewAccountAsync("old");
        await api.OkAsync("POST", Path, """{"metadata":{"name":"old-token","annotations":{"kubernetes.io/service-account.name":"old"}},"type":"kubernetes.io/service-account-token"}""");
        await RawApi.UntilAsync(async () => (await api.OkAsync("GET", Path + "/old-token")).GetPath("data", "token") is string);
        var token = Encoding.ASCII.GetString(Convert.FromBase64String((string)(await api.OkAsync("GET", Path + "/old-token")).GetPath("data", "token")!));
        Assert.Equal("system:serviceaccount:default:old", (await ReviewAsync(token)).GetPath("user", "username"));
        await api.OkAsync("DELETE", Path + "/old-token");
        Assert.Null((await ReviewAsync(token)).GetBool("authenticated"));
    }

    private Task<JsonMap> NewAccountAsync(string name) => api.OkAsync("POST", Accounts, $$$"""{"metadata":{"name":"{{{name}}}"}}""");

    private async Task<string> TokenAsync(string account, string request) => (string)(await api.OkAsync("POST", $"{Accounts}/{account}/token", request)).GetPath("status", "token")!;

    private async Task<JsonMap> ReviewAsync(string token, params string[] audiences) =>
        (await api.OkAsync("POST", Reviews, RawApi.Text(new JsonMap { ["spec"] = new JsonMap { ["token"] = token, ["audiences"] = new JsonList(audiences) } }))).GetMap("status")!;

    private async Task<bool> AllowedAsync(string resource, string spec, string? @namespace = null) =>
        (await api.OkAsync("POST", "/apis/authorization.k8s.io/v1/" + resource, $$$"""{"metadata":{"namespace":"{{{@namespace}}}"},"spec":{{{spec}}}}""")).GetPath("status", "allowed") is true;

    private static Func<HttpTransportOptions, HttpTransportOptions> Bearer(string token) => o => o with { ClientCertificate = null, Token = token };

    private static Func<HttpTransportOptions, HttpTransportOptions> Acting(string user) => o => o with { Headers = [new("Impersonate-User", user)] };
}
