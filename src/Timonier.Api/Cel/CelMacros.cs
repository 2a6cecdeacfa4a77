namespace Timonier.Api.Cel;

/// <summary>Turns calls that are macros into their nodes; any other call stays one.</summary>
internal static class CelMacros
{
    public static CelExpr Expand(int position, string name, CelExpr? target, List<CelExpr> arguments)
    {
        if (target is null && name == "has" && arguments.Count == 1)
        {
            return arguments[0] is SelectExpr { IsTest: false } select
                ? new SelectExpr(select.Position, select.Operand, select.Field, isTest: true, select.IsOptional)
                : throw CelLexer.Fault(position, "invalid argument to has() macro");
        }
        if (target is IdentExpr { Name: "cel" } && name == "bind" && arguments.Count == 3)
            return new FoldExpr(position, FoldKind.Bind, arguments[1], Variable(arguments[0]), null, null, arguments[2]);
        if (target is null || Fold(name, arguments.Count) is not { } kind)
            return new CallExpr(position, name, target, arguments);
        switch (kind)
        {
            case FoldKind.All or FoldKind.Exists or FoldKind.ExistsOne or FoldKind.Filter:
                return arguments.Count == 2
                    ? new FoldExpr(position, kind, target, Variable(arguments[0]), null, arguments[1], null)
                    : new FoldExpr(position, kind, target, Variable(arguments[0]), Variable(arguments[1]), arguments[2], null);
            case FoldKind.Map when arguments.Count == 2:
            case FoldKind.SortBy or FoldKind.OptionalMap or FoldKind.OptionalFlatMap:
                return new FoldExpr(position, kind, target, Variable(arguments[0]), null, null, arguments[1]);
            case FoldKind.Map:
                return new FoldExpr(position, kind, target, Variable(arguments[0]), null, arguments[1], arguments[2]);
            default:
                return new FoldExpr(position, kind, target, Variable(arguments[0]), Variable(arguments[1]), arguments.Count == 4 ? arguments[2] : null, arguments[^1]);
        }
    }

    private static FoldKind? Fold(string name, int count) => (name, count) switch
    {
        ("all", 2 or 3) => FoldKind.All,
        ("exists", 2 or 3) => FoldKind.Exists,
        ("exists_one", 2) or ("existsOne", 2 or 3) => FoldKind.ExistsOne,
        ("map", 2 or 3) => FoldKind.Map,
        ("filter", 2) => FoldKind.Filter,
        ("transformList", 3 or 4) => FoldKind.TransformList,
        ("transformMap", 3 or 4) => FoldKind.TransformMap,
        ("transformMapEntry", 3 or 4) => FoldKind.TransformMapEntry,
        ("sortBy", 2) => FoldKind.SortBy,
        ("optMap", 2) => FoldKind.OptionalMap,
        ("optFlatMap", 2) => FoldKind.OptionalFlatMap,
        _ => null,
    };

    private static string Variable(CelExpr expression) =>
        expression is IdentExpr ident ? ident.Name : throw CelLexer.Fault(expression.Position, "argument must be a simple name");
}
