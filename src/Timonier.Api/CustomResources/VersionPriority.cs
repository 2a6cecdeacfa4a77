using System.Globalization;

namespace Timonier.Api.CustomResources;

/// <summary>Kubernetes' order of version names: v2, v1, v1beta2, v1beta1, v1alpha1, then all others by name. The most preferred first.</summary>
public static class VersionPriority
{
    public static readonly Comparer<string> Comparer = Comparer<string>.Create(Compare);

    private static int Compare(string a, string b)
    {
        var (x, y) = (Parse(a), Parse(b));
        if (x is null || y is null)
            return x is null && y is null ? string.CompareOrdinal(a, b) : x is null ? 1 : -1;
        return y.Value.CompareTo(x.Value);
    }

    private static (int Stability, int Major, int Minor)? Parse(string text)
    {
        if (text.Length < 2 || text[0] != 'v')
            return null;
        var rest = text.AsSpan(1);
        foreach (var (word, stability) in (ReadOnlySpan<(string, int)>)[("alpha", 1), ("beta", 2)])
        {
            var at = rest.IndexOf(word);
            if (at > 0)
                return Number(rest[..at]) is { } major && Number(rest[(at + word.Length)..]) is { } minor ? (stability, major, minor) : null;
        }
        return Number(rest) is { } stable ? (3, stable, 0) : null;
    }

    private static int? Number(ReadOnlySpan<char> text) =>
        text.Length > 0 && text[0] != '0' && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
