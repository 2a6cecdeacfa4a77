namespace Timonier.Fuzz.Tests.Engine;

/// <summary>A parser that meets foreign bytes.</summary>
/// <param name="Run">
/// Gives it an input. False: refused, as it may be. Any exception is a finding: the target catches its own named refusals, and throws <see cref="FuzzException"/> where
/// what it accepted is wrong.
/// </param>
/// <param name="Seeds">Inputs to begin with, most of them good.</param>
/// <param name="Tokens">Words of its language.</param>
internal sealed record FuzzTarget(string Name, Func<byte[], bool> Run, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Tokens)
{
    /// <summary>Knows the form of the input; null: bytes only.</summary>
    public Func<Random, byte[], byte[]>? Mutate { get; init; }

    public override string ToString() => Name;
}

/// <summary>The target accepted what it must not, or lost something on the way.</summary>
internal sealed class FuzzException(string message) : Exception(message);
