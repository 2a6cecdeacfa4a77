using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Rbac.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Strategies;
using Timonier.Client;
using Timonier.Store;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>A server over TLS with certificates, tokens and RBAC as a cluster has them, and the stock kubectl.</summary>
#pragma warning disable CA1001 // xunit disposes by DisposeAsync.
public sealed class ClusterAccessTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timonier-access-").FullName;
    private readonly EmbeddedStore _store = EmbeddedStore.InMemory(TimeProvider.System);
    private readonly ClusterPki _pki;
    private readonly ApiServer.ApiServer _server;
    private readonly StoredRelations _relations;

    public ClusterAccessTests()
    {
        var schema = new ApiSchema();
        var reader = new ObjectReader(schema, _store);
        _pki = ClusterPki.Open(Path.Combine(_directory, "pki"), TimeProvider.System);
        _relations = new StoredRelations(schema, _store);
        var tokens = new StaticTokens();
        tokens.Add("joes-token", new UserInfo("joe", []));
        var access = new ClusterAccess(_pki, "https://127.0.0.1", reader, reader, _relations, new ClusterAccessOptions { Tokens = tokens }, TimeProvider.System, () => new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        ApiServer.ApiServer? server = null;
        var published = new PublishedApi(schema, () => server!.Registry.Resources, "127.0.0.1", "v1.36.0");
        server = _server = new ApiServer.ApiServer(
            new ApiServerOptions
            {
                Schema = schema, Store = _store, Reader = reader, Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Certificate = _pki.Issue("server", ClusterPki.ServerProfile(IPAddress.Parse("10.96.0.1"), [], [])).ToX509(),
                Authenticator = access.Authenticator, Authorizer = access.Authorizer, Impersonation = access.Impersonation, Strategies = StrategyTable.Create(schema, new ServiceNetwork(IPNetwork.Parse("10.96.0.0/12"), new Random(1)), reader), VirtualResources = access.VirtualResources,
                Admission = new AdmissionChain([], [access.Escalation]),
                Handlers = [new DiscoveryHandler(published), new OpenApiHandler(published), access.Oidc],
            },
            NullLoggerFactory.Instance);
    }

    private string Server => $"https://{_server.Endpoint}";

    private ApiClient Inside => new(_server.InProcess());

    public async Task InitializeAsync()
    {
        await _server.StartAsync();
        await DefaultPolicyWriter.ReconcileAsync(Inside, default);
        await Inside.CreateAsync(new Namespace { Metadata = new ObjectMeta { Name = "shop" } });
        await Inside.CreateAsync(new ServiceAccount { Metadata = new ObjectMeta { Name = "web", Namespace = "shop" } });
        var admin = _pki.Issue("admin", ClusterPki.AdminProfile);
        await File.WriteAllTextAsync(Path.Combine(_directory, "admin"), Kubeconfig.ForCertificate("test", Server, _pki.Authority.CertificatePem, "admin", admin.CertificatePem, admin.KeyPem));
        await File.WriteAllTextAsync(Path.Combine(_directory, "joe"), Kubeconfig.ForToken("test", Server, _pki.Authority.CertificatePem, "joe", "joes-token"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _relations.DisposeAsync();
        await _store.DisposeAsync();
        _pki.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<string> KubectlAsync(string who, params string[] arguments) =>
        (await Run.ProgramAsync(Kubectl.Program, arguments, new Dictionary<string, string> { ["KUBECONFIG"] = Path.Combine(_directory, who), ["HOME"] = _directory })).All.Trim();

    /// <summary>POST of a JSON body as this user; kubectl's own commands would send protobuf.</summary>
    private async Task<string> AskAsync(string who, string path, string body, params string[] flags)
    {
        var file = Path.Combine(_directory, Path.GetRandomFileName());
        await File.WriteAllTextAsync(file, body);
        return await KubectlAsync(who, ["create", "--raw", path, "-f", file, .. flags]);
    }

    private Task<string> WhoAmIAsync(string who) => AskAsync(who, "/apis/authentication.k8s.io/v1/selfsubjectreviews", """{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}""");

    private async Task<bool> CanIAsync(string who, string verb, string resource, params string[] flags) =>
        (await AskAsync(who, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            $$$"""{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":{"namespace":"shop","verb":"{{{verb}}}","resource":"{{{resource}}}"} } }""", flags)).Contains("\"allowed\":true");

    [Fact]
    public async Task Kubectl_ActsWithCertificateAndToken_WithinItsRights()
    {
        Assert.Contains("system:masters", await WhoAmIAsync("admin"));
        Assert.True(await CanIAsync("admin", "delete", "nodes"));
        Assert.False(await CanIAsync("joe", "list", "pods"));
        Assert.Equal("Error from server (Forbidden): pods is forbidden: User \"joe\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"",
            await KubectlAsync("joe", "get", "pods", "-n", "shop"));
        await Inside.CreateAsync(new RoleBinding
        {
            Metadata = new ObjectMeta { Name = "joe-views", Namespace = "shop" }, RoleRef = new RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "view" },
            Subjects = [new Subject { Kind = "User", ApiGroup = "rbac.authorization.k8s.io", Name = "joe" }],
        });
        Assert.True(await CanIAsync("joe", "list", "pods"));
        Assert.True(await CanIAsync("admin", "list", "pods", "--as=joe"));
        Assert.False(await CanIAsync("admin", "create", "pods", "--as=joe"));
        Assert.Contains("cannot impersonate resource \"users\"", await KubectlAsync("joe", "--as=root", "get", "--raw", "/api/v1/namespaces/shop/pods"));
    }

    [Fact]
    public async Task CreatedToken_SpeaksForTheServiceAccount()
    {
        var answer = await AskAsync("admin", "/api/v1/namespaces/shop/serviceaccounts/web/token", """{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}""");
        var token = (string)JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes(answer)).GetPath("status", "token")!;
        await File.WriteAllTextAsync(Path.Combine(_directory, "web"), Kubeconfig.ForToken("test", Server, _pki.Authority.CertificatePem, "web", token));
        Assert.Contains("system:serviceaccount:shop:web", await WhoAmIAsync("web"));
        await File.WriteAllTextAsync(Path.Combine(_directory, "bad"), Kubeconfig.ForToken("test", Server, _pki.Authority.CertificatePem, "web", token + "x"));
        Assert.Contains("Unauthorized", await KubectlAsync("bad", "get", "--raw", "/api"));
    }

    [Fact]
    public async Task DefaultPolicy_IsWrittenOnce_AndRepaired()
    {
        var roles = await Inside.ListAsync<ClusterRole>();
        Assert.Contains(roles.Items, r => r.Metadata.Name == "cluster-admin");
        var view = roles.Items.Single(r => r.Metadata.Name == "system:discovery");
        await Inside.UpdateAsync(view with { Rules = [] });
        await DefaultPolicyWriter.ReconcileAsync(Inside, default);
        Assert.NotEmpty((await Inside.GetAsync<ClusterRole>("", "system:discovery")).Rules);
        var after = await Inside.ListAsync<ClusterRole>();
        Assert.Equal(roles.Items.Single(r => r.Metadata.Name == "view").Metadata.ResourceVersion, after.Items.Single(r => r.Metadata.Name == "view").Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Oidc_DocumentsAreServed()
    {
        Assert.Contains("https://127.0.0.1/openid/v1/jwks", await KubectlAsync("admin", "get", "--raw", "/.well-known/openid-configuration"));
        Assert.Contains("\"kty\":\"RSA\"", await KubectlAsync("admin", "get", "--raw", "/openid/v1/jwks"));
    }
}
