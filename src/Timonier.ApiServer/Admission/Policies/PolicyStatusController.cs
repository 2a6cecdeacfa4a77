using Microsoft.Extensions.Logging;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Errors;
using Timonier.ApiServer.Registry;
using Timonier.Client;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>Writes into the status of each ValidatingAdmissionPolicy what its expressions get wrong of the kinds that it matches, once for each generation.</summary>
public sealed class PolicyStatusController : IDisposable
{
    private readonly ApiClient _client;
    private readonly ResourceRegistry _registry;
    private readonly Informer<ValidatingAdmissionPolicy> _policies;

    public PolicyStatusController(ApiClient client, InformerFactory informers, ResourceRegistry registry, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _registry, _policies) = (client, registry, informers.For<ValidatingAdmissionPolicy>());
        Loop = new ControllerLoop<string>("validatingadmissionpolicy-status-controller", ReconcileAsync, time, loggers.CreateLogger<PolicyStatusController>(), _policies.WaitForSyncAsync) { Workers = 1 };
        _policies.OnChange(policy => Loop.Queue.Add(policy.Metadata.Name));
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string name, CancellationToken cancel)
    {
        if (_policies.Get("", name) is not { } policy || policy.Status.ObservedGeneration >= policy.Metadata.Generation)
            return;
        var status = policy.Status with
        {
            ObservedGeneration = policy.Metadata.Generation,
            TypeChecking = new TypeChecking { ExpressionWarnings = PolicyTypeCheck.Warnings(policy, _registry.Resources) },
        };
        try
        {
            await _client.UpdateStatusAsync(policy with { Status = status }, cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Deleted in the meantime.
        }
    }
}
