using System.Globalization;
using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Aggregation;

/// <summary>What the condition Available says.</summary>
internal sealed record Verdict(bool Available, string Reason, string Message);

/// <summary>Whether an APIService can be asked, from what is known of it; reasons and words are upstream's.</summary>
internal static class Availability
{
    public static readonly Verdict Local = new(true, "Local", "Local APIServices are always available");

    public static readonly Verdict Passed = new(true, "Passed", "all checks passed");

    public static Verdict FailedDiscovery(string url, string error) => new(false, "FailedDiscoveryCheck", $"failing or missing response from {url}: {error}");

    public static Verdict BadStatus(string url, int code) => new(false, "FailedDiscoveryCheck", string.Create(CultureInfo.InvariantCulture, $"failing or missing response from {url}: bad status from {url}: {code}"));

    /// <returns>Null: nothing that is known speaks against it, so it must be asked.</returns>
    /// <param name="service">Null: there is none.</param>
    /// <param name="slices">Of the service.</param>
    public static Verdict? Decide(APIServiceSpec spec, Service? service, IReadOnlyCollection<EndpointSlice> slices)
    {
        if (spec.Service is not { } reference)
            return Local;
        var (name, ns) = (reference.Name, reference.Namespace);
        if (service is null)
            return new(false, "ServiceNotFound", $"service/{name} in \"{ns}\" is not present");
        // Of a service without selector nobody but its owner knows where it is.
        if (service.Spec.Type == "ExternalName")
            return null;
        var wanted = reference.Port ?? 443;
        if (service.Spec.Ports.FirstOrDefault(p => p.Port == wanted) is not { } port)
            return new(false, "ServicePortError", string.Create(CultureInfo.InvariantCulture, $"service/{name} in \"{ns}\" is not listening on port {wanted}"));
        if (slices.Count == 0)
            return new(false, "EndpointsNotFound", $"cannot find endpointslices for service/{name} in \"{ns}\"");
        var ready = slices.Any(s => s.Ports.Any(p => (p.Name ?? "") == port.Name) && s.Endpoints.Any(e => e.Conditions.Ready != false && e.Addresses.Count > 0));
        return ready ? null : new(false, "MissingEndpoints", $"endpoints for service/{name} in \"{ns}\" have no addresses with port name \"{port.Name}\"");
    }

    /// <summary>The service with the verdict as its condition; null when it says so already.</summary>
    public static APIService? Apply(APIService service, Verdict verdict, DateTimeOffset now)
    {
        var before = service.Status.Conditions.FirstOrDefault(c => c.Type == "Available");
        var status = verdict.Available ? "True" : "False";
        if (before is not null && before.Status == status && before.Reason == verdict.Reason && before.Message == verdict.Message)
            return null;
        var condition = new APIServiceCondition
        {
            Type = "Available", Status = status, Reason = verdict.Reason, Message = verdict.Message, LastTransitionTime = before?.Status == status ? before.LastTransitionTime : now,
        };
        return service with { Status = service.Status with { Conditions = [.. service.Status.Conditions.Where(c => c.Type != "Available"), condition] } };
    }

    public static JsonMap ToTree(Verdict verdict, DateTimeOffset now) => new()
    {
        ["type"] = "Available", ["status"] = verdict.Available ? "True" : "False", ["lastTransitionTime"] = now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        ["reason"] = verdict.Reason, ["message"] = verdict.Message,
    };
}
