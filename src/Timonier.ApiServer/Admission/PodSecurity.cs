using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>
/// The pod security standards: a namespace's labels say which profile its pods must keep (enforce) and for which its users
/// are warned, of pods and of the workloads that would make them.
/// </summary>
internal sealed class PodSecurity(IObjectReader reader, PodSecurityDefaults defaults) : IValidatingAdmission
{
    private const string Prefix = "pod-security.kubernetes.io/";
    private const int PodsNamedMax = 100;

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.IsFor("namespaces") && attributes.Object is not null)
            CheckNamespace(attributes);
        else if (attributes.Object is { } obj && attributes.Operation is "CREATE" or "UPDATE" && SpecOf(attributes, attributes.Object!) is { } spec)
            CheckPods(attributes, obj, spec);
        return ValueTask.CompletedTask;
    }

    private void CheckPods(AdmissionAttributes attributes, JsonMap obj, JsonMap spec)
    {
        var isPod = attributes.Scope.Resource.GroupResource == "pods";
        if (isPod && attributes.IsUpdate() && attributes.Scope.Subresource != "ephemeralcontainers" && SameImages(attributes.OldObject!.Spec(), spec))
            return;
        if (Exemption(attributes, spec) is { } exemption)
        {
            attributes.Scope.Annotate?.Invoke(Prefix + "exempt", exemption);
            return;
        }
        if (reader.Get<Namespace>("", attributes.Scope.Namespace) is not { } found)
            return;
        var labels = found.Metadata.Labels;
        var enforce = Level(labels, "enforce");
        var warn = Level(labels, "warn");
        var audit = Level(labels, "audit");
        if (isPod)
            attributes.Scope.Annotate?.Invoke(Prefix + "enforce-policy", enforce.ToString());
        if (enforce.Name == "privileged" && warn.Name == "privileged" && audit.Name == "privileged")
            return;
        var pod = new JsonMap { ["spec"] = spec }.To<Pod>();
        if (attributes.Scope.Annotate is { } annotate && PodSecurityProfile.Violations(pod.Spec, audit.Name, audit.Minor) is { Count: > 0 } audited)
            annotate(Prefix + "audit-violations", $"would violate PodSecurity \"{audit}\": {string.Join(", ", audited)}");
        if (isPod && PodSecurityProfile.Violations(pod.Spec, enforce.Name, enforce.Minor) is { Count: > 0 } violations)
            throw attributes.Forbidden($"violates PodSecurity \"{enforce}\": {string.Join(", ", violations)}");
        if (PodSecurityProfile.Violations(pod.Spec, warn.Name, warn.Minor) is { Count: > 0 } warned)
            attributes.Scope.Warnings.Add($"would violate PodSecurity \"{warn}\": {string.Join(", ", warned)}");
    }

    /// <summary>By what the request is exempt; null: it is not.</summary>
    private string? Exemption(AdmissionAttributes attributes, JsonMap spec) =>
        defaults.ExemptNamespaces.Contains(attributes.Scope.Namespace) ? "namespace"
        : defaults.ExemptUsers.Contains(attributes.Scope.User.Name) ? "user"
        : spec.GetString("runtimeClassName") is { Length: > 0 } runtimeClass && defaults.ExemptRuntimeClasses.Contains(runtimeClass) ? "runtimeClass" : null;

    private void CheckNamespace(AdmissionAttributes attributes)
    {
        var labels = Texts(attributes.Object!);
        var errors = new FieldErrors();
        foreach (var mode in (ReadOnlySpan<string>)["enforce", "audit", "warn"])
        {
            if (labels.TryGetValue(Prefix + mode, out var name) && !IsLevel(name))
                errors.Invalid($"metadata.labels[{Prefix}{mode}]", name, "must be one of privileged, baseline, restricted");
            if (labels.TryGetValue($"{Prefix}{mode}-version", out var version) && !IsVersion(version))
                errors.Invalid($"metadata.labels[{Prefix}{mode}-version]", version, "must be \"latest\" or \"v1.x\"");
        }
        if (errors.Any)
            throw ApiException.Invalid(new("", "v1", "Namespace"), attributes.NameOrGenerateName(), errors.Errors);
        var level = Level(labels, "enforce");
        if (!attributes.IsUpdate() || defaults.ExemptNamespaces.Contains(attributes.Scope.Name) || level.Name == "privileged" || Level(Texts(attributes.OldObject!), "enforce") == level)
            return;
        var lines = reader.List<Pod>(attributes.Scope.Name).Where(p => !defaults.ExemptRuntimeClasses.Contains(p.Spec.RuntimeClassName ?? "")).Take(PodsNamedMax)
            .Select(p => (p.Metadata.Name, Faults: PodSecurityProfile.Violations(p.Spec, level.Name, level.Minor)))
            .Where(p => p.Faults.Count > 0)
            .Select(p => $"{p.Name}: {string.Join(", ", p.Faults.Select(f => f.Split(" (")[0]))}").ToList();
        if (lines.Count == 0)
            return;
        attributes.Scope.Warnings.Add($"existing pods in namespace \"{attributes.Scope.Name}\" violate the new PodSecurity enforce level \"{level}\"");
        foreach (var line in lines)
            attributes.Scope.Warnings.Add(line);
    }

    // A change of a running pod matters where a container's image changes: all else that the profiles look at is immutable.
    private static bool SameImages(JsonMap old, JsonMap spec) =>
        old.Maps("containers").Concat(old.Maps("initContainers")).Select(c => c.Text("image")).SequenceEqual(spec.Maps("containers").Concat(spec.Maps("initContainers")).Select(c => c.Text("image")));

    private static JsonMap? SpecOf(AdmissionAttributes attributes, JsonMap obj) => (attributes.Scope.Resource.GroupResource, attributes.Scope.Subresource) switch
    {
        ("pods", "" or "ephemeralcontainers") => obj.GetMap("spec"),
        ("deployments.apps" or "replicasets.apps" or "statefulsets.apps" or "daemonsets.apps" or "jobs.batch" or "replicationcontrollers", "") => obj.GetPath("spec", "template", "spec") as JsonMap,
        ("cronjobs.batch", "") => obj.GetPath("spec", "jobTemplate", "spec", "template", "spec") as JsonMap,
        ("podtemplates", "") => obj.GetPath("template", "spec") as JsonMap,
        _ => null,
    };

    private SecurityLevel Level(IReadOnlyDictionary<string, string> labels, string mode)
    {
        // What cannot be read is taken for the strictest, as upstream does; it cannot be written any more.
        var name = labels.TryGetValue(Prefix + mode, out var given) ? IsLevel(given) ? given : "restricted" : defaults.Labels.GetValueOrDefault(mode, "privileged");
        return new(name, labels.TryGetValue($"{Prefix}{mode}-version", out var version) && IsVersion(version) ? version : defaults.Labels.GetValueOrDefault(mode + "-version", "latest"));
    }

    public static bool IsLevel(string text) => text is "privileged" or "baseline" or "restricted";

    public static bool IsVersion(string text) => text == "latest" || (text.StartsWith("v1.", StringComparison.Ordinal) && int.TryParse(text.AsSpan(3), System.Globalization.NumberStyles.None, null, out _));

    private static Dictionary<string, string> Texts(JsonMap obj) =>
        (obj.GetPath("metadata", "labels") as JsonMap ?? []).Where(l => l.Value is string).ToDictionary(l => l.Key, l => (string)l.Value!);

    private sealed record SecurityLevel(string Name, string Version)
    {
        public int Minor => Version == "latest" ? int.MaxValue : int.Parse(Version.AsSpan(3), System.Globalization.CultureInfo.InvariantCulture);

        public override string ToString() => $"{Name}:{Version}";
    }
}
