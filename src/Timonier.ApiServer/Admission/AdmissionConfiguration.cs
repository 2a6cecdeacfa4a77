using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Admission.Optional;

namespace Timonier.ApiServer.Admission;

/// <summary>What the file of --admission-control-config-file says of single steps (AdmissionConfiguration, apiserver.config.k8s.io/v1).</summary>
public sealed record AdmissionConfiguration
{
    public PodSecurityDefaults PodSecurity { get; init; } = new();

    public IReadOnlyList<EventLimit> EventLimits { get; init; } = [];

    /// <param name="readFile">The text of a file that a plugin's path names.</param>
    /// <exception cref="FormatException">With what is wrong.</exception>
    public static AdmissionConfiguration Parse(string text, Func<string, string> readFile)
    {
        var root = Map(text, "AdmissionConfiguration", "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1");
        var result = new AdmissionConfiguration();
        foreach (var plugin in (root.GetList("plugins") ?? []).OfType<JsonMap>())
        {
            var name = plugin.GetString("name") ?? "";
            var own = plugin.GetMap("configuration") ?? (plugin.GetString("path") is { Length: > 0 } path ? Map(readFile(path)) : []);
            result = name switch
            {
                "PodSecurity" => result with { PodSecurity = PodSecurityDefaults.Read(OfKind(own, "PodSecurityConfiguration", "pod-security.admission.config.k8s.io/v1", "pod-security.admission.config.k8s.io/v1beta1")) },
                "EventRateLimit" => result with { EventLimits = EventLimit.Read(OfKind(own, "Configuration", "eventratelimit.admission.k8s.io/v1alpha1")) },
                // Taken over by nobody: to accept it would be to promise what does not happen.
                _ => throw new FormatException($"plugin \"{name}\" takes no configuration here"),
            };
        }
        return result;
    }

    private static JsonMap Map(string text, string kind, params ReadOnlySpan<string> versions) => OfKind(Map(text), kind, versions);

    private static JsonMap Map(string text) => YamlReader.Read(text) as JsonMap ?? throw new FormatException("an object is wanted");

    private static JsonMap OfKind(JsonMap map, string kind, params ReadOnlySpan<string> versions) =>
        map.GetString("kind") == kind && versions.Contains(map.GetString("apiVersion") ?? "") ? map : throw new FormatException($"the kind {kind} of {versions[0]} is wanted");
}
