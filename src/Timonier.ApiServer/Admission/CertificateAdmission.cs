using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Json;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>
/// Who approves or signs a certificate must be allowed to for its signer; and nobody asks the client signer for the group
/// that may do everything.
/// </summary>
internal sealed class CertificateAdmission(IAuthorizer authorizer) : IValidatingAdmission
{
    private const string Resource = "certificatesigningrequests.certificates.k8s.io";
    private const string ClientSigner = "kubernetes.io/kube-apiserver-client";

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.Scope.Resource.GroupResource != Resource)
            return;
        var signer = attributes.OldObject?.GetPath("spec", "signerName") as string ?? "";
        if (attributes.IsFor(Resource, "approval") && attributes.IsUpdate() && !await MayAsync(attributes, "approve", signer, cancel))
            throw attributes.Forbidden($"user not permitted to approve requests with signerName \"{signer}\"");
        if (attributes.IsFor(Resource, "status") && attributes.IsUpdate() && Signed(attributes) && !await MayAsync(attributes, "sign", signer, cancel))
            throw attributes.Forbidden($"user not permitted to sign requests with signerName \"{signer}\"");
        if (attributes.IsFor(Resource) && attributes.IsCreate())
            CheckSubject(attributes);
    }

    private static bool Signed(AdmissionAttributes attributes) =>
        !JsonTree.DeepEquals(attributes.Object?.GetPath("status", "certificate"), attributes.OldObject?.GetPath("status", "certificate"))
        || !JsonTree.DeepEquals(attributes.Object?.GetPath("status", "conditions"), attributes.OldObject?.GetPath("status", "conditions"));

    // For the signer itself, or for all signers of its domain.
    private async ValueTask<bool> MayAsync(AdmissionAttributes attributes, string verb, string signer, CancellationToken cancel)
    {
        var domain = signer.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash ? signer[..slash] + "/*" : signer;
        return await AllowedAsync(signer) || await AllowedAsync(domain);

        async ValueTask<bool> AllowedAsync(string name) => (await authorizer.AuthorizeAsync(new AuthorizationAttributes
        {
            User = attributes.Scope.User, Verb = verb, IsResource = true, Group = "certificates.k8s.io", Version = "*", Resource = "signers", Name = name,
        }, cancel)).Decision == Decision.Allow;
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
