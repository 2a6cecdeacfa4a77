using System.Collections.Concurrent;
using Timonier.Api.Cel;
using Timonier.Api.Cel.Library;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>Compiles expressions of policies and match conditions, each once. Thread-safe.</summary>
internal sealed class PolicyExpressions
{
    private const int ProgramsMax = 4096;

    private readonly ConcurrentDictionary<(string Source, string Variables), CelProgram> _programs = new();

    /// <param name="variables">The names that "variables." may be followed by.</param>
    /// <exception cref="CelException">It does not compile.</exception>
    public CelProgram Compile(string source, IReadOnlyList<string> variables, CelType? expected = null)
    {
        var key = (source, string.Join(',', variables));
        if (_programs.TryGetValue(key, out var program))
            return program;
        program = CelProgram.Compile(source, Environment(variables), expected);
        if (_programs.Count >= ProgramsMax)
            _programs.Clear();
        return _programs[key] = program;
    }

    private static CelEnvironment Environment(IReadOnlyList<string> variables) => new(
    [
        ("object", CelType.Dyn), ("oldObject", CelType.Dyn), ("request", CelType.Dyn), ("params", CelType.Dyn), ("namespaceObject", CelType.Dyn),
        ("authorizer", CelAuthorizer.Type), ("authorizer.requestResource", CelAuthorizer.ResourceType),
        .. variables.Select(v => ($"variables.{v}", CelType.Dyn)),
    ], Struct);

    // What a mutation may construct: JSON patch operations, and parts of the object to merge.
    private static CelType? Struct(string name) => name switch
    {
        "JSONPatch" => CelType.Object(name, field => field is "op" or "path" or "from" ? CelType.String : field == "value" ? CelType.Dyn : null),
        _ when name == "Object" || name.StartsWith("Object.", StringComparison.Ordinal) => CelType.Object(name, _ => CelType.Dyn),
        _ => null,
    };
}
