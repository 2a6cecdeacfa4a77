using System.Collections.Concurrent;
using Timonier.Api.Cel;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>Compiles expressions of policies and match conditions, each once. Thread-safe.</summary>
internal sealed class PolicyExpressions
{
    private const int ProgramsMax = 4096;

    private readonly ConcurrentDictionary<(string Source, string Scope), CelProgram> _programs = new();

    /// <param name="scope">With untyped objects: programs are kept by its names alone.</param>
    /// <exception cref="CelException">It does not compile.</exception>
    public CelProgram Compile(string source, PolicyScope scope, CelType? expected = null)
    {
        var key = (source, scope.Key);
        if (_programs.TryGetValue(key, out var program))
            return program;
        program = CelProgram.Compile(source, scope.Environment(), expected);
        if (_programs.Count >= ProgramsMax)
            _programs.Clear();
        return _programs[key] = program;
    }
}
