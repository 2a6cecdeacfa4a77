using Timonier.Api.Json;

namespace Timonier.Api.Cel;

/// <summary>One evaluation: walks the tree, charging the budget for each step.</summary>
internal sealed class CelRun(Func<string, object?> variables, CelBudget budget)
{
    private readonly List<(string Name, object? Value)> _scope = [];
    private readonly CelWeights _weights = new();

    public object? Evaluate(CelExpr expression)
    {
        switch (expression)
        {
            case LiteralExpr literal:
                return literal.Value;
            case IdentExpr ident:
                budget.Charge(1);
                return Variable(ident);
            case SelectExpr select:
                budget.Charge(1);
                return Select(select);
            case CallExpr call:
                return Call(call);
            case ListExpr list:
                return _weights.Made(List(list));
            case MapExpr map:
                return _weights.Made(Map(map));
            case StructExpr literal:
                return _weights.Made(Struct(literal));
            default:
                return _weights.Made(Fold((FoldExpr)expression));
        }
    }

    private object? Variable(IdentExpr ident)
    {
        for (var i = _scope.Count - 1; i >= 0; i--)
        {
            if (_scope[i].Name == ident.Name)
                return _scope[i].Value;
        }
        return ident.Type.Kind == CelKind.Type && CelEnvironment.TypeNamed(ident.Name) is { } type ? type : CelValues.FromJson(variables(ident.Name), ident.Type);
    }

    private object? Select(SelectExpr select)
    {
        if (select.QualifiedName is { } name)
            return CelEnvironment.TypeNamed(name) ?? variables(name);
        var operand = Evaluate(select.Operand);
        var isOptional = select.IsOptional;
        if (operand is CelOptional optional)
        {
            if (!optional.HasValue)
                return select.IsTest ? false : CelOptional.None;
            operand = optional.Value;
            isOptional = true;
        }
        if (operand is not (JsonMap or CelMap))
            throw operand is null && isOptional ? new CelException("no such key: " + select.Field) : CelException.NoSuchOverload();
        var field = select.Operand.Type.Kind == CelKind.Object ? CelNames.Unescape(select.Field) : select.Field;
        var found = CelValues.TryGet(operand, field, out var value);
        // A field of a struct that is null is as good as absent.
        if (found && value is null && select.Operand.Type.Kind == CelKind.Object && select.Type.Kind != CelKind.Dyn)
            found = false;
        if (select.IsTest)
            return found;
        var type = select.Type.Kind == CelKind.Optional ? select.Type.First! : select.Type;
        if (isOptional)
            return found ? CelOptional.Of(CelValues.FromJson(value, type)) : CelOptional.None;
        return found ? CelValues.FromJson(value, type) : throw new CelException("no such key: " + select.Field);
    }

    private object? Call(CallExpr call)
    {
        switch (call.Function)
        {
            case "_&&_": return Junction(call, decides: false);
            case "_||_": return Junction(call, decides: true);
            case "_?_:_":
                budget.Charge(1);
                return Evaluate(call.Arguments[Evaluate(call.Arguments[0]) is bool condition ? condition ? 1 : 2 : throw CelException.NoSuchOverload()]);
            case "_==_" or "_!=_":
                var (left, right) = (Evaluate(call.Arguments[0]), Evaluate(call.Arguments[1]));
                budget.Charge(1 + Math.Min(_weights.Of(left), _weights.Of(right)));
                return CelListTypes.AreEqual(left, right, call.Arguments[0].Type) == (call.Function == "_==_");
            case "_[_]" or "_[?_]":
                budget.Charge(1);
                return Index(call);
        }
        var arguments = new object?[call.Arguments.Count + (call.Target is null ? 0 : 1)];
        var at = 0;
        if (call.Target is not null)
            arguments[at++] = Evaluate(call.Target);
        foreach (var argument in call.Arguments)
            arguments[at++] = Evaluate(argument);
        foreach (var overload in call.Overloads)
        {
            if (!overload.Matches(arguments))
                continue;
            budget.Charge(CostOf(call.Function, arguments));
            var result = call.Function == "_+_" && call.Arguments[0].Type is { ListType: not null } listType ? CelListTypes.Merge(arguments, listType) : overload.Body(arguments);
            budget.Charge(_weights.Of(result));
            return _weights.Made(result);
        }
        throw CelException.NoSuchOverload();
    }

