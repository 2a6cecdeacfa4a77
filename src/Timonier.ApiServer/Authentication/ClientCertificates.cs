using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.ApiServer.Authentication;

/// <summary>Is a client certificate from one of our authorities? Answers are kept per connection: a chain is built once.</summary>
/// <param name="more">Others that are believed too; null: none.</param>
public sealed class ClientCertificates(X509Certificate2Collection authorities, TimeProvider time, AuthorityFile? more = null)
{
    /// <summary>Extended key usage "TLS client authentication" (RFC 5280 section 4.2.1.12).</summary>
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    // Kestrel keeps one certificate object per connection, so an entry lives as long as its connection.
    private readonly ConditionalWeakTable<X509Certificate2, StrongBox<bool>> _known = [];

    public bool IsTrusted(X509Certificate2 certificate)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (now < certificate.NotBefore.ToUniversalTime() || now > certificate.NotAfter.ToUniversalTime())
            return false;
        return _known.GetValue(certificate, Verify).Value;
    }

    private StrongBox<bool> Verify(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        if (more is not null)
            chain.ChainPolicy.CustomTrustStore.AddRange(more.Current());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // A stranger's certificate must not make us fetch anything.
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().LocalDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(ClientAuthentication);
        return new StrongBox<bool>(chain.Build(certificate));
    }
}
