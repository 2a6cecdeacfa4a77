using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.Client;

/// <summary>Where the API server is, how it is trusted, and who we are to it.</summary>
public sealed record HttpTransportOptions
{
    /// <summary>"https://127.0.0.1:6443".</summary>
    public required Uri Server { get; init; }

    /// <summary>The authorities that may vouch for the server; empty: the system's.</summary>
    public X509Certificate2Collection CertificateAuthorities { get; init; } = [];
    public bool SkipServerVerification { get; init; }

    /// <summary>The name to expect in the server's certificate; empty: the host of <see cref="Server"/>.</summary>
    public string TlsServerName { get; init; } = "";

    /// <summary>Who we are, by certificate, with its private key; null when not so.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Who we are, by token; empty when not so.</summary>
    public string Token { get; init; } = "";

    /// <summary>A file that holds the token and may change: read again every minute. Empty: none.</summary>
    public string TokenFile { get; init; } = "";

    /// <summary>Sent with every request: whom to act as (Impersonate-*).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>For one request that is no watch; upstream's servers answer within a minute.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(70);

    /// <summary>Larger answers are refused: lists are read in pages, and no object comes near.</summary>
    public int BodyBytesMax { get; init; } = 512 * 1024 * 1024;

    /// <summary>For connections that are no requests of the transport: WebSockets.</summary>
    public SslClientAuthenticationOptions TlsOptions()
    {
        var tls = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (TlsServerName.Length > 0)
            tls.TargetHost = TlsServerName;
        if (ClientCertificate is not null)
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(ClientCertificate, null, offline: true);
        if (SkipServerVerification)
#pragma warning disable CA5359 // The person asked for it: insecure-skip-tls-verify in the kubeconfig.
            tls.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        else if (CertificateAuthorities.Count > 0)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(CertificateAuthorities);
            tls.CertificateChainPolicy = policy;
        }
        return tls;
    }
}
