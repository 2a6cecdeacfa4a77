using System.Net.Http.Headers;

namespace Timonier.Client;

/// <summary>RFC 9111's Warning header as Kubernetes sends it: <c>299 - "text"</c>.</summary>
internal static class WarningHeader
{
    public static IReadOnlyList<string> Read(HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues("Warning", out var values))
            return [];
        var texts = new List<string>();
        foreach (var value in values)
        {
            if (WarningHeaderValue.TryParse(value, out var warning) && warning.Code == 299)
                texts.Add(warning.Text[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal));
        }
        return texts;
    }
}
