using Timonier.Api.Certificates.V1;
using Timonier.Api.Errors;
using Timonier.Client;

namespace Timonier.Controllers.CertificateCleanup;

/// <summary>Deletes signing requests that nobody waits for any more.</summary>
internal sealed class CertificateCleaner : Controller<string>
{
    // Upstream's limits: an answered request is kept for an hour, an open one for a day.
    private static readonly TimeSpan Answered = TimeSpan.FromHours(1);
    private static readonly TimeSpan Open = TimeSpan.FromHours(24);

    private readonly Informer<CertificateSigningRequest> _requests;

    public CertificateCleaner(ControllerContext context) : base("csrcleaner", context, workers: 1)
    {
        _requests = Follow<CertificateSigningRequest>();
        _requests.AddHandler(new() { Added = request => Queue.Add(request.Metadata.Name), Updated = (_, request) => Queue.Add(request.Metadata.Name) });
    }

    /// <summary>When the request may go; null while it is approved and not yet signed.</summary>
    internal static DateTimeOffset? Deadline(CertificateSigningRequest request)
    {
        var conditions = request.Status.Conditions;
        if (conditions.FirstOrDefault(c => c.Type is "Denied" or "Failed") is { } refused)
            return refused.LastUpdateTime + Answered;
        if (conditions.FirstOrDefault(c => c.Type == "Approved") is { } approved)
            return request.Status.Certificate.Length > 0 ? approved.LastUpdateTime + Answered : null;
        return request.Metadata.CreationTimestamp + Open;
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_requests.Get("", key) is not { } request || Deadline(request) is not { } deadline)
            return;
        if (deadline > Now)
        {
            Queue.AddAfter(key, deadline - Now);
            return;
        }
        try
        {
            await Client.DeleteAsync<CertificateSigningRequest>("", key, new() { Preconditions = new() { Uid = request.Metadata.Uid } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }
}
