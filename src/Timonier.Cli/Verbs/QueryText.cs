namespace Timonier.Cli.Verbs;

/// <summary>Puts queries together.</summary>
internal static class QueryText
{
    /// <summary>Escaped, joined; pairs with an empty or null value are left out.</summary>
    public static string Of(params ReadOnlySpan<(string Name, string? Value)> pairs)
    {
        var parts = new List<string>();
        foreach (var (name, value) in pairs)
        {
            if (!string.IsNullOrEmpty(value))
                parts.Add($"{name}={Uri.EscapeDataString(value)}");
        }
        return string.Join('&', parts);
    }
}
