using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Certificates.V1;
using Timonier.Api.Errors;
using Timonier.ApiServer.Pki;

namespace Timonier.ApiServer.Validation;

/// <summary>CertificateSigningRequests: what may be asked, and which step of their life may change what. Source: pkg/apis/certificates/validation.</summary>
internal static class CertificateValidation
{
    private const string Approved = "Approved", Denied = "Denied", Failed = "Failed", PemBlock = "CERTIFICATE";
    private const int ExpirationSecondsMin = 600;

    private static readonly string[] Usages =
    [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system",
        "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
    ];

    /// <param name="old">Null for a new one. What it has already stays allowed.</param>
    public static void Validate(CertificateSigningRequest obj, CertificateSigningRequest? old, FieldErrors errors)
    {
        var spec = obj.Spec;
        if (old is null)
            CheckRequest(spec.Request, errors);
        if (spec.Usages.Count == 0)
            errors.Required("spec.usages");
        for (var i = 0; old is null && i < spec.Usages.Count; i++)
        {
            if (!Usages.Contains(spec.Usages[i]))
                errors.NotSupported($"spec.usages[{i}]", spec.Usages[i], Usages);
            if (spec.Usages.Take(i).Contains(spec.Usages[i]))
                errors.Duplicate($"spec.usages[{i}]", spec.Usages[i]);
        }
        if (old is null && spec.SignerName == CertificateSigning.LegacyUnknown)
            errors.Invalid("spec.signerName", spec.SignerName, "the legacy signerName is not allowed via this API version");
        else if (spec.SignerName.Length == 0)
            errors.Required("spec.signerName");
        else if (spec.SignerName.Split('/') is not [var domain, { Length: > 0 }] || Names.FullyQualified(domain, segmentsMin: 2).Count > 0)
            errors.Invalid("spec.signerName", spec.SignerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
        if (spec.ExpirationSeconds is < ExpirationSecondsMin)
            errors.Invalid("spec.expirationSeconds", spec.ExpirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)");
        CheckConditions(obj.Status.Conditions, errors);
        if (!obj.Status.Certificate.AsSpan().SequenceEqual(old?.Status.Certificate ?? []) && CertificateFault(Encoding.UTF8.GetString(obj.Status.Certificate)) is { } fault)
            errors.Invalid("status.certificate", "<certificate data>", fault);
    }

    /// <param name="mayDecide">The request is for /approval.</param>
    /// <param name="maySign">The request is for /status.</param>
    public static void CheckUpdate(CertificateSigningRequest obj, CertificateSigningRequest old, bool mayDecide, bool maySign, FieldErrors errors)
    {
        foreach (var type in (ReadOnlySpan<string>)[Approved, Denied, Failed])
        {
            if (Of(obj, type).Count < Of(old, type).Count)
                errors.Forbidden("status.conditions", $"updates may not remove a condition of type \"{type}\"");
        }
        foreach (var type in mayDecide ? [] : (ReadOnlySpan<string>)[Approved, Denied])
        {
            var (now, before) = (Of(obj, type), Of(old, type));
            if (now.Count > before.Count)
                errors.Forbidden("status.conditions", $"updates may not add a condition of type \"{type}\"");
            else if (now.Count == before.Count && !now.SequenceEqual(before))
                errors.Forbidden("status.conditions", $"updates may not modify a condition of type \"{type}\"");
        }
        if (obj.Status.Certificate.AsSpan().SequenceEqual(old.Status.Certificate))
            return;
        if (!maySign)
            errors.Forbidden("status.certificate", "updates may not set certificate content");
        else if (old.Status.Certificate.Length > 0)
            errors.Forbidden("status.certificate", "updates may not modify existing certificate content");
    }

    private static List<CertificateSigningRequestCondition> Of(CertificateSigningRequest request, string type) => [.. request.Status.Conditions.Where(c => c.Type == type)];

    private static void CheckRequest(byte[] request, FieldErrors errors)
    {
        var text = Encoding.UTF8.GetString(request);
        if (!PemEncoding.TryFind(text, out var pem) || text[pem.Label] != "CERTIFICATE REQUEST")
            errors.Invalid("spec.request", Convert.ToBase64String(request), "PEM block type must be CERTIFICATE REQUEST");
        else if (SigningRequest.Parse(request) is null)
            errors.Invalid("spec.request", Convert.ToBase64String(request), "unable to parse csr");
    }

    private static void CheckConditions(IReadOnlyList<CertificateSigningRequestCondition> conditions, FieldErrors errors)
    {
        for (var i = 0; i < conditions.Count; i++)
        {
            var (at, condition, before) = ($"status.conditions[{i}]", conditions[i], conditions.Take(i).Select(c => c.Type).ToList());
            string[] statuses = condition.Type is Approved or Denied or Failed ? ["True"] : ["False", "True", "Unknown"];
            if (condition.Type.Length == 0)
                errors.Required($"{at}.type");
            if (condition.Status.Length == 0)
                errors.Required($"{at}.status");
            else if (!statuses.Contains(condition.Status))
                errors.NotSupported($"{at}.status", condition.Status, statuses);
            if ((condition.Type == Approved && before.Contains(Denied)) || (condition.Type == Denied && before.Contains(Approved)))
                errors.Invalid($"{at}.type", condition.Type, "Approved and Denied conditions are mutually exclusive");
            if (before.Contains(condition.Type))
                errors.Duplicate($"{at}.type", condition.Type);
        }
    }

    /// <summary>Null for certificates, and for none at all.</summary>
    private static string? CertificateFault(string text)
    {
        if (text.Length == 0)
            return null;
        var blocks = 0;
        for (var rest = text.AsSpan(); PemEncoding.TryFind(rest, out var pem); rest = rest[pem.Location.End..])
        {
            if (!rest[pem.Label].SequenceEqual(PemBlock))
                return $"only CERTIFICATE PEM blocks are allowed, found \"{rest[pem.Label]}\"";
            try
            {
                using var _ = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(rest[pem.Base64Data].ToString()));
            }
            catch (CryptographicException e)
            {
                return e.Message;
            }
            blocks++;
        }
        return blocks == 0 ? "must contain at least one CERTIFICATE PEM block" : null;
    }
}
