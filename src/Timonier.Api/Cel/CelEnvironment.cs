using Timonier.Api.Cel.Library;

namespace Timonier.Api.Cel;

/// <summary>What an expression may name: variables, struct types, and all functions of Kubernetes' environment. Immutable; thread-safe.</summary>
public sealed class CelEnvironment
{
    private readonly Dictionary<string, CelType> _variables = new(StringComparer.Ordinal);
    private readonly Func<string, CelType?>? _structs;

    private static readonly CelFunctions AllFunctions = CreateFunctions();

    /// <param name="variables">Names may be dotted: "authorizer.requestResource".</param>
    /// <param name="structs">Types that may be constructed, by name; null: none.</param>
    public CelEnvironment(IEnumerable<(string Name, CelType Type)> variables, Func<string, CelType?>? structs = null)
    {
        foreach (var (name, type) in variables)
            _variables[name] = type;
        _structs = structs;
    }

    internal static CelFunctions Functions => AllFunctions;

    internal CelType? FindVariable(string name) => _variables.GetValueOrDefault(name);

    internal CelType? FindStruct(string name) => _structs?.Invoke(name);

    /// <summary>The types that expressions may name as values: type(x) == int.</summary>
    internal static CelType? TypeNamed(string name) => name switch
    {
        "bool" => CelType.Bool,
        "int" => CelType.Int,
        "uint" => CelType.Uint,
        "double" => CelType.Double,
        "string" => CelType.String,
        "bytes" => CelType.Bytes,
        "list" => CelType.DynList,
        "map" => CelType.DynMap,
        "null_type" => CelType.Null,
        "type" => CelType.TypeType,
        "google.protobuf.Duration" => CelType.Duration,
        "google.protobuf.Timestamp" => CelType.Timestamp,
        "optional_type" => CelType.Optional(CelType.Dyn),
        _ => null,
    };

    private static CelFunctions CreateFunctions()
    {
        var functions = new CelFunctions();
        StandardLibrary.AddTo(functions);
        ConversionLibrary.AddTo(functions);
        TimeLibrary.AddTo(functions);
        StringLibrary.AddTo(functions);
        ListLibrary.AddTo(functions);
        KubernetesLibrary.AddTo(functions);
        NetworkLibrary.AddTo(functions);
        AuthorizerLibrary.AddTo(functions);
        return functions;
    }
}
