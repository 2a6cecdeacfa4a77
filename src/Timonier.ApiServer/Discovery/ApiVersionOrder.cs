using System.Globalization;

namespace Timonier.ApiServer.Discovery;

/// <summary>
/// Kubernetes' order of versions, most wanted first: v10 v2 v1 v11beta2 v10beta3 v3beta1 v12alpha1 v11alpha2 foo1 foo10
/// (API concepts, "version priority" of custom resources).
/// </summary>
public static class ApiVersionOrder
{
    public static int Compare(string a, string b)
    {
        if (a == b)
            return 0;
        var (x, y) = (Parse(a), Parse(b));
        if (x is null || y is null)
            return x is null && y is null ? string.CompareOrdinal(a, b) : x is null ? 1 : -1;
        var stability = y.Value.Stability.CompareTo(x.Value.Stability);
        if (stability != 0)
            return stability;
        var major = y.Value.Major.CompareTo(x.Value.Major);
        return major != 0 ? major : y.Value.Minor.CompareTo(x.Value.Minor);
    }

    /// <summary>Null for what is no version of the form v1, v1beta2, v1alpha3.</summary>
    private static (int Stability, int Major, int Minor)? Parse(string version)
    {
        if (version.Length < 2 || version[0] != 'v')
            return null;
        var end = 1;
        while (end < version.Length && char.IsAsciiDigit(version[end]))
            end++;
        if (!TryNumber(version.AsSpan(1, end - 1), out var major))
            return null;
        var rest = version.AsSpan(end);
        if (rest.Length == 0)
            return (3, major, 0);
        var (stability, length) = rest.StartsWith("beta") ? (2, 4) : rest.StartsWith("alpha") ? (1, 5) : (0, 0);
        return stability > 0 && TryNumber(rest[length..], out var minor) ? (stability, major, minor) : null;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
}
