using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission.Optional;

/// <summary>Every image is pulled for each pod, so that a private one is used by those alone who have its secret.</summary>
internal sealed class AlwaysPullImages : IMutatingAdmission, IValidatingAdmission
{
    private static readonly string[] Lists = ["initContainers", "containers", "ephemeralContainers"];

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!IsOurs(attributes))
            return ValueTask.CompletedTask;
        foreach (var list in Lists)
        {
            foreach (var container in attributes.Object!.Spec().Maps(list))
                container["imagePullPolicy"] = "Always";
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!IsOurs(attributes))
            return ValueTask.CompletedTask;
        foreach (var list in Lists)
        {
            foreach (var (i, container) in attributes.Object!.Spec().Maps(list).Index())
            {
                if (container.Text("imagePullPolicy") is not "Always" and var policy)
                    throw attributes.Forbidden($"spec.{list}[{i}].imagePullPolicy: Unsupported value: \"{policy}\": supported values: \"Always\"");
            }
        }
        return ValueTask.CompletedTask;
    }

    // A change that brings no new image changes nothing in what is pulled.
    private static bool IsOurs(AdmissionAttributes attributes) =>
        attributes.Object is { } pod && (attributes.IsFor("pods") || attributes.IsFor("pods", "ephemeralcontainers"))
        && !(attributes.OldObject is { } old && Images(pod).IsSubsetOf(Images(old)));

    private static HashSet<string> Images(JsonMap pod) => [.. Lists.SelectMany(l => pod.Spec().Maps(l)).Select(c => c.Text("image"))];
}

/// <summary>Services get no external IPs that they do not have already (CVE-2020-8554).</summary>
internal sealed class DenyServiceExternalIPs : IValidatingAdmission
{
    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.IsFor("services") && attributes.Object is { } service && Addresses(service).Except(attributes.OldObject is { } old ? Addresses(old) : []).Any())
            throw attributes.Forbidden("Use of external IPs is denied by admission control");
        return ValueTask.CompletedTask;
    }

    private static IEnumerable<string> Addresses(JsonMap service) => (service.Spec().GetList("externalIPs") ?? []).OfType<string>();
}

/// <summary>Pods that ask for a device tolerate the taint that keeps others off its nodes.</summary>
internal sealed class ExtendedResourceToleration : IMutatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || attributes.Object is not { } pod)
            return ValueTask.CompletedTask;
        var spec = pod.Spec();
        var resources = spec.Maps("containers").Concat(spec.Maps("initContainers")).SelectMany(c => (c.GetPath("resources", "requests") as JsonMap ?? []).Keys).Where(IsExtended).Order(StringComparer.Ordinal).Distinct();
        foreach (var resource in resources)
        {
            var wanted = new JsonMap { ["key"] = resource, ["operator"] = "Exists", ["effect"] = "NoSchedule" };
            if (!spec.Maps("tolerations").Any(t => JsonTree.DeepEquals(t, wanted)))
                spec.EnsureList("tolerations").Add(wanted);
        }
        return ValueTask.CompletedTask;
    }

    private static bool IsExtended(string name) =>
        name.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && !name.StartsWith("requests.", StringComparison.Ordinal)
        && name[..slash] is var domain && domain != "kubernetes.io" && !domain.EndsWith(".kubernetes.io", StringComparison.Ordinal);
}
