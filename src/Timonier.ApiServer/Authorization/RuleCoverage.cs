using Timonier.Api.Rbac.V1;

namespace Timonier.ApiServer.Authorization;

/// <summary>Do some rules grant all that others grant? Nobody may give away what they do not hold.</summary>
internal static class RuleCoverage
{
    /// <summary>The parts of <paramref name="wanted"/> that <paramref name="held"/> does not grant, each with one verb, group and resource.</summary>
    public static List<PolicyRule> Missing(IReadOnlyCollection<PolicyRule> held, IEnumerable<PolicyRule> wanted) =>
        [.. wanted.SelectMany(Split).Where(part => !held.Any(rule => Covers(rule, part)))];

    private static IEnumerable<PolicyRule> Split(PolicyRule rule)
    {
        foreach (var verb in rule.Verbs)
        {
            foreach (var group in rule.ApiGroups)
            {
                foreach (var resource in rule.Resources)
                {
                    var part = new PolicyRule { Verbs = [verb], ApiGroups = [group], Resources = [resource] };
                    if (rule.ResourceNames.Count == 0)
                        yield return part;
                    foreach (var name in rule.ResourceNames)
                        yield return part with { ResourceNames = [name] };
                }
            }
            foreach (var url in rule.NonResourceURLs)
                yield return new PolicyRule { Verbs = [verb], NonResourceURLs = [url] };
        }
    }

    private static bool Covers(PolicyRule held, PolicyRule part)
    {
        if (!HasOrAll(held.Verbs, part.Verbs[0]))
            return false;
        if (part.NonResourceURLs.Count > 0)
            return held.NonResourceURLs.Any(url => url == part.NonResourceURLs[0] || (url.EndsWith('*') && part.NonResourceURLs[0].StartsWith(url[..^1], StringComparison.Ordinal)));
        return HasOrAll(held.ApiGroups, part.ApiGroups[0])
            && CoversResource(held.Resources, part.Resources[0])
            && (held.ResourceNames.Count == 0 || (part.ResourceNames.Count > 0 && held.ResourceNames.Contains(part.ResourceNames[0])));
    }

    private static bool CoversResource(IReadOnlyList<string> held, string resource)
    {
        if (HasOrAll(held, resource))
            return true;
        var slash = resource.IndexOf('/');
        return slash >= 0 && held.Contains("*" + resource[slash..]);
    }

    private static bool HasOrAll(IReadOnlyList<string> values, string value) => values.Contains(CompiledRule.All) || values.Contains(value);
}
