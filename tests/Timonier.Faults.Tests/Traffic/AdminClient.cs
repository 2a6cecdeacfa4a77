using System.Security.Cryptography.X509Certificates;
using Timonier.Client;
using Timonier.Testing.Processes;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>HTTPS as the cluster's administrator, by way of a proxy.</summary>
internal static class AdminClient
{
    public static HttpClient Create(TimonierServer server, int port)
    {
        var settings = KubeconfigFile.Load([server.Kubeconfig]).Resolve().Transport;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(settings.CertificateAuthorities!);
        var handler = new SocketsHttpHandler
        {
            SslOptions = { CertificateChainPolicy = policy, ClientCertificates = [settings.ClientCertificate!] }, ConnectTimeout = TimeSpan.FromSeconds(20),
        };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
    }
}
