using Timonier.Api.Rbac.V1;

namespace Timonier.ApiServer.Authorization;

/// <summary>A PolicyRule ready to be asked.</summary>
internal sealed class CompiledRule(PolicyRule rule)
{
    public const string All = "*";

    private readonly bool _anyVerb = rule.Verbs.Contains(All);
    private readonly bool _anyGroup = rule.ApiGroups.Contains(All);
    private readonly bool _anyResource = rule.Resources.Contains(All);

    public PolicyRule Rule => rule;

    public bool Allows(AuthorizationAttributes asked)
    {
        if (!_anyVerb && !Has(rule.Verbs, asked.Verb))
            return false;
        if (!asked.IsResource)
            return AllowsUrl(asked.Path);
        return (_anyGroup || Has(rule.ApiGroups, asked.Group))
            && (_anyResource || AllowsResource(asked.Resource, asked.Subresource))
            && (rule.ResourceNames.Count == 0 || Has(rule.ResourceNames, asked.Name));
    }

    private bool AllowsResource(string resource, string subresource)
    {
        if (subresource.Length == 0)
            return Has(rule.Resources, resource);
        foreach (var allowed in rule.Resources)
        {
            var slash = allowed.IndexOf('/');
            if (slash > 0 && allowed.AsSpan(slash + 1).SequenceEqual(subresource) && (allowed.AsSpan(0, slash).SequenceEqual(resource) || allowed.AsSpan(0, slash) is All))
                return true;
        }
        return false;
    }

    private bool AllowsUrl(string path)
    {
        foreach (var url in rule.NonResourceURLs)
        {
            if (url == All || url == path || (url.EndsWith('*') && path.AsSpan().StartsWith(url.AsSpan(0, url.Length - 1))))
                return true;
        }
        return false;
    }

    private static bool Has(IReadOnlyList<string> values, string value)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] == value)
                return true;
        }
        return false;
    }
}
