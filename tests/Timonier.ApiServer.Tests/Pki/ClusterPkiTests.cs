using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Tests.Authentication;

namespace Timonier.ApiServer.Tests.Pki;

public sealed class ClusterPkiTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timonier-pki-").FullName;
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Pki => Path.Combine(_directory, "pki");

    private static CertificateProfile Server(params string[] names) => ClusterPki.ServerProfile(IPAddress.Parse("10.96.0.1"), names, []);

    [Fact]
    public void FirstStart_MakesFilesForTheOwnerAlone()
    {
        using var pki = ClusterPki.Open(Pki, _time);
        pki.Issue("server", Server("box"));
        Assert.Equal(["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key", "sa.pub", "server.crt", "server.key"], Directory.GetFiles(Pki).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(Pki), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Pki));
    }

    [Fact]
    public void SecondStart_KeepsAll()
    {
        string authority, key, server;
        using (var first = ClusterPki.Open(Pki, _time))
            (authority, key, server) = (first.Authority.CertificatePem, first.TokenKey.Id, first.Issue("server", Server("box")).CertificatePem);
        using var second = ClusterPki.Open(Pki, _time);
        Assert.Equal((authority, key, server), (second.Authority.CertificatePem, second.TokenKey.Id, second.Issue("server", Server("box")).CertificatePem));
    }

    [Theory]
    [InlineData(0, "other", false)]
    [InlineData(310, "box", false)]
    [InlineData(200, "box", true)]
    public void Certificate_IsMadeAnewWhenItMust(int daysLater, string name, bool kept)
    {
        using var pki = ClusterPki.Open(Pki, _time);
        var before = pki.Issue("server", Server("box")).CertificatePem;
        _time.Now += TimeSpan.FromDays(daysLater);
        Assert.Equal(kept, pki.Issue("server", Server(name)).CertificatePem == before);
    }

    [Fact]
    public void CrashBetweenKeyAndCertificate_MakesBothAnew()
    {
        using var pki = ClusterPki.Open(Pki, _time);
        var issued = pki.Issue("admin", ClusterPki.AdminProfile);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(issued.KeyPath, other.ExportPkcs8PrivateKeyPem());
        using var again = pki.Issue("admin", ClusterPki.AdminProfile).ToX509();
        Assert.True(again.HasPrivateKey);
    }

    [Fact]
    public void ServerCertificate_HoldsForTheClustersNames_AndVerifies()
    {
        using var pki = ClusterPki.Open(Pki, _time);
        using var certificate = pki.Issue("server", Server("box")).ToX509();
        Assert.All(["localhost", "box", "127.0.0.1", "::1", "10.96.0.1", "kubernetes.default.svc.cluster.local"], n => Assert.True(certificate.MatchesHostname(n), n));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(pki.Authority.Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.Now.LocalDateTime;
        Assert.True(chain.Build(certificate));
    }

    private static byte[] Csr(string subject, string? dns = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (dns is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(dns);
            request.CertificateExtensions.Add(names.Build());
        }
        return Encoding.ASCII.GetBytes(request.CreateSigningRequestPem());
    }

    [Theory]
    [InlineData(CertificateSigning.ApiServerClient, "CN=jane, O=devs", null, "client auth,digital signature", true)]
    [InlineData(CertificateSigning.ApiServerClient, "CN=jane", null, "server auth", false)]
    [InlineData(CertificateSigning.KubeletClient, "CN=system:node:n1, O=system:nodes", null, "client auth,digital signature", true)]
    [InlineData(CertificateSigning.KubeletClient, "CN=n1, O=system:nodes", null, "client auth,digital signature", false)]
    [InlineData(CertificateSigning.KubeletClient, "CN=system:node:n1, O=system:masters", null, "client auth,digital signature", false)]
    [InlineData(CertificateSigning.KubeletClient, "CN=system:node:n1, O=system:nodes", "n1", "client auth,digital signature", false)]
    [InlineData(CertificateSigning.KubeletServing, "CN=system:node:n1, O=system:nodes", "n1", "server auth,digital signature,key encipherment", true)]
    [InlineData(CertificateSigning.KubeletServing, "CN=system:node:n1, O=system:nodes", null, "server auth,digital signature", false)]
    [InlineData(CertificateSigning.KubeletServing, "CN=system:node:n1, O=system:nodes", "n1", "client auth,digital signature", false)]
    public void SigningRequest_IsChecked(string signer, string subject, string? dns, string usages, bool fine) =>
        Assert.Equal(fine, CertificateSigning.Fault(signer, Csr(subject, dns), usages.Split(',')) is null);

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----")]
    public void NoSigningRequest_IsRefused(string text) => Assert.NotNull(CertificateSigning.Fault(CertificateSigning.LegacyUnknown, Encoding.ASCII.GetBytes(text), []));

    [Fact]
    public void Signed_HoldsSubjectAndLifetime()
    {
        using var pki = ClusterPki.Open(Pki, _time);
        var pem = CertificateSigning.Sign(pki.Authority, Csr("CN=jane, O=devs", "x"), ["client auth"], 3600, _time);
        using var certificate = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
        Assert.Equal("jane", certificate.GetNameInfo(X509NameType.SimpleName, false));
        Assert.Equal(_time.Now.AddHours(1).UtcDateTime, certificate.NotAfter.ToUniversalTime());
    }

    [Fact]
    public void Kubeconfig_HasEverythingInside()
    {
        using var pki = ClusterPki.Open(Pki, _time);
        var admin = pki.Issue("admin", ClusterPki.AdminProfile);
        var text = Kubeconfig.ForCertificate("timonier", "https://127.0.0.1:6443", pki.Authority.CertificatePem, "admin", admin.CertificatePem, admin.KeyPem);
        Assert.Contains("    server: https://127.0.0.1:6443\n", text);
        Assert.Contains("    client-key-data: " + Convert.ToBase64String(Encoding.UTF8.GetBytes(admin.KeyPem)) + "\n", text);
    }
}
