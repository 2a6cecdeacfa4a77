using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Timonier.Client.Tests.Configuration;

public sealed class KubeconfigFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Context_NamesServerUserAndNamespace()
    {
        var (certificate, key) = MakeCertificate();
        File.WriteAllText(Path.Combine(_folder, "ca.pem"), certificate);
        var path = Write("config", $"""
            apiVersion: v1
            kind: Config
            current-context: a
            clusters:
            - name: c
              cluster: {"{"}server: "https://example.com:6443", certificate-authority: ca.pem, tls-server-name: kubernetes{"}"}
            users:
            - name: u
              user:
                client-certificate-data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(certificate))}
                client-key-data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(key))}
            contexts:
            - name: a
              context: {"{"}cluster: c, user: u, namespace: team{"}"}
            """);
        var settings = KubeconfigFile.Load([path]).Resolve();
        Assert.Equal(("https://example.com:6443/", "team", "a", "kubernetes"), (settings.Transport.Server.ToString(), settings.Namespace, settings.Context, settings.Transport.TlsServerName));
        Assert.Single(settings.Transport.CertificateAuthorities);
        Assert.True(settings.Transport.ClientCertificate!.HasPrivateKey);
    }

    [Fact]
    public void SeveralFiles_TheFirstCounts_AndMissingOnesAreLeftOut()
    {
        var first = Write("one", "current-context: a\nusers:\n- name: u\n  user: {token: first}\ncontexts:\n- name: a\n  context: {cluster: c, user: u}\n");
        var second = Write("two", "current-context: b\nclusters:\n- name: c\n  cluster: {server: 'https://two'}\nusers:\n- name: u\n  user: {token: second}\n");
        var settings = KubeconfigFile.Load([first, Path.Combine(_folder, "none"), second]).Resolve();
        Assert.Equal(("first", "https://two/", "default"), (settings.Transport.Token, settings.Transport.Server.ToString(), settings.Namespace));
    }

    [Fact]
    public void CommandLine_GoesBeforeTheFile()
    {
        var path = Write("config", "current-context: a\nclusters:\n- name: c\n  cluster: {server: 'https://file'}\nusers:\n- name: u\n  user: {tokenFile: t}\ncontexts:\n- name: a\n  context: {cluster: c, user: u}\n");
        var file = KubeconfigFile.Load([path]);
        Assert.Equal(Path.Combine(_folder, "t"), file.Resolve().Transport.TokenFile);
        var settings = file.Resolve(new() { Server = "https://flag", Token = "mine", SkipTlsVerify = true });
        Assert.Equal(("https://flag/", "mine", "", true), (settings.Transport.Server.ToString(), settings.Transport.Token, settings.Transport.TokenFile, settings.Transport.SkipServerVerification));
    }

    [Theory]
    [InlineData("current-context: x\n", "context \"x\" does not exist")]
    [InlineData("current-context: a\ncontexts:\n- name: a\n  context: {cluster: none}\n", "cluster \"none\" does not exist")]
    [InlineData("current-context: a\nclusters:\n- name: c\n  cluster: {certificate-authority: missing.pem}\ncontexts:\n- name: a\n  context: {cluster: c}\n", "the credentials of context \"a\" cannot be read: ")]
    public void BrokenFile_SaysWhy(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<KubeconfigException>(() => KubeconfigFile.Load([Write("config", text)]).Resolve()).Message, StringComparison.Ordinal);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static (string Certificate, string Key) MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
