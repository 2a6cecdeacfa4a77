using Microsoft.Extensions.Logging;
using Timonier.Api.Authorization.V1;
using Timonier.Api.Certificates.V1;
using Timonier.Client;

namespace Timonier.ApiServer.Pki;

/// <summary>
/// CertificateSigningRequests: approves those of nodes for their own client certificate when the requester may, and signs what
/// is approved for the signers kubernetes.io/*.
/// </summary>
public sealed class CertificateController : IDisposable
{
    private readonly ApiClient _client;
    private readonly Informer<CertificateSigningRequest> _requests;
    private readonly CertificateAuthority _authority;
    private readonly TimeProvider _time;

    public CertificateController(ApiClient client, InformerFactory informers, CertificateAuthority authority, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _requests, _authority, _time) = (client, informers.For<CertificateSigningRequest>(), authority, time);
        Loop = new ControllerLoop<string>("certificates", ReconcileAsync, time, loggers.CreateLogger<CertificateController>(), _requests.WaitForSyncAsync) { Workers = 1 };
        _requests.OnChange(request => Loop.Queue.Add(request.Metadata.Name));
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string name, CancellationToken cancel)
    {
        if (_requests.Get("", name) is not { } request || !CertificateSigning.Knows(request.Spec.SignerName) || Has(request, "Denied") || Has(request, "Failed"))
            return;
        if (!Has(request, "Approved"))
        {
            if (await MayHaveAsync(request, cancel))
                await _client.UpdateSubresourceAsync(WithCondition(request, "Approved", "AutoApproved", "Auto approving kubelet client certificate after SubjectAccessReview."), "approval", cancel);
            return;
        }
        if (request.Status.Certificate.Length > 0)
            return;
        if (CertificateSigning.Fault(request.Spec.SignerName, request.Spec.Request, request.Spec.Usages) is { } fault)
        {
            await _client.UpdateStatusAsync(WithCondition(request, "Failed", "SignerValidationFailure", fault), cancel);
            return;
        }
        var certificate = CertificateSigning.Sign(_authority, request.Spec.Request, request.Spec.Usages, request.Spec.ExpirationSeconds, _time);
        await _client.UpdateStatusAsync(request with { Status = request.Status with { Certificate = certificate } }, cancel);
    }

    /// <summary>Only client certificates of nodes are approved by themselves: for oneself, or for a node that joins.</summary>
    private async Task<bool> MayHaveAsync(CertificateSigningRequest request, CancellationToken cancel)
    {
        if (request.Spec.SignerName != CertificateSigning.KubeletClient || CertificateSigning.Fault(request.Spec.SignerName, request.Spec.Request, request.Spec.Usages) is not null)
            return false;
        var own = CertificateSigning.CommonName(request.Spec.Request) == request.Spec.Username;
        return (own && await IsAllowedAsync(request, "selfnodeclient", cancel)) || await IsAllowedAsync(request, "nodeclient", cancel);
    }

    private async Task<bool> IsAllowedAsync(CertificateSigningRequest request, string subresource, CancellationToken cancel)
    {
        var review = new SubjectAccessReview
        {
            Spec = new SubjectAccessReviewSpec
            {
                User = request.Spec.Username, Groups = request.Spec.Groups, Uid = request.Spec.Uid, Extra = request.Spec.Extra,
                ResourceAttributes = new ResourceAttributes { Group = "certificates.k8s.io", Resource = "certificatesigningrequests", Verb = "create", Subresource = subresource, Version = "*" },
            },
        };
        return (await _client.PostAsync<SubjectAccessReview, SubjectAccessReview>("/apis/authorization.k8s.io/v1/subjectaccessreviews", review, cancel)).Status.Allowed;
    }

    private static bool Has(CertificateSigningRequest request, string condition) => request.Status.Conditions.Any(c => c.Type == condition);

    private CertificateSigningRequest WithCondition(CertificateSigningRequest request, string type, string reason, string message)
    {
        var now = _time.GetUtcNow();
        var condition = new CertificateSigningRequestCondition { Type = type, Status = "True", Reason = reason, Message = message, LastUpdateTime = now, LastTransitionTime = now };
        return request with { Status = request.Status with { Conditions = [.. request.Status.Conditions, condition] } };
    }
}
