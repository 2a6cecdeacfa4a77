namespace Timonier.ApiServer.Authorization;

/// <summary>Role-based access control. Only ever allows: what no rule grants is left to others, and in the end refused.</summary>
public sealed class RbacAuthorizer(RbacIndex index) : IAuthorizer
{
    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) => new(Decide(attributes));

    private Verdict Decide(AuthorizationAttributes attributes)
    {
        foreach (var role in index.RolesFor(attributes.User, attributes.Namespace))
        {
            foreach (var rule in index.RulesOf(role))
            {
                if (rule.Allows(attributes))
                    return new(Decision.Allow, role.Reason);
            }
        }
        // Only a refusal pays for finding out which bindings lead nowhere.
        var missing = new List<string>();
        foreach (var role in index.RolesFor(attributes.User, attributes.Namespace))
            index.RulesOf(role, missing);
        return new(Decision.NoOpinion, missing.Count switch
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

    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) =>
        new(new Verdict(attributes.User.Groups.Contains(Masters) ? Decision.Allow : Decision.NoOpinion));
}

/// <summary>One answer to everything: the modes AlwaysAllow and AlwaysDeny.</summary>
public sealed class FixedAuthorizer(Verdict verdict) : IAuthorizer
{
    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) => new(verdict);
}

/// <summary>Several authorizers as one: the first with an opinion decides. What kept an earlier one from having one is told when nobody decides.</summary>
public sealed class Authorizers(IReadOnlyList<IAuthorizer> authorizers) : IAuthorizer
{
    // An array: walking it costs a request nothing.
    private readonly IAuthorizer[] _authorizers = [.. authorizers];

    public async ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default)
    {
        string reasons = "", errors = "";
        foreach (var authorizer in _authorizers)
        {
            var verdict = await authorizer.AuthorizeAsync(attributes, cancel);
            if (verdict.Decision != Decision.NoOpinion)
                return verdict;
            reasons = Join(reasons, verdict.Reason, "\n");
            errors = Join(errors, verdict.Error, ", ");
        }
        return new(Decision.NoOpinion, reasons, errors);
    }

    private static string Join(string all, string one, string separator) => one.Length == 0 ? all : all.Length == 0 ? one : all + separator + one;
}
