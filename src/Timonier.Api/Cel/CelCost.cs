using Timonier.Api.Json;

namespace Timonier.Api.Cel;

/// <summary>
/// Estimates what an expression costs at worst, before any value is known. Source: cel-go checker/cost.go, and for Kubernetes' functions
/// apiserver cel/library/cost.go. Sums saturate.
/// </summary>
internal sealed class CelCost
{
    /// <summary>Nothing is known of the size.</summary>
    private const ulong Unbounded = ulong.MaxValue;

    /// <summary>A character costs a tenth of an operation; a pattern is guessed to have an element for each four of its characters.</summary>
    private const double PerCharacter = 0.1, PerPatternCharacter = 0.25;

    private const ulong Check = 350_000;

    private readonly Dictionary<CelExpr, ulong> _sizes = [];
    private readonly List<(string Name, ulong Size)> _scope = [];

    private CelCost() { }

    public static ulong Of(CelExpr expression) => new CelCost().Cost(expression);

    private ulong Cost(CelExpr expression) => expression switch
    {
        IdentExpr => 1,
        SelectExpr { QualifiedName: not null } => 1,
        SelectExpr { IsTest: true } test => Cost(test.Operand),
        SelectExpr select => Add(Cost(select.Operand), 1),
        ListExpr list => list.Items.Aggregate(10UL, (sum, i) => Add(sum, Cost(i.Item))),
        MapExpr map => map.Entries.Aggregate(30UL, (sum, e) => Add(sum, Add(Cost(e.Key), Cost(e.Value)))),
        StructExpr literal => literal.Fields.Aggregate(40UL, (sum, f) => Add(sum, Cost(f.Value))),
        FoldExpr fold => Fold(fold),
        CallExpr call => Call(call),
        _ => 0,
    };

    /// <summary>Characters, bytes or entries at most.</summary>
    private ulong Size(CelExpr expression)
    {
        if (_sizes.TryGetValue(expression, out var known))
            return known;
        switch (expression)
        {
            case LiteralExpr { Value: string text }: return (ulong)text.Length;
            case LiteralExpr { Value: byte[] bytes }: return (ulong)bytes.Length;
            case ListExpr list: return (ulong)list.Items.Count;
            case MapExpr map: return (ulong)map.Entries.Count;
            case IdentExpr ident when _scope.FindLast(v => v.Name == ident.Name) is { Name: not null } variable: return variable.Size;
        }
        return Size(expression.Type);
    }

    private static ulong Size(CelType type) => type.SizeMax is { } max ? (ulong)Math.Max(0, max) : type.Kind switch
    {
        CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Duration or CelKind.Timestamp or CelKind.Null or CelKind.Type => 1,
        CelKind.Optional => Size(type.First!),
        // A struct's own fields count where they are read.
        CelKind.Object => 0,
        _ => Unbounded,
    };

    private ulong Call(CallExpr call)
    {
        var arguments = call.Arguments.Select(Cost).ToList();
        var sum = Add(arguments.Aggregate(0UL, Add), call.Target is null ? 0 : Cost(call.Target));
        switch (call.Function)
        {
            case "_&&_" or "_||_":
                return sum;
            case "_?_:_":
                _sizes[call] = Math.Max(Size(call.Arguments[1]), Size(call.Arguments[2]));
                return Add(arguments[0], Math.Max(arguments[1], arguments[2]));
            default:
                return Add(sum, Own(call));
        }
    }

    /// <summary>Of the call itself, without its operands.</summary>
    private ulong Own(CallExpr call)
    {
        CelExpr? first = call.Target ?? call.Arguments.FirstOrDefault(), second = call.Target is null ? call.Arguments.ElementAtOrDefault(1) : call.Arguments.FirstOrDefault();
        switch (call.Function)
        {
            case "_==_" or "_!=_" or "_<_" or "_<=_" or "_>_" or "_>=_":
                return Times(Math.Min(Size(first!), Size(second!)), PerCharacter);
            case "@in":
                return call.Arguments[1].Type.Kind == CelKind.Map ? 1 : Size(call.Arguments[1]);
            case "_+_" when first!.Type.Kind is CelKind.String or CelKind.Bytes:
                return Times(_sizes[call] = Add(Size(first), Size(second!)), PerCharacter);
            case "_+_" when first!.Type.Kind == CelKind.List:
                _sizes[call] = Add(Size(first), Size(second!));
                return 1;
            case "startsWith" or "endsWith" when second is not null:
                return Times(Size(second), PerCharacter);
            case "contains" when second is not null && call.Target is not null:
                return Product(Times(Size(first!), PerCharacter), Times(Size(second), PerCharacter));
            case "matches" or "find" or "findAll" when second is not null:
                _sizes[call] = Size(first!);
                return Product(Times(Add(Size(first!), 1), PerCharacter), Times(Size(second), PerPatternCharacter));
            case "check":
                return Check;
            default:
                return first is null ? 1 : OfLibrary(call, first, second);
        }
    }

