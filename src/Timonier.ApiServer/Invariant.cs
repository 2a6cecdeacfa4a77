using System.Diagnostics.CodeAnalysis;

namespace Timonier.ApiServer;

/// <summary>Ends the unit of work on a bug of ours; stays on in release.</summary>
internal static class Invariant
{
    public static void Require([DoesNotReturnIf(false)] bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException($"broken invariant: {what}");
    }
}
