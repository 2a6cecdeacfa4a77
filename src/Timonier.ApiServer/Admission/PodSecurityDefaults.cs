using Timonier.Api.Json;

namespace Timonier.ApiServer.Admission;

/// <summary>What holds where a namespace's labels say nothing, and who and what is exempt (PodSecurityConfiguration).</summary>
public sealed record PodSecurityDefaults
{
    /// <summary>By mode ("enforce", "enforce-version", "audit", ...): a level or a version.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlySet<string> ExemptUsers { get; init; } = new HashSet<string>();

    public IReadOnlySet<string> ExemptRuntimeClasses { get; init; } = new HashSet<string>();

    public IReadOnlySet<string> ExemptNamespaces { get; init; } = new HashSet<string>();

    /// <exception cref="FormatException">A level or a version is none.</exception>
    internal static PodSecurityDefaults Read(JsonMap map)
    {
        var defaults = (map.GetMap("defaults") ?? []).ToDictionary(d => d.Key, d => d.Value as string ?? "", StringComparer.Ordinal);
        foreach (var (mode, value) in defaults)
        {
            var isVersion = mode.EndsWith("-version", StringComparison.Ordinal);
            if ((isVersion ? mode[..^"-version".Length] : mode) is not ("enforce" or "audit" or "warn"))
                throw new FormatException($"defaults.{mode}: unknown field");
            if (isVersion ? !PodSecurity.IsVersion(value) : !PodSecurity.IsLevel(value))
                throw new FormatException($"defaults.{mode}: Invalid value: \"{value}\": {(isVersion ? "must be \"latest\" or \"v1.x\"" : "must be one of privileged, baseline, restricted")}");
        }
        var exemptions = map.GetMap("exemptions") ?? [];
        return new()
        {
            Labels = defaults, ExemptUsers = Names(exemptions, "usernames"), ExemptRuntimeClasses = Names(exemptions, "runtimeClasses"), ExemptNamespaces = Names(exemptions, "namespaces"),
        };
    }

    private static HashSet<string> Names(JsonMap exemptions, string key) => [.. (exemptions.GetList(key) ?? []).OfType<string>()];
}