    private ulong OfLibrary(CallExpr call, CelExpr first, CelExpr? second)
    {
        var size = Size(first);
        switch (call.Function)
        {
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" or "distinct" or "sort" or "reverse" or "slice" or "flatten" when first.Type.Kind == CelKind.List:
                var element = first.Type.First!;
                _sizes[call] = size;
                return Product(size, element.Kind is CelKind.String or CelKind.Bytes ? Add(1, Times(Size(element), PerCharacter)) : 1);
            case "indexOf" or "lastIndexOf" or "url" or "isURL" or "isIP" or "isCIDR" or "ip" or "cidr" or "quantity" or "isQuantity" or "semver" or "isSemver" or "format" or "validate" or "bytes" or "string" when size != Unbounded || first.Type.Kind is CelKind.String or CelKind.Bytes:
                _sizes[call] = size;
                return Times(size, PerCharacter);
            case "lowerAscii" or "upperAscii" or "substring" or "trim" or "reverse" or "charAt":
                _sizes[call] = size;
                return Times(size, PerCharacter);
            case "replace" when call.Arguments.Count >= 2:
                _sizes[call] = Product(Add(size, 1), Math.Max(1, Size(call.Arguments[1])));
                return Times(size, 2 * PerCharacter);
            case "split":
                _sizes[call] = size;
                return Times(size, 2 * PerCharacter);
            case "join":
                var all = Product(size, Add(Size(first.Type.First ?? CelType.Dyn), second is null ? 0 : Size(second)));
                _sizes[call] = all;
                return Times(all, PerCharacter);
            case "sets.contains" or "sets.intersects" when second is not null:
                return Product(size, Size(second));
            case "sets.equivalent" when second is not null:
                return Product(2, Product(size, Size(second)));
            default:
                return 1;
        }
    }

    /// <summary>What cel-go's macros expand to: the loop's own bookkeeping is part of the cost.</summary>
    private ulong Fold(FoldExpr fold)
    {
        var range = Cost(fold.Range);
        var size = Size(fold.Range);
        var depth = _scope.Count;
        var type = fold.Range.Type;
        var list = type.Kind == CelKind.List;
        _scope.Add((fold.Variable, fold.Kind is FoldKind.Bind ? size : fold.Second is not null && list ? 1 : list ? Size(type.First!) : type.Kind == CelKind.Map ? 0 : Unbounded));
        if (fold.Second is not null)
            _scope.Add((fold.Second, list ? Size(type.First!) : type.Kind == CelKind.Map ? Size(type.Second!) : Unbounded));
        var condition = fold.Condition is null ? 0 : Cost(fold.Condition);
        var result = fold.Result is null ? 0 : Cost(fold.Result);
        if (fold.Result is not null && fold.Kind is FoldKind.Bind or FoldKind.OptionalFlatMap)
            _sizes[fold] = Size(fold.Result);
        else
            _sizes[fold] = size;
        _scope.RemoveRange(depth, _scope.Count - depth);
        return fold.Kind switch
        {
            FoldKind.Bind or FoldKind.OptionalMap or FoldKind.OptionalFlatMap => Add(Add(range, 10), result),
            FoldKind.All => Add(Add(range, 1), Product(size, Add(condition, 3))),
            FoldKind.Exists => Add(Add(range, 1), Product(size, Add(condition, 4))),
            FoldKind.ExistsOne => Add(Add(range, 2), Product(size, Add(condition, 2))),
            FoldKind.Filter => Add(Add(range, 11), Product(size, Add(condition, 13))),
            FoldKind.TransformMap or FoldKind.TransformMapEntry => Add(Add(range, 31), Product(size, Add(Add(condition, result), 33))),
            _ => Add(Add(range, 11), Product(size, Add(Add(condition, result), 12))),
        };
    }

    private static ulong Add(ulong a, ulong b) => a > ulong.MaxValue - b ? ulong.MaxValue : a + b;

    private static ulong Times(ulong a, double factor) => a == Unbounded ? Unbounded : (ulong)Math.Ceiling(a * factor);

    internal static ulong Product(ulong a, ulong b) => a == 0 || b == 0 ? 0 : a > ulong.MaxValue / b ? ulong.MaxValue : a * b;
}
