using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Tests.Authentication;
using Timonier.Store;

namespace Timonier.ApiServer.Tests.Pki;

/// <summary>Certificates that change while the server runs.</summary>
public sealed class CertificateRenewalTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timonier-renew-").FullName;
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static async Task<string> SerialAsync(IPEndPoint endpoint)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(endpoint);
#pragma warning disable CA5359 // Which certificate is shown is what is asked here.
        await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync("localhost");
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    [Fact]
    public async Task ServingCertificate_IsReplacedBeforeItsEndWithoutARestart()
    {
        using var pki = ClusterPki.Open(Path.Combine(_directory, "pki"), _time);
        IssuedCertificate Issue() => pki.Issue("server", ClusterPki.ServerProfile(IPAddress.Parse("10.96.0.1"), ["box"], []));
        await using var store = EmbeddedStore.InMemory(TimeProvider.System);
        await using var server = new ApiServer(new ApiServerOptions { Schema = new ApiSchema(), Store = store, Listen = new IPEndPoint(IPAddress.Loopback, 0), Certificate = Issue().ToX509() }, NullLoggerFactory.Instance);
        await server.StartAsync();
        var first = await SerialAsync(server.Endpoint);
        // As the server does twice a day: what is asked for stays the same until 60 days before the end.
        _time.Now += TimeSpan.FromDays(300);
        server.UseCertificate(Issue().ToX509());
        Assert.Equal(first, await SerialAsync(server.Endpoint));
        _time.Now += TimeSpan.FromDays(6);
        server.UseCertificate(Issue().ToX509());
        Assert.NotEqual(first, await SerialAsync(server.Endpoint));
        using var renewed = Issue().ToX509();
        Assert.Equal(_time.Now.AddDays(365).UtcDateTime, renewed.NotAfter.ToUniversalTime());
    }

    [Fact]
    public void ClientAuthorities_AreReadAgainWhenTheirFileChanges()
    {
        using var own = CertificateAuthority.Create("own", _time);
        using var old = CertificateAuthority.Create("old", _time);
        using var next = CertificateAuthority.Create("next", _time);
        X509Certificate2 Client(CertificateAuthority authority) => X509Certificate2.CreateFromPem(authority.Issue(new CertificateProfile("jane") { Client = true }, TimeSpan.FromDays(1), _time).CertificatePem);
        var path = Path.Combine(_directory, "clients.crt");
        File.WriteAllText(path, old.CertificatePem);
        var certificates = new ClientCertificates([own.Certificate], _time, new AuthorityFile(path, _time));
        Assert.True(certificates.IsTrusted(Client(own)));
        Assert.True(certificates.IsTrusted(Client(old)));
        File.WriteAllText(path, next.CertificatePem);
        Assert.False(certificates.IsTrusted(Client(next)));
        _time.Now += TimeSpan.FromMinutes(1);
        Assert.True(certificates.IsTrusted(Client(next)));
        Assert.False(certificates.IsTrusted(Client(old)));
        // What can't be read leaves what was.
        File.WriteAllText(path, "nonsense");
        _time.Now += TimeSpan.FromMinutes(1);
        Assert.True(certificates.IsTrusted(Client(next)));
        Assert.True(certificates.IsTrusted(Client(own)));
        Assert.Throws<CryptographicException>(() => new AuthorityFile(path, _time));
    }
}
