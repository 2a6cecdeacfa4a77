namespace Timonier.ApiServer.Authorization;

/// <summary>Role-based access control. Only ever allows: what no rule grants is left to others, and in the end refused.</summary>
public sealed class RbacAuthorizer(RbacIndex index) : IAuthorizer
{
    public (Decision Decision, string Reason) Authorize(AuthorizationAttributes attributes)
    {
        foreach (var role in index.RolesFor(attributes.User, attributes.Namespace))
        {
            foreach (var rule in index.RulesOf(role))
            {
                if (rule.Allows(attributes))
                    return (Decision.Allow, role.Reason);
            }
        }
        // Only a refusal pays for finding out which bindings lead nowhere.
        var missing = new List<string>();
        foreach (var role in index.RolesFor(attributes.User, attributes.Namespace))
            index.RulesOf(role, missing);
        return (Decision.NoOpinion, missing.Count switch
        {
            0 => "",
            1 => "RBAC: " + missing[0],
            _ => $"RBAC: [{string.Join(", ", missing.Distinct())}]",
        });
    }
}

/// <summary>The group that may do everything, even without any role in the store.</summary>
public sealed class MastersAuthorizer : IAuthorizer
{
    public const string Masters = "system:masters";

    public (Decision Decision, string Reason) Authorize(AuthorizationAttributes attributes) =>
        (attributes.User.Groups.Contains(Masters) ? Decision.Allow : Decision.NoOpinion, "");
}

/// <summary>Several authorizers as one: the first with an opinion decides.</summary>
public sealed class Authorizers(IReadOnlyList<IAuthorizer> authorizers) : IAuthorizer
{
    public (Decision Decision, string Reason) Authorize(AuthorizationAttributes attributes)
    {
        var reasons = "";
        foreach (var authorizer in authorizers)
        {
            var (decision, reason) = authorizer.Authorize(attributes);
            if (decision != Decision.NoOpinion)
                return (decision, reason);
            if (reason.Length > 0)
                reasons = reasons.Length == 0 ? reason : reasons + "\n" + reason;
        }
        return (Decision.NoOpinion, reasons);
    }
}
