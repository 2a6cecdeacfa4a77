namespace Timonier.ApiServer.Admission;

/// <summary>Which steps of admission are on, by upstream's names: its defaults, NodeRestriction, and what the flags say.</summary>
public sealed class AdmissionPlugins
{
    /// <summary>On unless disabled. NodeRestriction is not upstream's default, but everybody's who installs it.</summary>
    private static readonly string[] OnByDefault =
    [
        "CertificateApproval", "CertificateSigning", "CertificateSubjectRestriction", "DefaultIngressClass", "DefaultStorageClass", "DefaultTolerationSeconds", "LimitRanger",
        "MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "NamespaceLifecycle", "NodeRestriction", "PersistentVolumeClaimResize", "PodSecurity", "Priority", "ResourceQuota", "RuntimeClass",
        "ServiceAccount", "StorageObjectInUseProtection", "TaintNodesByCondition", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook",
    ];

    /// <summary>Off unless enabled. OwnerReferencesPermissionEnforcement and the like that upstream knows and we do not are refused.</summary>
    private static readonly string[] OffByDefault = ["AlwaysPullImages", "DenyServiceExternalIPs", "EventRateLimit", "ExtendedResourceToleration"];

    public static readonly AdmissionPlugins Default = new([.. OnByDefault]);

    private readonly HashSet<string> _on;

    private AdmissionPlugins(HashSet<string> on) => _on = on;

    public bool Has(string name) => _on.Contains(name);

    /// <param name="enabled">Names, separated by commas, as --enable-admission-plugins has them; in any order: steps have one of their own.</param>
    /// <param name="disabled">The same of --disable-admission-plugins.</param>
    /// <exception cref="FormatException">In upstream's words.</exception>
    public static AdmissionPlugins Parse(IEnumerable<string> enabled, IEnumerable<string> disabled)
    {
        var (on, off) = (Names(enabled, "enable-admission-plugins"), Names(disabled, "disable-admission-plugins"));
        if (on.Intersect(off).ToList() is { Count: > 0 } both)
            throw new FormatException($"[{string.Join(' ', both)}] in enable-admission-plugins and disable-admission-plugins overlapped");
        return new([.. OnByDefault.Concat(on).Except(off)]);
    }

    private static List<string> Names(IEnumerable<string> texts, string flag)
    {
        var names = texts.SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Distinct().ToList();
        return names.FirstOrDefault(n => !OnByDefault.Contains(n) && !OffByDefault.Contains(n)) is { } unknown ? throw new FormatException($"{flag} plugin \"{unknown}\" is unknown") : names;
    }
}
