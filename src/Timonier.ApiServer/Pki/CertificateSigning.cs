using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.ApiServer.Pki;

/// <summary>What a signing request asks for, read from its PEM.</summary>
internal sealed class SigningRequest
{
    private const string Organization = "2.5.4.10";

    private SigningRequest(CertificateRequest request) => Request = request;

    public CertificateRequest Request { get; }
    public string CommonName { get; private init; } = "";
    public IReadOnlyList<string> Organizations { get; private init; } = [];

    /// <summary>Null when there is none.</summary>
    public X509SubjectAlternativeNameExtension? Names { get; private init; }

    /// <summary>The tags of the names in it.</summary>
    public IReadOnlyList<int> NameKinds { get; private init; } = [];

    /// <summary>Null when the bytes are no signing request with a good signature.</summary>
    public static SigningRequest? Parse(byte[] pem)
    {
        try
        {
            // The loader checks the signature: whoever asks holds the key.
            var request = CertificateRequest.LoadSigningRequestPem(System.Text.Encoding.ASCII.GetString(pem), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions, RSASignaturePadding.Pkcs1);
            var (name, organizations) = ("", new List<string>());
            foreach (var part in request.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
            {
                if (part.HasMultipleElements)
                    return null;
                if (part.GetSingleElementType().Value == Organization)
                    organizations.Add(part.GetSingleElementValue() ?? "");
                else if (part.GetSingleElementType().Value == "2.5.4.3")
                    name = part.GetSingleElementValue() ?? "";
            }
            var names = request.CertificateExtensions.FirstOrDefault(e => e.Oid?.Value == "2.5.29.17");
            return new SigningRequest(request) { CommonName = name, Organizations = organizations, Names = names is null ? null : new X509SubjectAlternativeNameExtension(names.RawData, names.Critical), NameKinds = names is null ? [] : Kinds(names.RawData) };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or AsnContentException)
        {
            return null;
        }
    }

    private static List<int> Kinds(byte[] names)
    {
        var kinds = new List<int>();
        var sequence = new AsnReader(names, AsnEncodingRules.DER).ReadSequence();
        while (sequence.HasData)
        {
            kinds.Add(sequence.PeekTag().TagValue);
            sequence.ReadEncodedValue();
        }
        return kinds;
    }
}

/// <summary>The rules of the signers kubernetes.io/*: what may be asked of each, and what comes out.</summary>
public static class CertificateSigning
{
    public const string ApiServerClient = "kubernetes.io/kube-apiserver-client";
    public const string KubeletClient = "kubernetes.io/kube-apiserver-client-kubelet";
    public const string KubeletServing = "kubernetes.io/kubelet-serving";
    public const string LegacyUnknown = "kubernetes.io/legacy-unknown";

    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(10);
    private static readonly string[] ClientUsages = ["client auth", "digital signature", "key encipherment"];
    private static readonly string[] ServingUsages = ["server auth", "digital signature", "key encipherment"];

    /// <summary>Is the signer one of ours?</summary>
    public static bool Knows(string signerName) => signerName is ApiServerClient or KubeletClient or KubeletServing or LegacyUnknown;

    /// <summary>Why the request is not one for this signer, in upstream's words; null when it is.</summary>
    public static string? Fault(string signerName, byte[] request, IReadOnlyList<string> usages) =>
        SigningRequest.Parse(request) is { } parsed ? Fault(signerName, parsed, usages) : "unable to parse csr";

    private static string? Fault(string signerName, SigningRequest request, IReadOnlyList<string> usages) => signerName switch
    {
        ApiServerClient => usages.All(ClientUsages.Contains) && usages.Contains("client auth") ? null : "usages did not match [client auth]",
        KubeletClient => NodeFault(request) ?? NameFault(request, [DnsName, EmailName, AddressName, UriName]) ?? UsageFault(usages, ClientUsages),
        KubeletServing => NodeFault(request) ?? (request.NameKinds.Intersect([DnsName, AddressName]).Any() ? NameFault(request, [EmailName, UriName]) : "DNS or IP subjectAltName is required") ?? UsageFault(usages, ServingUsages),
        LegacyUnknown => null,
        _ => "unknown signer",
    };

    // GeneralName's tags (RFC 5280 section 4.2.1.6).
    private const int EmailName = 1, DnsName = 2, UriName = 6, AddressName = 7;

    private static string? NameFault(SigningRequest request, int[] refused) => refused.Where(request.NameKinds.Contains).Select(k => k switch { DnsName => "DNS", EmailName => "Email", AddressName => "IP", _ => "URI" }).FirstOrDefault() is { } kind
        ? $"{kind} subjectAltNames are not allowed" : null;

    private static string? NodeFault(SigningRequest request) =>
        request.Organizations is not ["system:nodes"] ? "subject organization is not system:nodes"
        : !request.CommonName.StartsWith("system:node:", StringComparison.Ordinal) ? "subject common name does not begin with system:node:" : null;

    // Key encipherment is for RSA keys alone and may be left out.
    private static string? UsageFault(IReadOnlyList<string> usages, string[] wanted) =>
        usages.All(wanted.Contains) && wanted.Where(w => w != "key encipherment").All(usages.Contains) ? null : $"usages did not match [{string.Join(' ', wanted)}]";

    /// <summary>The user name that the request's certificate will stand for; empty when it cannot be read.</summary>
    public static string CommonName(byte[] request) => SigningRequest.Parse(request)?.CommonName ?? "";

    /// <summary>The certificate in PEM. The request has been checked by <see cref="Fault(string, byte[], IReadOnlyList{string})"/>.</summary>
    public static byte[] Sign(CertificateAuthority authority, byte[] request, IReadOnlyList<string> usages, int? expirationSeconds, TimeProvider time)
    {
        var parsed = SigningRequest.Parse(request) ?? throw new CryptographicException("unable to parse csr");
        var lifetime = expirationSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultLifetime;
        lifetime = lifetime < MinLifetime ? MinLifetime : lifetime > DefaultLifetime ? DefaultLifetime : lifetime;
        var result = new CertificateRequest(parsed.Request.SubjectName, parsed.Request.PublicKey, HashAlgorithmName.SHA256);
        if (parsed.Names is { } names)
            result.CertificateExtensions.Add(names);
        var extended = new OidCollection();
        if (usages.Contains("server auth"))
            extended.Add(new Oid(CertificateAuthority.ServerAuthentication));
        if (usages.Contains("client auth"))
            extended.Add(new Oid(CertificateAuthority.ClientAuthentication));
        var flags = (usages.Contains("digital signature") ? X509KeyUsageFlags.DigitalSignature : 0) | (usages.Contains("key encipherment") ? X509KeyUsageFlags.KeyEncipherment : 0);
        using var certificate = authority.Sign(result, extended, flags, lifetime, time);
        return System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n");
    }
}
