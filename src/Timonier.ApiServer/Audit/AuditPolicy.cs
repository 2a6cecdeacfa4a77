using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Audit;

/// <summary>How much of a request is recorded.</summary>
public enum AuditLevel { None, Metadata, Request, RequestResponse }

/// <summary>When an event is written.</summary>
[Flags]
public enum AuditStages { None = 0, RequestReceived = 1, ResponseStarted = 2, ResponseComplete = 4, Panic = 8 }

/// <summary>What the policy says of one request.</summary>
/// <param name="Omitted">The stages of which no event is written.</param>
public readonly record struct AuditDecision(AuditLevel Level, AuditStages Omitted, bool OmitManagedFields);

/// <summary>A policy file (audit.k8s.io/v1 Policy): the first rule that matches a request decides; without one nothing is recorded.</summary>
public sealed class AuditPolicy
{
    private readonly List<AuditRule> _rules;
    private readonly AuditStages _omitted;

    private AuditPolicy(List<AuditRule> rules, AuditStages omitted) => (_rules, _omitted) = (rules, omitted);

    /// <exception cref="FormatException">No policy; the message names every field that is wrong.</exception>
    public static AuditPolicy Parse(string text)
    {
        if (YamlReader.Read(text) is not JsonMap policy || policy.GetString("kind") != "Policy" || policy.GetString("apiVersion") is not ("audit.k8s.io/v1" or "audit.k8s.io/v1beta1"))
            throw new FormatException("an audit policy is wanted: apiVersion audit.k8s.io/v1, kind Policy");
        var rules = policy.GetList("rules")?.OfType<JsonMap>().ToList() ?? [];
        if (rules.Count == 0)
            throw new FormatException("loaded illegal policy with 0 rules");
        var errors = new FieldErrors();
        var omitted = AuditRule.Stages(policy, "", errors);
        var omitFields = policy.GetBool("omitManagedFields") == true;
        var parsed = rules.Select((rule, i) => AuditRule.Parse(rule, $"rules[{i}]", omitted, omitFields, errors)).ToList();
        if (errors.Any)
            throw new FormatException("invalid audit policy: " + string.Join(", ", errors.Errors.Select(e => $"{e.Field}: {e.Detail}")));
        return new AuditPolicy(parsed, omitted);
    }

    /// <param name="user">Null: nobody that authentication knows.</param>
    public AuditDecision Decide(RequestInfo info, UserInfo? user)
    {
        foreach (var rule in _rules)
        {
            if (rule.Matches(info, user))
                return rule.Decision;
        }
        return new AuditDecision(AuditLevel.None, _omitted, false);
    }
}
