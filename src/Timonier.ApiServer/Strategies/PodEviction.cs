using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Policy.V1;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;
using Timonier.Client;
using DeleteOptions = Timonier.Api.Meta.V1.DeleteOptions;

namespace Timonier.ApiServer.Strategies;

/// <summary>
/// pods/eviction: a delete that the pod's disruption budget must allow. The budget is lowered first, in its status, so that
/// two evictions at once cannot both take the last allowed disruption.
/// </summary>
public sealed class PodEviction(IObjectReader reader, ApiClient client) : IVirtualResource
{
    private const int ConflictRetriesMax = 20;
    private const int DisruptedPodsMax = 2000;
    private const string TooMany = "Cannot evict pod as it would violate the pod's disruption budget.";

    public string Group => "";

    public string Resource => "pods";

    public string Subresource => "eviction";

    public async ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        var name = obj.GetMap("metadata")?.Text("name") ?? "";
        if (name.Length > 0 && name != scope.Name)
            throw ApiException.BadRequest("name in URL does not match name in Eviction object");
        var options = obj.GetMap("deleteOptions")?.To<DeleteOptions>() ?? new();
        var dryRun = scope.DryRun || options.DryRun.Contains("All");
        if (dryRun)
            options = options with { DryRun = ["All"] };
        for (var attempt = 1; ; attempt++)
        {
            var pod = reader.Get<Pod>(scope.Namespace, scope.Name) ?? throw ApiException.NotFound("", "pods", scope.Name);
            try
            {
                await EvictAsync(pod, options, dryRun, scope.Now, cancel);
                return new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonMap(), ["status"] = "Success", ["code"] = 201L };
            }
            catch (ApiException e) when (e.IsConflict && options.Preconditions is null && attempt < ConflictRetriesMax)
            {
                // The pod or its budget changed in between: judge again.
            }
        }
    }

    private async Task EvictAsync(Pod pod, DeleteOptions options, bool dryRun, DateTimeOffset now, CancellationToken cancel)
    {
        var version = pod.Metadata.ResourceVersion;
        // A pod that does not run disrupts nothing; but a pending one may start while we look.
        var gone = pod.Status.Phase is "Succeeded" or "Failed" || pod.Metadata.DeletionTimestamp is not null;
        if (gone || pod.Status.Phase == "Pending")
        {
            await DeleteAsync(pod, options, gone ? null : version, cancel);
            return;
        }
        var budgets = reader.List<PodDisruptionBudget>(pod.Metadata.Namespace).Where(b => b.Spec.Selector is { } selector && selector.Matches(pod.Metadata.Labels)).ToList();
        if (budgets.Count > 1)
            throw new ApiException(500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
        if (budgets.Count == 0)
        {
            await DeleteAsync(pod, options, null, cancel);
            return;
        }
        var budget = budgets[0];
        if (!IsReady(pod) && IgnoresUnready(budget))
        {
            await DeleteAsync(pod, options, version, cancel);
            return;
        }
        var status = Decrement(budget, pod.Metadata.Name, now);
        if (!dryRun)
            await client.UpdateStatusAsync(budget with { Status = status }, cancel);
        await DeleteAsync(pod, options, null, cancel);
    }

    /// <summary>The budget's status after one more disruption.</summary>
    /// <exception cref="ApiException">TooManyRequests: it allows none now.</exception>
    internal static PodDisruptionBudgetStatus Decrement(PodDisruptionBudget budget, string podName, DateTimeOffset now)
    {
        var status = budget.Status;
        var name = budget.Metadata.Name;
        if (status.ObservedGeneration < budget.Metadata.Generation)
            throw Refusal($"The disruption budget {name} is still being processed by the server.");
        if (status.DisruptionsAllowed < 0)
            throw ApiException.Forbidden("policy", "poddisruptionbudget", name, "pdb disruptions allowed is negative");
        if (status.DisruptedPods.Count > DisruptedPodsMax)
            throw ApiException.Forbidden("policy", "poddisruptionbudget", name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
        if (status.DisruptionsAllowed == 0)
        {
            throw status.CurrentHealthy <= status.DesiredHealthy
                ? Refusal($"The disruption budget {name} needs {status.DesiredHealthy} healthy pods and has {status.CurrentHealthy} currently")
                : Refusal($"The disruption budget {name} does not allow evicting pods currently because it failed sync: {status.Conditions.FirstOrDefault(c => c.Type == "DisruptionAllowed")?.Message}");
        }
        var allowed = status.DisruptionsAllowed - 1;
        return status with
        {
            DisruptionsAllowed = allowed,
            DisruptedPods = new Dictionary<string, DateTimeOffset>(status.DisruptedPods) { [podName] = now },
            Conditions = [.. status.Conditions.Select(c => c.Type == "DisruptionAllowed" && allowed == 0 ? c with { Status = "False", Reason = "InsufficientPods", LastTransitionTime = now } : c)],
        };
    }

    private static bool IgnoresUnready(PodDisruptionBudget budget) =>
        budget.Spec.UnhealthyPodEvictionPolicy == "AlwaysAllow" || (budget.Status.CurrentHealthy >= budget.Status.DesiredHealthy && budget.Status.DesiredHealthy > 0);

    private static bool IsReady(Pod pod) => pod.Status.Conditions.Any(c => c.Type == "Ready" && c.Status == "True");

    private Task DeleteAsync(Pod pod, DeleteOptions options, string? version, CancellationToken cancel)
    {
        if (version is not null && options.Preconditions?.ResourceVersion is null)
            options = options with { Preconditions = (options.Preconditions ?? new()) with { ResourceVersion = version } };
        return client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, options, cancel);
    }

    private static ApiException Refusal(string cause)
    {
        var refusal = ApiException.TooManyRequests(TooMany, 0);
        refusal.Details!["causes"] = new JsonList { new JsonMap { ["reason"] = "DisruptionBudget", ["message"] = cause } };
        return refusal;
    }
}
