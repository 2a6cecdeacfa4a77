using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Content;

/// <summary>
/// Warnings as RFC 7234 has them in a header, bounded as upstream bounds them (apiserver filters/warning.go): a body with a thousand faults must not make an answer that
/// clients refuse to read.
/// </summary>
internal static class WarningHeaders
{
    /// <summary>Above it each warning is cut to <see cref="OneMax"/>, and what then still does not fit is left out.</summary>
    private const int AllMax = 4096, OneMax = 256;

    public static void Write(HttpResponse response, IEnumerable<string> warnings)
    {
        var distinct = warnings.Where(IsHeader).Distinct(StringComparer.Ordinal).ToList();
        var cuts = distinct.Sum(w => w.Length) > AllMax;
        var written = 0;
        foreach (var warning in distinct)
        {
            var text = cuts && warning.Length > OneMax ? warning[..(char.IsHighSurrogate(warning[OneMax - 1]) ? OneMax - 1 : OneMax)] : warning;
            written += text.Length;
            if (written > AllMax)
                return;
            response.Headers.Append("Warning", $"299 - \"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }
    }

    /// <summary>Control characters can be in no header: such a warning is not told, as upstream.</summary>
    private static bool IsHeader(string warning) => !warning.Any(char.IsControl);
}
