using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.ApiServer.Pki;

/// <summary>Signs certificates with a key of its own (ECDSA P-256). Thread-safe.</summary>
public sealed class CertificateAuthority : IDisposable
{
    internal const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    internal const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Clocks of machines differ: certificates hold from a little before now on.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    private readonly ECDsa _key;
    private readonly Lock _lock = new();

    private CertificateAuthority(X509Certificate2 certificate, ECDsa key) => (Certificate, _key) = (certificate, key);

    /// <summary>Without its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public string CertificatePem => Certificate.ExportCertificatePem() + "\n";

    internal string KeyPem => _key.ExportPkcs8PrivateKeyPem() + "\n";

    public static CertificateAuthority Create(string commonName, TimeProvider time)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(new CertificateProfile(commonName)), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = time.GetUtcNow();
        using var own = request.CreateSelfSigned(now - Backdate, now + AuthorityLifetime);
        return new CertificateAuthority(X509CertificateLoader.LoadCertificate(own.RawData), key);
    }

    /// <exception cref="CryptographicException">The texts are no certificate and key.</exception>
    public static CertificateAuthority Load(string certificatePem, string keyPem)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(keyPem);
        return new CertificateAuthority(X509Certificate2.CreateFromPem(certificatePem), key);
    }

    /// <summary>A new key and a certificate for it.</summary>
    public (string CertificatePem, string KeyPem) Issue(CertificateProfile profile, TimeSpan lifetime, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(profile), key, HashAlgorithmName.SHA256);
        if (profile.DnsNames.Count + profile.Addresses.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var name in profile.DnsNames)
                names.AddDnsName(name);
            foreach (var address in profile.Addresses)
                names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
        }
        var usages = new OidCollection();
        if (profile.Server)
            usages.Add(new Oid(ServerAuthentication));
        if (profile.Client)
            usages.Add(new Oid(ClientAuthentication));
        using var certificate = Sign(request, usages, X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, lifetime, time);
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Signs a request whose subject and alternative names are already decided; sets the rest.</summary>
    internal X509Certificate2 Sign(CertificateRequest request, OidCollection extendedUsages, X509KeyUsageFlags usages, TimeSpan lifetime, TimeProvider time)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        if (usages != X509KeyUsageFlags.None)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(usages, critical: true));
        if (extendedUsages.Count > 0)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(extendedUsages, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = time.GetUtcNow();
        var (from, until) = (now - Backdate, now + lifetime);
        // Nothing outlives its authority; a chain with a longer leaf would not verify.
        if (until > Certificate.NotAfter)
            until = Certificate.NotAfter;
        if (from < Certificate.NotBefore)
            from = Certificate.NotBefore;
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        lock (_lock)
            return request.Create(Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), from, until, serial);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private static X500DistinguishedName Name(CertificateProfile profile)
    {
        var name = new X500DistinguishedNameBuilder();
        foreach (var organization in profile.Organizations)
            name.AddOrganizationName(organization);
        name.AddCommonName(profile.CommonName);
        return name.Build();
    }
}