    /// <summary>
    /// One per call and one per ten characters read. A match reads the text once per part of the pattern, a search at worst once per part of what is sought, and sets are compared
    /// each with each, as upstream counts it; what is split is charged by its parts before they are made.
    /// </summary>
    private long CostOf(string function, object?[] arguments)
    {
        var cost = 1L;
        foreach (var argument in arguments)
            cost += _weights.Of(argument);
        return (function, arguments) switch
        {
            ("matches" or "find" or "findAll", [string text, string pattern, ..]) => cost + Product(text.Length / 10, pattern.Length / 4),
            ("split", [string text, "", ..]) => cost + text.Length,
            ("contains" or "indexOf" or "lastIndexOf" or "replace" or "split", [string text, string sought, ..]) => cost + Product(text.Length / 10, sought.Length / 10),
            ("sets.contains" or "sets.intersects" or "sets.equivalent", [IReadOnlyList<object?> a, IReadOnlyList<object?> b]) => cost + Product(a.Count, b.Count),
            ("distinct", [IReadOnlyList<object?> list]) => cost + (Product(list.Count, list.Count) / 10),
            _ => cost,
        };
    }

    private static long Product(long a, long b) => (1 + a) * (1 + b);

    /// <summary>An error on one side does not matter when the other decides.</summary>
    private bool Junction(CallExpr call, bool decides)
    {
        budget.Charge(1);
        CelException? error = null;
        foreach (var argument in call.Arguments)
        {
            try
            {
                switch (Evaluate(argument))
                {
                    case bool value when value == decides: return decides;
                    case bool: break;
                    default: error ??= CelException.NoSuchOverload(); break;
                }
            }
            catch (CelException e) when (!e.IsBudget)
            {
                error ??= e;
            }
        }
        return error is null ? !decides : throw error;
    }

    private object? Index(CallExpr call)
    {
        var operand = Evaluate(call.Arguments[0]);
        var key = Evaluate(call.Arguments[1]);
        var isOptional = call.Function == "_[?_]";
        if (operand is CelOptional optional)
        {
            if (!optional.HasValue)
                return CelOptional.None;
            operand = optional.Value;
            isOptional = true;
        }
        bool found;
        object? value = null;
        if (operand is IReadOnlyList<object?> list)
        {
            var at = key switch { long number => number, ulong number when number < int.MaxValue => (long)number, double number when double.IsInteger(number) => (long)number, _ => throw CelException.NoSuchOverload() };
            found = at >= 0 && at < list.Count;
            if (found)
                value = list[(int)at];
            else if (!isOptional)
                throw new CelException($"index out of bounds: {at}");
        }
        else
        {
            found = CelValues.TryGet(operand, key, out value);
            if (!found && !isOptional)
                throw new CelException("no such key: " + CelValues.ToText(key));
        }
        var type = call.Type.Kind == CelKind.Optional ? call.Type.First! : call.Type;
        if (isOptional)
            return found ? CelOptional.Of(CelValues.FromJson(value, type)) : CelOptional.None;
        return CelValues.FromJson(value, type);
    }

    private JsonList List(ListExpr list)
    {
        budget.Charge(10);
        var result = new JsonList(list.Items.Count);
        foreach (var (item, isOptional) in list.Items)
        {
            var value = Evaluate(item);
            if (!isOptional)
                result.Add(value);
            else if (value is CelOptional optional && optional.HasValue)
                result.Add(optional.Value);
        }
        return result;
    }

    private CelMap Map(MapExpr map)
    {
        budget.Charge(30);
        var result = new CelMap();
        foreach (var (keyExpression, valueExpression, isOptional) in map.Entries)
        {
            var key = Evaluate(keyExpression);
            var value = Evaluate(valueExpression);
            if (isOptional)
            {
                if (value is not CelOptional { HasValue: true } optional)
                    continue;
                value = optional.Value;
            }
            Add(result, key, value);
        }
        return result;
    }

    private static void Add(CelMap map, object? key, object? value)
    {
        if (key is not (bool or long or ulong or double or string))
            throw new CelException("unsupported key type");
        if (!map.TryAdd(key, value))
            throw new CelException($"insert failed: key {CelValues.ToText(key)} already exists");
    }

