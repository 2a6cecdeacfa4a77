namespace Timonier.Api.Cel.Library;

/// <summary>One question that an expression asks of the authorizer.</summary>
public sealed record CelAuthorizationCheck
{
    public string Verb { get; init; } = "";

    /// <summary>A non-resource path; empty for a resource.</summary>
    public string Path { get; init; } = "";
    public string Group { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    public string FieldSelector { get; init; } = "";
    public string LabelSelector { get; init; } = "";

    /// <summary>Ask for this service account rather than for the request's user: namespace and name; null for the user.</summary>
    public (string Namespace, string Name)? ServiceAccount { get; init; }
}

/// <summary>The value of the variable "authorizer".</summary>
/// <param name="decide">Answers a question: allowed, the reason, and an error's text or null. Called while the expression is evaluated.</param>
public sealed class CelAuthorizer(Func<CelAuthorizationCheck, (bool Allowed, string Reason, string? Error)> decide) : ICelOpaque
{
    /// <summary>The type to declare the variable with.</summary>
    public static CelType Type => KubernetesTypes.Authorizer;

    /// <summary>The type of the variable "authorizer.requestResource".</summary>
    public static CelType ResourceType => KubernetesTypes.ResourceCheck;

    public CelType CelType => KubernetesTypes.Authorizer;

    internal CelAuthorizationCheck Subject { get; init; } = new();

    internal (bool Allowed, string Reason, string? Error) Decide(CelAuthorizationCheck check) => decide(check);

    internal CelAuthorizer For(string ns, string name) => new(decide) { Subject = new() { ServiceAccount = (ns, name) } };

    /// <summary>The value of "authorizer.requestResource".</summary>
    public ICelOpaque ForResource(CelAuthorizationCheck resource) => new AuthorizerLibrary.Check(KubernetesTypes.ResourceCheck, this, resource);
}

/// <summary>authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed(), and its kin.</summary>
internal static class AuthorizerLibrary
{
    internal sealed record Check(CelType CelType, CelAuthorizer Authorizer, CelAuthorizationCheck Question) : ICelOpaque;

    private sealed record Decision(bool Allowed, string Reason, string? Error) : ICelOpaque
    {
        public CelType CelType => KubernetesTypes.Decision;
    }

    public static void AddTo(CelFunctions functions)
    {
        functions.Add("authorizer::path(string) pathCheck", a => Ask(a, KubernetesTypes.PathCheck, (q, text) => q with { Path = text }));
        functions.Add("authorizer::group(string) groupCheck", a => Ask(a, KubernetesTypes.GroupCheck, (q, text) => q with { Group = text }));
        functions.Add("authorizer::serviceAccount(string, string) authorizer", a => ((CelAuthorizer)a[0]!).For((string)a[1]!, (string)a[2]!));
        functions.Add("groupCheck::resource(string) resourceCheck", a => Refine(a, (q, text) => q with { Resource = text }));
        functions.Add("resourceCheck::subresource(string) resourceCheck", a => Refine(a, (q, text) => q with { Subresource = text }));
        functions.Add("resourceCheck::namespace(string) resourceCheck", a => Refine(a, (q, text) => q with { Namespace = text }));
        functions.Add("resourceCheck::name(string) resourceCheck", a => Refine(a, (q, text) => q with { Name = text }));
        functions.Add("resourceCheck::fieldSelector(string) resourceCheck", a => Refine(a, (q, text) => q with { FieldSelector = text }));
        functions.Add("resourceCheck::labelSelector(string) resourceCheck", a => Refine(a, (q, text) => q with { LabelSelector = text }));
        functions.Add("resourceCheck::check(string) decision", Decide);
        functions.Add("pathCheck::check(string) decision", Decide);
        functions.Add("decision::allowed() bool", a => ((Decision)a[0]!).Allowed);
        functions.Add("decision::reason() string", a => ((Decision)a[0]!).Reason);
        functions.Add("decision::errored() bool", a => ((Decision)a[0]!).Error is not null);
        functions.Add("decision::error() string", a => ((Decision)a[0]!).Error ?? "");
    }

    private static Check Ask(object?[] a, CelType type, Func<CelAuthorizationCheck, string, CelAuthorizationCheck> change)
    {
        var authorizer = (CelAuthorizer)a[0]!;
        return new Check(type, authorizer, change(authorizer.Subject, (string)a[1]!));
    }

    private static Check Refine(object?[] a, Func<CelAuthorizationCheck, string, CelAuthorizationCheck> change)
    {
        var check = (Check)a[0]!;
        return check with { CelType = KubernetesTypes.ResourceCheck, Question = change(check.Question, (string)a[1]!) };
    }

    private static Decision Decide(object?[] a)
    {
        var check = (Check)a[0]!;
        var (allowed, reason, error) = check.Authorizer.Decide(check.Question with { Verb = (string)a[1]! });
        return new Decision(allowed, reason, error);
    }
}
