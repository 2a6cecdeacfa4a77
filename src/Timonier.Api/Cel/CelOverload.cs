namespace Timonier.Api.Cel;

/// <summary>One signature of a function with its code.</summary>
/// <param name="Parameters">With the receiver first where <paramref name="IsMember"/>.</param>
/// <param name="Body">Gets the arguments in the order of the parameters.</param>
internal sealed record CelOverload(string Name, bool IsMember, CelType[] Parameters, CelType Result, Func<object?[], object?> Body)
{
    public bool Matches(object?[] arguments)
    {
        if (arguments.Length != Parameters.Length)
            return false;
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!CelValues.IsOf(arguments[i], Parameters[i]))
                return false;
        }
        return true;
    }
}

/// <summary>A set of functions by name, written as signatures: "size(string) int", "string::contains(string) bool" for a method.</summary>
internal sealed class CelFunctions
{
    private readonly Dictionary<string, List<CelOverload>> _byName = new(StringComparer.Ordinal);

    public IReadOnlyList<CelOverload> Find(string name) => _byName.TryGetValue(name, out var found) ? found : [];

    public void Add(string signature, Func<object?[], object?> body)
    {
        var member = signature.IndexOf("::", StringComparison.Ordinal);
        var open = signature.IndexOf('(', Math.Max(member, 0));
        var close = signature.LastIndexOf(')', signature.LastIndexOf(' '));
        // The result may have parentheses of its own: "f(int) list(int)".
        for (int i = open, depth = 0; i < signature.Length; i++)
        {
            depth += signature[i] == '(' ? 1 : signature[i] == ')' ? -1 : 0;
            if (depth == 0 && i > open)
            {
                close = i;
                break;
            }
        }
        var name = signature[(member < 0 ? 0 : member + 2)..open];
        var parameters = SplitTypes(signature[(open + 1)..close]);
        if (member >= 0)
            parameters.Insert(0, ParseType(signature[..member]));
        var overload = new CelOverload(name, member >= 0, [.. parameters], ParseType(signature[(close + 1)..].Trim()), body);
        if (!_byName.TryGetValue(name, out var overloads))
            _byName[name] = overloads = [];
        overloads.Add(overload);
    }

    private static List<CelType> SplitTypes(string text)
    {
        var types = new List<CelType>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == ',' && depth == 0))
            {
                if (text[start..i].Trim() is { Length: > 0 } type)
                    types.Add(ParseType(type));
                start = i + 1;
            }
            else
            {
                depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            }
        }
        return types;
    }

    private static CelType ParseType(string text)
    {
        var open = text.IndexOf('(');
        if (open >= 0)
        {
            var parameters = SplitTypes(text[(open + 1)..^1]);
            return text[..open] switch
            {
                "list" => CelType.List(parameters[0]),
                "optional" => CelType.Optional(parameters[0]),
                _ => CelType.Map(parameters[0], parameters[1]),
            };
        }
        return text switch
        {
            "dyn" => CelType.Dyn,
            "null" => CelType.Null,
            "bool" => CelType.Bool,
            "int" => CelType.Int,
            "uint" => CelType.Uint,
            "double" => CelType.Double,
            "string" => CelType.String,
            "bytes" => CelType.Bytes,
            "duration" => CelType.Duration,
            "timestamp" => CelType.Timestamp,
            "type" => CelType.TypeType,
            "A" => CelType.A,
            "B" => CelType.B,
            _ => Library.KubernetesTypes.Find(text),
        };
    }
}
