using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>A FlowSchema ready to be asked whether a request is one of its own, with the counters of what it let in.</summary>
internal sealed class FlowRule(FlowSchema schema)
{
    private const string All = "*";

    private readonly PolicyRulesWithSubjects[] _rules = [.. schema.Spec.Rules];
    private readonly string? _distinguisher = schema.Spec.DistinguisherMethod?.Type;
    private readonly ulong _seed = ShuffleDealer.Hash(ShuffleDealer.HashStart, schema.Metadata.Name);

    public string Name { get; } = schema.Metadata.Name;

    public string Uid { get; } = schema.Metadata.Uid;

    public string Level { get; } = schema.Spec.PriorityLevelConfiguration.Name;

    public long Precedence { get; } = schema.Spec.MatchingPrecedence;

    public bool Matches(RequestInfo request, UserInfo user)
    {
        foreach (var rule in _rules)
        {
            if (IsSubject(rule.Subjects, user) && (request.IsResource ? HasResource(rule.ResourceRules, request) : HasUrl(rule.NonResourceRules, request)))
                return true;
        }
        return false;
    }

    /// <summary>The flow within the schema that the request belongs to: requests of one flow share a hand of queues.</summary>
    public ulong FlowOf(string distinguisher) => distinguisher.Length == 0 ? _seed : ShuffleDealer.Hash(_seed, distinguisher);

    /// <summary>What tells the flows of the schema apart; empty: nothing does, or for this request it is empty.</summary>
    public string DistinguisherOf(RequestInfo request, UserInfo user) => _distinguisher switch
    {
        "ByUser" => user.Name,
        "ByNamespace" => request.Namespace,
        _ => "",
    };

    private static bool IsSubject(IReadOnlyList<Subject> subjects, UserInfo user)
    {
        for (var i = 0; i < subjects.Count; i++)
        {
            if (IsSubject(subjects[i], user))
                return true;
        }
        return false;
    }

    private static bool IsSubject(Subject subject, UserInfo user)
    {
        switch (subject.Kind)
        {
            case "User":
                return subject.User?.Name is { } name && (name == All || name == user.Name);
            case "Group":
                return subject.Group?.Name is { } group && (group == All || Has(user.Groups, group));
            case "ServiceAccount" when subject.ServiceAccount is { } account:
                const string Prefix = "system:serviceaccount:";
                var rest = user.Name.AsSpan();
                return rest.StartsWith(Prefix, StringComparison.Ordinal)
                    && rest[Prefix.Length..] is var full && full.Length > account.Namespace.Length
                    && full.StartsWith(account.Namespace, StringComparison.Ordinal) && full[account.Namespace.Length] == ':'
                    && (account.Name == All || full[(account.Namespace.Length + 1)..].SequenceEqual(account.Name));
            default:
                return false;
        }
    }

    private static bool HasResource(IReadOnlyList<ResourcePolicyRule> rules, RequestInfo request)
    {
        for (var i = 0; i < rules.Count; i++)
        {
            var rule = rules[i];
            if (HasOrAll(rule.Verbs, request.Verb) && HasOrAll(rule.ApiGroups, request.Group) && HasResource(rule, request)
                && (request.Namespace.Length == 0 ? rule.ClusterScope == true : HasOrAll(rule.Namespaces, request.Namespace)))
                return true;
        }
        return false;
    }

    private static bool HasResource(ResourcePolicyRule rule, RequestInfo request)
    {
        if (request.Subresource.Length == 0)
            return HasOrAll(rule.Resources, request.Resource);
        for (var i = 0; i < rule.Resources.Count; i++)
        {
            var one = rule.Resources[i].AsSpan();
            if (one is All || (one.Length == request.Resource.Length + 1 + request.Subresource.Length && one.StartsWith(request.Resource, StringComparison.Ordinal)
                && one[request.Resource.Length] == '/' && one.EndsWith(request.Subresource, StringComparison.Ordinal)))
                return true;
        }
        return false;
    }

    private static bool HasUrl(IReadOnlyList<NonResourcePolicyRule> rules, RequestInfo request)
    {
        for (var i = 0; i < rules.Count; i++)
        {
            if (!HasOrAll(rules[i].Verbs, request.Verb))
                continue;
            for (var u = 0; u < rules[i].NonResourceURLs.Count; u++)
            {
                var url = rules[i].NonResourceURLs[u];
                if (url == All || url == request.Path || (url.EndsWith("/*", StringComparison.Ordinal) && request.Path.AsSpan().StartsWith(url.AsSpan(0, url.Length - 1))))
                    return true;
            }
        }
        return false;
    }

    private static bool HasOrAll(IReadOnlyList<string> values, string value) => Has(values, All) || Has(values, value);

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
