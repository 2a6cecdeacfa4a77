using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Audit;

/// <summary>One rule of a policy: what it asks of a request is a conjunction, an empty list asks nothing.</summary>
internal sealed class AuditRule
{
    private static readonly string[] StageNames = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

    private HashSet<string> _users = [], _groups = [], _verbs = [], _namespaces = [];
    private List<string> _paths = [];
    private List<AuditResources> _resources = [];

    public AuditDecision Decision { get; private set; }

    public static AuditRule Parse(JsonMap rule, string at, AuditStages omitted, bool omitFields, FieldErrors errors)
    {
        if (!Enum.TryParse<AuditLevel>(rule.GetString("level"), out var level) || !Enum.IsDefined(level))
        {
            if (rule.GetString("level") is { Length: > 0 } other)
                errors.NotSupported(at + ".level", other, ["Metadata", "None", "Request", "RequestResponse"]);
            else
                errors.Required(at + ".level", "");
        }
        var result = new AuditRule
        {
            _users = Set(rule, "users"), _groups = Set(rule, "userGroups"), _verbs = Set(rule, "verbs"), _namespaces = Set(rule, "namespaces"), _paths = Texts(rule, "nonResourceURLs"),
            _resources = [.. (rule.GetList("resources") ?? []).OfType<JsonMap>().Select(r => new AuditResources(r.GetString("group") ?? "", Texts(r, "resources"), Texts(r, "resourceNames")))],
            Decision = new AuditDecision(level, omitted | Stages(rule, at + ".", errors), rule.GetBool("omitManagedFields") ?? omitFields),
        };
        result.Check(at, errors);
        return result;
    }

    /// <summary>The stages that omitStages lists.</summary>
    public static AuditStages Stages(JsonMap map, string at, FieldErrors errors)
    {
        var stages = AuditStages.None;
        foreach (var (text, i) in Texts(map, "omitStages").Select((t, i) => (t, i)))
        {
            if (StageNames.Contains(text))
                stages |= Enum.Parse<AuditStages>(text);
            else
                errors.Invalid($"{at}omitStages[{i}]", text, "allowed stages are " + string.Join(",", StageNames));
        }
        return stages;
    }

    public bool Matches(RequestInfo info, UserInfo? user)
    {
        if (_users.Count > 0 && (user is null || !_users.Contains(user.Name)))
            return false;
        if (_groups.Count > 0 && (user is null || !user.Groups.Any(_groups.Contains)))
            return false;
        if (_verbs.Count > 0 && !_verbs.Contains(info.Verb))
            return false;
        if (_namespaces.Count > 0 || _resources.Count > 0)
            return info.IsResource && (_namespaces.Count == 0 || _namespaces.Contains(info.Namespace)) && (_resources.Count == 0 || _resources.Any(r => r.Match(info)));
        return _paths.Count == 0 || (!info.IsResource && _paths.Any(p => p == "*" || p == info.Path || (p.EndsWith('*') && info.Path.StartsWith(p[..^1], StringComparison.Ordinal))));
    }

    private void Check(string at, FieldErrors errors)
    {
        for (var i = 0; i < _paths.Count; i++)
        {
            if (_paths[i] != "*" && !_paths[i].StartsWith('/'))
                errors.Invalid($"{at}.nonResourceURLs[{i}]", _paths[i], "non-resource URL rules must begin with a '/' character");
            if (_paths[i].IndexOf('*') is var star && star >= 0 && star < _paths[i].Length - 1)
                errors.Invalid($"{at}.nonResourceURLs[{i}]", _paths[i], "non-resource URL wildcards '*' must be the final character of the rule");
        }
        if (_paths.Count > 0 && (_resources.Count > 0 || _namespaces.Count > 0))
            errors.Invalid(at + ".nonResourceURLs", string.Join(",", _paths), "rules cannot apply to both regular resources and non-resource URLs");
        foreach (var resources in _resources.Where(r => r.Names.Count > 0 && r.Resources.Count == 0))
            errors.Invalid(at + ".resources.resourceNames", string.Join(",", resources.Names), "using resourceNames requires at least one resource");
    }

    private static HashSet<string> Set(JsonMap map, string key) => new(Texts(map, key), StringComparer.Ordinal);

    private static List<string> Texts(JsonMap map, string key) => [.. (map.GetList(key) ?? []).OfType<string>()];
}

/// <summary>Resources of one API group: "pods", "pods/log", "pods/*", "*/status" or "*"; none: all of the group.</summary>
internal sealed record AuditResources(string Group, IReadOnlyList<string> Resources, IReadOnlyList<string> Names)
{
    public bool Match(RequestInfo info)
    {
        if (info.Group != Group)
            return false;
        if (Resources.Count == 0)
            return true;
        if (Names.Count > 0 && !Names.Contains(info.Name))
            return false;
        var combined = info.Subresource.Length > 0 ? $"{info.Resource}/{info.Subresource}" : info.Resource;
        return Resources.Any(r => r == "*" || r == combined || (info.Subresource.Length > 0 && r == "*/" + info.Subresource) || r == info.Resource + "/*");
    }
}
