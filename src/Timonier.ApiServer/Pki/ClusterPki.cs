using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Pki;

/// <summary>A certificate with its private key, as files and ready for TLS.</summary>
public sealed record IssuedCertificate(string CertificatePath, string KeyPath, string CertificatePem, string KeyPem)
{
    /// <summary>A new object on each call; the caller disposes it.</summary>
    public X509Certificate2 ToX509() => X509Certificate2.CreateFromPem(CertificatePem, KeyPem);
}

/// <summary>
/// The cluster's keys and certificates, in files of one directory: made when missing, kept, and made anew before they end or
/// when what they must say has changed. One process at a time; the store's lock on the data directory sees to it.
/// </summary>
public sealed class ClusterPki : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);

    /// <summary>Renewed when less than this is left; a server that runs that long renews at <see cref="Issue"/> of its next certificate.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(60);

    private readonly string _directory;
    private readonly TimeProvider _time;

    private ClusterPki(string directory, TimeProvider time)
    {
        (_directory, _time) = (directory, time);
        PrivateFiles.CreateDirectory(directory);
        Authority = LoadAuthority("ca", "kubernetes-ca");
        FrontProxyAuthority = LoadAuthority("front-proxy-ca", "front-proxy-ca");
        TokenKey = LoadTokenKey();
    }

    public CertificateAuthority Authority { get; }
    public CertificateAuthority FrontProxyAuthority { get; }

    /// <summary>Signs service account tokens.</summary>
    public TokenKey TokenKey { get; }

    public string Directory => _directory;

    public string AuthorityPath => Path.Combine(_directory, "ca.crt");

    /// <param name="directory">Made when missing; for its owner alone.</param>
    /// <exception cref="IOException">The files cannot be read or written.</exception>
    /// <exception cref="CryptographicException">A file holds no key or certificate.</exception>
    public static ClusterPki Open(string directory, TimeProvider time) => new(directory, time);

    /// <summary>The names under which clients reach the API server: those every cluster has, and the given ones.</summary>
    /// <param name="serviceAddress">Of the service "kubernetes": the first address of the service range.</param>
    public static CertificateProfile ServerProfile(IPAddress serviceAddress, IEnumerable<string> hostNames, IEnumerable<IPAddress> addresses) => new("kube-apiserver")
    {
        Server = true,
        DnsNames = [.. new[] { "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local" }.Concat(hostNames).Distinct(StringComparer.Ordinal)],
        Addresses = [.. new[] { IPAddress.Loopback, IPAddress.IPv6Loopback, serviceAddress }.Concat(addresses).Distinct()],
    };

    /// <summary>An administrator: system:masters.</summary>
    public static CertificateProfile AdminProfile { get; } = new("kubernetes-admin") { Organizations = ["system:masters"], Client = true };

    public static CertificateProfile FrontProxyProfile { get; } = new("front-proxy-client") { Client = true };

    /// <summary>The API server towards a kubelet.</summary>
    public static CertificateProfile KubeletClientProfile { get; } = new("kube-apiserver-kubelet-client") { Organizations = ["system:masters"], Client = true };

    /// <summary>A node: its kubelet as a client and as a server.</summary>
    public static CertificateProfile NodeProfile(string node, IEnumerable<IPAddress> addresses) => new("system:node:" + node)
    {
        Organizations = ["system:nodes"], Client = true, Server = true, DnsNames = [node], Addresses = [.. addresses],
    };

    /// <summary>The certificate of this name (files NAME.crt and NAME.key), made anew when missing, near its end, of another authority or saying something else.</summary>
    public IssuedCertificate Issue(string name, CertificateProfile profile, CertificateAuthority? authority = null)
    {
        authority ??= Authority;
        var (certificatePath, keyPath) = (Path.Combine(_directory, name + ".crt"), Path.Combine(_directory, name + ".key"));
        if (File.Exists(certificatePath) && File.Exists(keyPath))
        {
            var kept = new IssuedCertificate(certificatePath, keyPath, File.ReadAllText(certificatePath), File.ReadAllText(keyPath));
            if (StillHolds(kept, profile, authority))
                return kept;
        }
        var (certificatePem, keyPem) = authority.Issue(profile, Lifetime, _time);
        PrivateFiles.Write(keyPath, keyPem);
        PrivateFiles.Write(certificatePath, certificatePem);
        return new IssuedCertificate(certificatePath, keyPath, certificatePem, keyPem);
    }

    private bool StillHolds(IssuedCertificate issued, CertificateProfile profile, CertificateAuthority authority)
    {
        try
        {
            // Also finds a key that does not fit, when a crash came between the two files.
            using var certificate = issued.ToX509();
            if (_time.GetUtcNow() + RenewBefore > certificate.NotAfter.ToUniversalTime() || certificate.IssuerName.Name != authority.Certificate.SubjectName.Name)
                return false;
            if (certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) != profile.CommonName || !IsIssuedBy(certificate, authority))
                return false;
            var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
            return profile.DnsNames.All(n => names?.EnumerateDnsNames().Contains(n) == true) && profile.Addresses.All(a => names?.EnumerateIPAddresses().Contains(a) == true);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    // The authority may have been made anew under the same name; its key's identifier tells.
    private static bool IsIssuedBy(X509Certificate2 certificate, CertificateAuthority authority)
    {
        var named = certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier;
        var own = authority.Certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault()?.SubjectKeyIdentifierBytes;
        return named is { } x && own is { } y && x.Span.SequenceEqual(y.Span);
    }

    private CertificateAuthority LoadAuthority(string name, string commonName)
    {
        var (certificatePath, keyPath) = (Path.Combine(_directory, name + ".crt"), Path.Combine(_directory, name + ".key"));
        if (File.Exists(certificatePath) && File.Exists(keyPath))
            return CertificateAuthority.Load(File.ReadAllText(certificatePath), File.ReadAllText(keyPath));
        var authority = CertificateAuthority.Create(commonName, _time);
        PrivateFiles.Write(keyPath, authority.KeyPem);
        PrivateFiles.Write(certificatePath, authority.CertificatePem);
        return authority;
    }

    private TokenKey LoadTokenKey()
    {
        var path = Path.Combine(_directory, "sa.key");
        if (!File.Exists(path))
        {
            // RS256 is what every OpenID Connect client takes without being told; a curve would be quicker to make, and refused by many.
            using var key = RSA.Create(2048);
            PrivateFiles.Write(path, key.ExportPkcs8PrivateKeyPem() + "\n");
            PrivateFiles.Write(Path.Combine(_directory, "sa.pub"), key.ExportSubjectPublicKeyInfoPem() + "\n");
        }
        return TokenKey.FromPem(File.ReadAllText(path));
    }

    public void Dispose()
    {
        Authority.Dispose();
        FrontProxyAuthority.Dispose();
        TokenKey.Dispose();
    }
}
