namespace Timonier.Api.Cel;

/// <summary>
/// Gives every node its type and every call its possible overloads; what does not fit is reported as cel-go does. Where a type is
/// dyn the decision is left to the evaluation.
/// </summary>
internal sealed class CelChecker(CelEnvironment environment, CelFaults faults)
{
    private readonly List<(string Name, CelType Type)> _scope = [];

    public CelType Check(CelExpr expression) => expression.Type = expression switch
    {
        LiteralExpr literal => CelValues.TypeOf(literal.Value),
        IdentExpr ident => Ident(ident),
        SelectExpr select => Select(select),
        CallExpr call => Call(call),
        ListExpr list => List(list),
        MapExpr map => Map(map),
        StructExpr literal => Struct(literal),
        FoldExpr fold => Fold(fold),
        _ => CelType.Dyn,
    };

    private CelType Fault(CelExpr at, string message)
    {
        faults.Add(at.Position, message);
        return CelType.Dyn;
    }

    private CelType? FindVariable(string name)
    {
        for (var i = _scope.Count - 1; i >= 0; i--)
        {
            if (_scope[i].Name == name)
                return _scope[i].Type;
        }
        return environment.FindVariable(name);
    }

    private CelType Ident(IdentExpr ident) =>
        FindVariable(ident.Name) ?? (CelEnvironment.TypeNamed(ident.Name) is not null ? CelType.TypeType : Fault(ident, $"undeclared reference to '{ident.Name}' (in container '')"));

    /// <summary>No variable, type or function that we know has more parts: what is longer need not be put together for each of its parts again.</summary>
    private const int NamePartsMax = 4;

    /// <summary>a.b.c as one name, when it is nothing but names.</summary>
    private static string? QualifiedName(CelExpr expression, int parts = NamePartsMax) => expression switch
    {
        _ when parts == 0 => null,
        IdentExpr ident => ident.Name,
        SelectExpr { IsTest: false, IsOptional: false } select when QualifiedName(select.Operand, parts - 1) is { } prefix => $"{prefix}.{select.Field}",
        _ => null,
    };

    private CelType Select(SelectExpr select)
    {
        if (QualifiedName(select) is { } name && !_scope.Exists(v => name.StartsWith(v.Name + ".", StringComparison.Ordinal)))
        {
            if (environment.FindVariable(name) is { } variable)
            {
                select.QualifiedName = name;
                return variable;
            }
            if (FindVariable(name[..name.IndexOf('.')]) is null && CelEnvironment.TypeNamed(name) is not null)
            {
                select.QualifiedName = name;
                return CelType.TypeType;
            }
        }
        var operand = Check(select.Operand);
        var inner = operand.Kind == CelKind.Optional ? operand.First! : operand;
        var field = inner.Kind switch
        {
            CelKind.Dyn => CelType.Dyn,
            CelKind.Map => inner.Second!,
            CelKind.Object => inner.Field(CelNames.Unescape(select.Field)),
            _ => Fault(select, $"type '{inner}' does not support field selection"),
        };
        field ??= Fault(select, $"undefined field '{select.Field}'");
        if (select.IsTest)
            return CelType.Bool;
        return select.IsOptional || operand.Kind == CelKind.Optional ? CelType.Optional(field) : field;
    }

    private CelType Call(CallExpr call)
    {
        // sets.contains(a, b): a function with a dotted name, unless its first part is a variable.
        if (call.Target is not null && QualifiedName(call.Target) is { } prefix && FindVariable(prefix.Split('.')[0]) is null && CelEnvironment.Functions.Find($"{prefix}.{call.Function}").Count > 0)
        {
            call.Function = $"{prefix}.{call.Function}";
            call.Target = null;
        }
        var types = new List<CelType>();
        if (call.Target is not null)
            types.Add(Check(call.Target));
        foreach (var argument in call.Arguments)
            types.Add(Check(argument));
        return call.Function switch
        {
            "_&&_" or "_||_" => types.TrueForAll(t => CelType.Bool.Accepts(t)) ? CelType.Bool : NoOverload(call, types),
            "_?_:_" => !CelType.Bool.Accepts(types[0]) || !(types[1].Accepts(types[2]) || types[2].Accepts(types[1])) ? NoOverload(call, types) : CelType.Join(types[1], types[2]),
            "_==_" or "_!=_" => types[0].Accepts(types[1]) || types[1].Accepts(types[0]) ? CelType.Bool : NoOverload(call, types),
            "_[_]" => Index(call, types[0], types[1], types),
            "_[?_]" => CelType.Optional(Index(call, types[0].Kind == CelKind.Optional ? types[0].First! : types[0], types[1], types)),
            _ => Resolve(call, types),
        };
    }

    private CelType Index(CallExpr call, CelType operand, CelType key, List<CelType> types) => operand.Kind switch
    {
        CelKind.Dyn => CelType.Dyn,
        CelKind.List when CelType.Int.Accepts(key) => operand.First!,
        CelKind.Map when operand.First!.Accepts(key) => operand.Second!,
        CelKind.Optional => CelType.Optional(Index(call, operand.First!, key, types)),
        _ => NoOverload(call, types),
    };