    private JsonMap Struct(StructExpr literal)
    {
        budget.Charge(40);
        var result = new JsonMap(literal.Fields.Count);
        foreach (var (name, expression, isOptional) in literal.Fields)
        {
            var value = Evaluate(expression);
            if (isOptional)
            {
                if (value is not CelOptional { HasValue: true } optional)
                    continue;
                value = optional.Value;
            }
            result[CelNames.Unescape(name)] = CelValues.ToJson(value);
        }
        return result;
    }

    private object? Fold(FoldExpr fold)
    {
        budget.Charge(1);
        var range = Evaluate(fold.Range);
        switch (fold.Kind)
        {
            case FoldKind.Bind:
                return With(fold, range, null, fold.Result!);
            case FoldKind.OptionalMap or FoldKind.OptionalFlatMap:
                if (range is not CelOptional optional)
                    throw CelException.NoSuchOverload();
                if (!optional.HasValue)
                    return CelOptional.None;
                var inner = With(fold, optional.Value, null, fold.Result!);
                return fold.Kind == FoldKind.OptionalMap ? CelOptional.Of(inner) : inner;
            case FoldKind.All or FoldKind.Exists:
                return Quantify(fold, range);
            case FoldKind.ExistsOne:
                return Items(fold, range).Count(i => IsTrue(With(fold, i.First, i.Second, fold.Condition!))) == 1;
            case FoldKind.Filter:
                return new JsonList(Items(fold, range).Where(i => IsTrue(With(fold, i.First, i.Second, fold.Condition!))).Select(i => i.First));
            case FoldKind.SortBy:
                return new JsonList(Items(fold, range).Select(i => (Item: i.First, Key: With(fold, i.First, null, fold.Result!))).OrderBy(p => p.Key, Comparer<object?>.Create((a, b) => CelValues.Compare(a, b) ?? 0)).Select(p => p.Item));
            default:
                return Transform(fold, range);
        }
    }

    private object? Transform(FoldExpr fold, object? range)
    {
        var list = fold.Kind is FoldKind.Map or FoldKind.TransformList ? new JsonList() : null;
        var map = list is null ? new CelMap() : null;
        foreach (var (first, second) in Items(fold, range))
        {
            if (fold.Condition is not null && !IsTrue(With(fold, first, second, fold.Condition)))
                continue;
            var value = With(fold, first, second, fold.Result!);
            if (list is not null)
                list.Add(value);
            else if (fold.Kind == FoldKind.TransformMap)
                Add(map!, first, value);
            else
                foreach (var (key, item) in CelValues.Entries(value))
                    Add(map!, key, item);
        }
        return list ?? (object)map!;
    }

    private bool Quantify(FoldExpr fold, object? range)
    {
        var decides = fold.Kind == FoldKind.Exists;
        CelException? error = null;
        foreach (var (first, second) in Items(fold, range))
        {
            try
            {
                if (IsTrue(With(fold, first, second, fold.Condition!)) == decides)
                    return decides;
            }
            catch (CelException e) when (!e.IsBudget)
            {
                error ??= e;
            }
        }
        return error is null ? !decides : throw error;
    }

    private static bool IsTrue(object? value) => value as bool? ?? throw CelException.NoSuchOverload();

    private static IEnumerable<(object? First, object? Second)> Items(FoldExpr fold, object? range)
    {
        var rangeType = fold.Range.Type;
        if (range is IReadOnlyList<object?> list)
        {
            var element = rangeType.First ?? CelType.Dyn;
            for (var i = 0; i < list.Count; i++)
            {
                var item = CelValues.FromJson(list[i], element);
                yield return fold.Second is null ? (item, null) : ((long)i, item);
            }
            yield break;
        }
        var valueType = rangeType.Kind == CelKind.Map ? rangeType.Second! : CelType.Dyn;
        foreach (var (key, value) in CelValues.Entries(range).ToList())
            yield return (key, CelValues.FromJson(value, valueType));
    }

    private object? With(FoldExpr fold, object? first, object? second, CelExpr body)
    {
        budget.Charge(1);
        var depth = _scope.Count;
        _scope.Add((fold.Variable, first));
        if (fold.Second is not null)
            _scope.Add((fold.Second, second));
        try
        {
            return Evaluate(body);
        }
        finally
        {
            _scope.RemoveRange(depth, _scope.Count - depth);
        }
    }
}
