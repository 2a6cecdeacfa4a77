using Timonier.Api.Cel;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authorization.Webhooks;

/// <summary>A CEL expression over the variable "request", a SubjectAccessReview's spec, that says whether a webhook is asked. Source: apiserver authorization/cel.</summary>
public sealed class MatchExpression
{
    private static readonly CelType Requirements = CelType.List(Fields("kubernetes.SelectorRequirement", ("key", CelType.String), ("operator", CelType.String), ("values", CelType.List(CelType.String))));
    private static readonly CelType Selector = Fields("kubernetes.Selector", ("rawSelector", CelType.String), ("requirements", Requirements));

    private static readonly CelType Request = Fields("kubernetes.SubjectAccessReviewSpec",
        ("resourceAttributes", Fields("kubernetes.ResourceAttributes",
            ("namespace", CelType.String), ("verb", CelType.String), ("group", CelType.String), ("version", CelType.String), ("resource", CelType.String), ("subresource", CelType.String), ("name", CelType.String),
            ("fieldSelector", Selector), ("labelSelector", Selector))),
        ("nonResourceAttributes", Fields("kubernetes.NonResourceAttributes", ("path", CelType.String), ("verb", CelType.String))),
        ("user", CelType.String), ("groups", CelType.List(CelType.String)), ("extra", CelType.Map(CelType.String, CelType.List(CelType.String))), ("uid", CelType.String));

    private static readonly CelEnvironment Environment = new([("request", Request)]);

    private readonly CelProgram _program;

    private MatchExpression(CelProgram program) => _program = program;

    /// <exception cref="CelException">It does not compile, or not to a bool.</exception>
    public static MatchExpression Compile(string source) => new(CelProgram.Compile(source, Environment, CelType.Bool));

    /// <summary>Do all hold? Asked in order; the first that does not decides, also behind one that fails.</summary>
    /// <param name="spec">In its full form.</param>
    /// <exception cref="CelException">One failed, and none is false.</exception>
    public static bool All(IReadOnlyList<MatchExpression> expressions, JsonMap spec)
    {
        CelException? failure = null;
        foreach (var expression in expressions)
        {
            try
            {
                if (expression._program.Evaluate(_ => spec, new CelBudget(CelBudget.PerCall)) is not true)
                    return false;
            }
            catch (CelException e)
            {
                failure ??= new CelException($"cel evaluation error: expression '{expression._program.Source}' resulted in error: {e.Message}");
            }
        }
        return failure is null ? true : throw failure;
    }

    private static CelType Fields(string name, params (string Name, CelType Type)[] fields)
    {
        var types = fields.ToDictionary(f => f.Name, f => f.Type);
        return CelType.Object(name, types.GetValueOrDefault);
    }
}