    private CelType Resolve(CallExpr call, List<CelType> types)
    {
        var known = CelEnvironment.Functions.Find(call.Function);
        if (known.Count == 0)
            return Fault(call, $"undeclared reference to '{call.Function}' (in container '')");
        var fitting = new List<CelOverload>();
        CelType? result = null;
        foreach (var overload in known)
        {
            if (overload.IsMember != call.Target is not null || overload.Parameters.Length != types.Count)
                continue;
            var bound = new Dictionary<string, CelType>(StringComparer.Ordinal);
            if (!overload.Parameters.Select((p, i) => p.Accepts(types[i], bound)).All(fits => fits))
                continue;
            fitting.Add(overload);
            var own = overload.Result.Substitute(bound);
            result = result is null ? own : CelType.Join(result, own);
        }
        call.Overloads = fitting;
        return result ?? NoOverload(call, types);
    }

    private CelType NoOverload(CallExpr call, List<CelType> types)
    {
        var arguments = call.Target is null ? $"({string.Join(", ", types)})" : $"{types[0]}.({string.Join(", ", types.Skip(1))})";
        return Fault(call, $"found no matching overload for '{call.Function}' applied to '{arguments}'");
    }

    private CelType List(ListExpr list)
    {
        CelType? element = null;
        foreach (var (item, isOptional) in list.Items)
        {
            var type = Check(item);
            if (isOptional && type.Kind == CelKind.Optional)
                type = type.First!;
            element = element is null ? type : CelType.Join(element, type);
        }
        return CelType.List(element ?? CelType.Dyn);
    }

    private CelType Map(MapExpr map)
    {
        CelType? key = null, value = null;
        foreach (var (keyExpression, valueExpression, isOptional) in map.Entries)
        {
            var (keyType, valueType) = (Check(keyExpression), Check(valueExpression));
            if (isOptional && valueType.Kind == CelKind.Optional)
                valueType = valueType.First!;
            key = key is null ? keyType : CelType.Join(key, keyType);
            value = value is null ? valueType : CelType.Join(value, valueType);
        }
        return CelType.Map(key ?? CelType.Dyn, value ?? CelType.Dyn);
    }

    private CelType Struct(StructExpr literal)
    {
        if (environment.FindStruct(literal.TypeName) is not { } type)
            return Fault(literal, $"undeclared reference to '{literal.TypeName}' (in container '')");
        foreach (var (name, value, isOptional) in literal.Fields)
        {
            var actual = Check(value);
            if (isOptional && actual.Kind == CelKind.Optional)
                actual = actual.First!;
            if (type.Field(CelNames.Unescape(name)) is not { } expected)
                Fault(literal, $"undefined field '{name}'");
            else if (!expected.Accepts(actual) && !(expected.Kind == CelKind.Object && actual.Kind is CelKind.Object or CelKind.Map))
                Fault(value, $"expected type of field '{name}' is '{expected}' but provided type is '{actual}'");
        }
        return type;
    }

    private CelType Fold(FoldExpr fold)
    {
        var range = Check(fold.Range);
        var (first, second) = Variables(fold, range);
        var depth = _scope.Count;
        _scope.Add((fold.Variable, first));
        if (fold.Second is not null)
            _scope.Add((fold.Second, second));
        if (fold.Condition is not null && Check(fold.Condition) is var condition && !CelType.Bool.Accepts(condition))
            Fault(fold.Condition, $"found no matching overload for '_&&_' applied to '(bool, {condition})'");
        var result = fold.Result is null ? CelType.Dyn : Check(fold.Result);
        _scope.RemoveRange(depth, _scope.Count - depth);
        return fold.Kind switch
        {
            FoldKind.All or FoldKind.Exists or FoldKind.ExistsOne => CelType.Bool,
            FoldKind.Filter => range.Kind == CelKind.Map ? CelType.List(first) : range,
            FoldKind.Map or FoldKind.TransformList => CelType.List(result),
            FoldKind.TransformMap => CelType.Map(first, result),
            FoldKind.TransformMapEntry => result,
            FoldKind.SortBy => range,
            FoldKind.OptionalMap => CelType.Optional(result),
            _ => result,
        };
    }

    private (CelType First, CelType Second) Variables(FoldExpr fold, CelType range)
    {
        switch (fold.Kind)
        {
            case FoldKind.Bind:
                return (range, CelType.Dyn);
            case FoldKind.OptionalMap or FoldKind.OptionalFlatMap:
                return range.Kind is CelKind.Optional ? (range.First!, CelType.Dyn) : range.Kind == CelKind.Dyn ? (CelType.Dyn, CelType.Dyn)
                    : (Fault(fold, $"found no matching overload for 'optMap' applied to '{range}'"), CelType.Dyn);
        }
        var single = fold.Second is null;
        switch (range.Kind)
        {
            case CelKind.List: return single ? (range.First!, CelType.Dyn) : (CelType.Int, range.First!);
            case CelKind.Map: return (range.First!, range.Second!);
            case CelKind.Dyn: return (CelType.Dyn, CelType.Dyn);
            default:
                return (Fault(fold.Range, $"expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)"), CelType.Dyn);
        }
    }
}
