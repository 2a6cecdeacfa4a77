using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.Client;

namespace Timonier.ApiServer.Admission;

/// <summary>
/// Refuses what would exceed a quota of its namespace, and writes what it lets through into the quota's status first: the
/// compare-and-swap there is what keeps two requests, on two servers even, from taking the same rest.
/// The quota controller gives back what a failed write leaves behind, and counts what is deleted.
/// </summary>
internal sealed class ResourceQuotaAdmission(IObjectReader reader, Func<ApiClient> client) : IValidatingAdmission
{
    private const int ConflictRetriesMax = 20;

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var scope = attributes.Scope;
        if (scope.Namespace.Length == 0 || (scope.Subresource.Length > 0 && !attributes.IsFor("pods", "resize")) || attributes.Object is not { } obj || !Counts(attributes))
            return;
        var resource = scope.Resource.GroupResource;
        for (var attempt = 1; ; attempt++)
        {
            var quotas = reader.List<ResourceQuota>(scope.Namespace).Where(q => QuotaUsage.InScope(q, resource, obj)).ToList();
            if (quotas.Count == 0)
                return;
            var more = More(resource, obj, attributes.OldObject);
            var changed = quotas.Select(q => Charge(q, attributes, more)).OfType<ResourceQuota>().ToList();
            if (changed.Count == 0 || scope.DryRun)
                return;
            try
            {
                foreach (var quota in changed)
                    await client().UpdateStatusAsync(quota, cancel);
                return;
            }
            catch (ApiException e) when (e.IsConflict && attempt < ConflictRetriesMax)
            {
                // Somebody else took of the same quota. What earlier ones of several were charged, the controller counts anew.
            }
        }
    }

    private static bool Counts(AdmissionAttributes attributes) =>
        attributes.IsCreate() || (attributes.IsUpdate() && (attributes.Scope.Resource.GroupResource is "services" or "persistentvolumeclaims" || attributes.Scope.Subresource == "resize"));

    private static Dictionary<string, Quantity> More(string resource, JsonMap obj, JsonMap? old)
    {
        var more = QuotaUsage.Of(resource, obj);
        if (old is null)
            return more;
        foreach (var (name, amount) in QuotaUsage.Of(resource, old))
            more[name] = more.GetValueOrDefault(name) - amount;
        return more;
    }

    /// <summary>The quota with the object counted; null when it does not count any of it.</summary>
    private static ResourceQuota? Charge(ResourceQuota quota, AdmissionAttributes attributes, Dictionary<string, Quantity> more)
    {
        // Until the controller has seen a new quota it limits nothing yet.
        var (hard, used) = (quota.Status.Hard, quota.Status.Used);
        var counted = more.Where(m => hard.ContainsKey(m.Key)).ToDictionary();
        var relevant = counted.Keys.ToList();
        if (attributes.IsFor("pods") && QuotaUsage.Missing(attributes.Object!, hard.Keys).ToList() is { Count: > 0 } missing)
            throw attributes.Forbidden($"failed quota: {quota.Metadata.Name}: must specify {string.Join("; ", missing)}");
        if (relevant.Count == 0)
            return null;
        if (relevant.Any(r => !used.ContainsKey(r)))
            throw attributes.Forbidden($"status unknown for quota: {quota.Metadata.Name}, resources: {string.Join(",", relevant.Order(StringComparer.Ordinal))}");
        var exceeded = counted.Where(c => c.Value.Sign > 0 && used[c.Key] + c.Value > hard[c.Key]).Select(c => c.Key).Order(StringComparer.Ordinal).ToList();
        if (exceeded.Count > 0)
            throw attributes.Forbidden($"exceeded quota: {quota.Metadata.Name}, requested: {Show(exceeded, counted)}, used: {Show(exceeded, used)}, limited: {Show(exceeded, hard)}");
        if (counted.Values.All(c => c.IsZero))
            return null;
        var now = new Dictionary<string, Quantity>(used);
        foreach (var (name, amount) in counted)
            now[name] += amount;
        return quota with { Status = quota.Status with { Used = now } };
    }

    private static string Show(IEnumerable<string> names, IReadOnlyDictionary<string, Quantity> amounts) => string.Join(",", names.Select(n => $"{n}={amounts[n]}"));
}
