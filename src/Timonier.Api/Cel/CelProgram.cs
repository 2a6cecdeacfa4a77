namespace Timonier.Api.Cel;

/// <summary>A compiled expression. Immutable; thread-safe.</summary>
public sealed class CelProgram
{
    private readonly CelExpr _expression;

    private CelProgram(string source, CelExpr expression) => (Source, _expression) = (source, expression);

    public string Source { get; }

    public CelType ResultType => _expression.Type;

    /// <summary>What an evaluation costs at most, from the sizes that the variables' types allow; in the units of <see cref="CelBudget"/>.</summary>
    public ulong EstimateCost() => CelCost.Of(_expression);

    /// <summary>Does the expression name this variable (or, for a dotted name, anything below it)?</summary>
    public bool Uses(string variable) => CelUses.Any(_expression, variable);

    /// <param name="expected">The type that the result must have; null: any.</param>
    /// <exception cref="CelException">Upstream's message: "ERROR: &lt;input&gt;:1:6: undefined field 'x'", the line, and a mark below.</exception>
    public static CelProgram Compile(string source, CelEnvironment environment, CelType? expected = null)
    {
        CelExpr expression;
        try
        {
            expression = CelParser.Parse(source);
        }
        catch (CelLexer.SyntaxFault fault)
        {
            throw new CelException(CelFaults.Format(source, fault.Position, fault.Message));
        }
        var faults = new CelFaults();
        var type = new CelChecker(environment, faults).Check(expression);
        if (faults.Any)
            throw new CelException(faults.ToText(source));
        if (expected is not null && !expected.Accepts(type))
            throw new CelException($"must evaluate to {expected}");
        return new CelProgram(source, expression);
    }

    /// <param name="variables">The value of a variable by its name; called at each use.</param>
    /// <returns>See <see cref="ToJson"/> for a form that JSON has.</returns>
    /// <exception cref="CelException">cel-go's message: "no such key: x", "divide by zero", or the budget is spent.</exception>
    public object? Evaluate(Func<string, object?> variables, CelBudget budget) => new CelRun(variables, budget).Evaluate(_expression);

    /// <summary>The result of an evaluation as a JSON tree.</summary>
    /// <exception cref="CelException">It has none.</exception>
    public static object? ToJson(object? result) => CelValues.ToJson(result);
}

internal static class CelUses
{
    public static bool Any(CelExpr? expression, string variable) => expression switch
    {
        IdentExpr ident => ident.Name == variable,
        SelectExpr select => select.QualifiedName == variable || Any(select.Operand, variable),
        CallExpr call => Any(call.Target, variable) || call.Arguments.Exists(a => Any(a, variable)),
        ListExpr list => list.Items.Exists(i => Any(i.Item, variable)),
        MapExpr map => map.Entries.Exists(e => Any(e.Key, variable) || Any(e.Value, variable)),
        StructExpr literal => literal.Fields.Exists(f => Any(f.Value, variable)),
        FoldExpr fold => Any(fold.Range, variable) || (fold.Variable != variable && fold.Second != variable && (Any(fold.Condition, variable) || Any(fold.Result, variable))),
        _ => false,
    };
}
