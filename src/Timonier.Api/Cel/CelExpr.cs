namespace Timonier.Api.Cel;

/// <summary>A node of a parsed expression. The checker sets the types; afterwards it is immutable.</summary>
internal abstract class CelExpr
{
    /// <summary>Everything that walks an expression recurses, so chains ("a + b + ...", "a.b.c...") count as well as parentheses. Twice cel-go's bound for those.</summary>
    private const int HeightMax = 500;

    /// <param name="position">See <see cref="Position"/>.</param>
    /// <param name="inner">The height of the highest child; 0: none.</param>
    protected CelExpr(int position, int inner = 0)
    {
        Position = position;
        Raise(inner);
    }

    /// <summary>How deep it nests; 1 for a leaf.</summary>
    public int Height { get; private set; }

    /// <summary>In characters from the start of the source.</summary>
    public int Position { get; }
    public CelType Type { get; set; } = CelType.Dyn;

    /// <exception cref="CelLexer.SyntaxFault">It nests too deep.</exception>
    protected void Raise(int inner)
    {
        Height = Math.Max(Height, inner + 1);
        if (Height > HeightMax)
            throw CelLexer.Fault(Position, $"expression recursion limit exceeded: {HeightMax}");
    }

    protected static int Highest(IEnumerable<CelExpr?> children) => children.Max(one => one?.Height) ?? 0;
}

internal sealed class LiteralExpr(int position, object? value) : CelExpr(position)
{
    public object? Value { get; } = value;
}

internal sealed class IdentExpr(int position, string name) : CelExpr(position)
{
    public string Name { get; } = name;
}

/// <summary>operand.field, has(operand.field) where <paramref name="isTest"/>, operand.?field where <paramref name="isOptional"/>.</summary>
internal sealed class SelectExpr(int position, CelExpr operand, string field, bool isTest, bool isOptional) : CelExpr(position, operand.Height)
{
    public CelExpr Operand { get; } = operand;
    public string Field { get; } = field;
    public bool IsTest { get; } = isTest;
    public bool IsOptional { get; } = isOptional;

    /// <summary>Set where operand and field together name a variable or type: a.b.</summary>
    public string? QualifiedName { get; set; }
}

/// <summary>A call of a function, a method (<paramref name="target"/>) or an operator ("_+_").</summary>
internal sealed class CallExpr(int position, string function, CelExpr? target, List<CelExpr> arguments) : CelExpr(position, Highest([target, .. arguments]))
{
    public string Function { get; set; } = function;
    public CelExpr? Target { get; set; } = target;
    public List<CelExpr> Arguments { get; } = arguments;
    public IReadOnlyList<CelOverload> Overloads { get; set; } = [];

    public void Add(CelExpr argument)
    {
        Raise(argument.Height);
        Arguments.Add(argument);
    }
}

internal sealed class ListExpr(int position, List<(CelExpr Item, bool IsOptional)> items) : CelExpr(position, Highest(items.Select(one => one.Item)))
{
    public List<(CelExpr Item, bool IsOptional)> Items { get; } = items;
}

internal sealed class MapExpr(int position, List<(CelExpr Key, CelExpr Value, bool IsOptional)> entries) : CelExpr(position, Highest(entries.SelectMany(one => (CelExpr[])[one.Key, one.Value])))
{
    public List<(CelExpr Key, CelExpr Value, bool IsOptional)> Entries { get; } = entries;
}

/// <summary>Object.spec{replicas: 1}: an object of a declared type.</summary>
internal sealed class StructExpr(int position, string typeName, List<(string Field, CelExpr Value, bool IsOptional)> fields) : CelExpr(position, Highest(fields.Select(one => one.Value)))
{
    public string TypeName { get; } = typeName;
    public List<(string Field, CelExpr Value, bool IsOptional)> Fields { get; } = fields;
}

internal enum FoldKind { All, Exists, ExistsOne, Map, Filter, TransformList, TransformMap, TransformMapEntry, SortBy, Bind, OptionalMap, OptionalFlatMap }

/// <summary>A macro over a list, map or optional: variables that stand for each item, a condition, a result for each.</summary>
internal sealed class FoldExpr(int position, FoldKind kind, CelExpr range, string variable, string? second, CelExpr? condition, CelExpr? result) : CelExpr(position, Highest([range, condition, result]))
{
    public FoldKind Kind { get; } = kind;
    public CelExpr Range { get; } = range;
    public string Variable { get; } = variable;
    public string? Second { get; } = second;
    public CelExpr? Condition { get; } = condition;
    public CelExpr? Result { get; } = result;
}
