using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Json;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>What the three steps about certificate requests share.</summary>
internal static class CertificateSigners
{
    public const string Resource = "certificatesigningrequests.certificates.k8s.io";

    public static string SignerOf(AdmissionAttributes attributes) => attributes.OldObject?.GetPath("spec", "signerName") as string ?? "";

    // For the signer itself, or for all signers of its domain.
    public static async ValueTask<bool> MayAsync(this IAuthorizer authorizer, AdmissionAttributes attributes, string verb, string signer, CancellationToken cancel)
    {
        var domain = signer.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash ? signer[..slash] + "/*" : signer;
        return await AllowedAsync(signer) || await AllowedAsync(domain);

        async ValueTask<bool> AllowedAsync(string name) => (await authorizer.AuthorizeAsync(new AuthorizationAttributes
        {
            User = attributes.Scope.User, Verb = verb, IsResource = true, Group = "certificates.k8s.io", Version = "*", Resource = "signers", Name = name,
        }, cancel)).Decision == Decision.Allow;
    }
}

/// <summary>Who approves a certificate must be allowed to for its signer.</summary>
internal sealed class CertificateApproval(IAuthorizer authorizer) : IValidatingAdmission
{
    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.IsFor(CertificateSigners.Resource, "approval") && attributes.IsUpdate() && CertificateSigners.SignerOf(attributes) is var signer && !await authorizer.MayAsync(attributes, "approve", signer, cancel))
            throw attributes.Forbidden($"user not permitted to approve requests with signerName \"{signer}\"");
    }
}

/// <summary>Who signs one must be allowed to for its signer.</summary>
internal sealed class CertificateSigner(IAuthorizer authorizer) : IValidatingAdmission
{
    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.IsFor(CertificateSigners.Resource, "status") && attributes.IsUpdate() && Signed(attributes) && CertificateSigners.SignerOf(attributes) is var signer && !await authorizer.MayAsync(attributes, "sign", signer, cancel))
            throw attributes.Forbidden($"user not permitted to sign requests with signerName \"{signer}\"");
    }

    private static bool Signed(AdmissionAttributes attributes) =>
        !JsonTree.DeepEquals(attributes.Object?.GetPath("status", "certificate"), attributes.OldObject?.GetPath("status", "certificate"))
        || !JsonTree.DeepEquals(attributes.Object?.GetPath("status", "conditions"), attributes.OldObject?.GetPath("status", "conditions"));
}

/// <summary>Nobody asks the client signer for the group that may do everything.</summary>
internal sealed class CertificateSubjectRestriction : IValidatingAdmission
{
    private const string ClientSigner = "kubernetes.io/kube-apiserver-client";

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.IsFor(CertificateSigners.Resource) && attributes.IsCreate())
            CheckSubject(attributes);
        return ValueTask.CompletedTask;
    }

    private static void CheckSubject(AdmissionAttributes attributes)
    {
        var spec = attributes.Object!.Spec();
        if (spec.Text("signerName") != ClientSigner)
            return;
        try
        {
            var pem = Encoding.UTF8.GetString(Convert.FromBase64String(spec.Text("request")));
            var request = CertificateRequest.LoadSigningRequestPem(pem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation, RSASignaturePadding.Pkcs1);
            if (request.SubjectName.EnumerateRelativeDistinguishedNames().Any(n => !n.HasMultipleElements && n.GetSingleElementType().Value == "2.5.4.10" && n.GetSingleElementValue() == "system:masters"))
                throw attributes.Forbidden($"use of {ClientSigner} signer with system:masters group is not allowed");
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            throw attributes.Forbidden($"failed to parse CSR: {e.Message}");
        }
    }
}
