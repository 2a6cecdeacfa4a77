using System.Text;
using System.Text.RegularExpressions;

namespace Timonier.Api;

/// <summary>
/// Go's regular expressions (RE2 syntax) on .NET's engine without backtracking: the time is linear in the input. What RE2
/// has not (look-around, back-references) is refused by that engine too. Source: github.com/google/re2/wiki/Syntax.
/// </summary>
public static class GoRegex
{
    /// <summary>As upstream bounds CEL's and schemas' patterns in practice: the size of an automaton grows with the pattern.</summary>
    private const int PatternLengthMax = 10_000;

    /// <exception cref="FormatException">No regular expression.</exception>
    public static Regex Compile(string pattern)
    {
        if (pattern.Length > PatternLengthMax)
            throw new FormatException("error parsing regexp: expression too large");
        new GoRegexSize(pattern).Check();
        try
        {
            return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"error parsing regexp: {e.Message}", e);
        }
    }

    /// <summary>Classes are ASCII in RE2, "$" is the end of the text, groups are named (?P&lt;name&gt;).</summary>
    private static string Translate(string pattern)
    {
        var text = new StringBuilder(pattern.Length + 16);
        var inClass = false;
        var multiline = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                i = TranslateEscape(pattern, i + 1, inClass, text);
            }
            else if (inClass)
            {
                if (c == '[' && PosixClass(pattern, i) is var (name, ranges))
                {
                    text.Append(ranges);
                    i += name.Length + 3;
                    continue;
                }
                // A "[" is literal in RE2's classes, and the start of a subtraction in .NET's.
                text.Append(c == '[' ? "\\[" : c.ToString());
                inClass = c != ']';
            }
            else if (c == '[')
            {
                inClass = true;
                text.Append(c);
                if (i + 1 < pattern.Length && pattern[i + 1] == '^')
                    text.Append(pattern[++i]);
                if (i + 1 < pattern.Length && pattern[i + 1] == ']')
                {
                    text.Append("\\]");
                    i++;
                }
            }
            else if (c == '(' && pattern.AsSpan(i).StartsWith("(?P<"))
            {
                text.Append("(?<");
                i += 3;
            }
            else
            {
                if (c == '(' && i + 1 < pattern.Length && pattern[i + 1] == '?')
                {
                    var flags = pattern.AsSpan(i + 2);
                    var end = flags.IndexOfAny(')', ':');
                    multiline |= end > 0 && flags[..end].Contains('m');
                }
                text.Append(c == '$' && !multiline ? "\\z" : c.ToString());
            }
        }
        return text.ToString();
    }

    private static int TranslateEscape(string pattern, int at, bool inClass, StringBuilder text)
    {
        var c = pattern[at];
        var ranges = c switch { 'd' or 'D' => "0-9", 'w' or 'W' => "0-9A-Za-z_", 's' or 'S' => "\\t\\n\\f\\r ", _ => null };
        if (ranges is not null && !(inClass && char.IsUpper(c)))
        {
            text.Append(inClass ? ranges : char.IsUpper(c) ? $"[^{ranges}]" : $"[{ranges}]");
            return at;
        }
        if (c is 'p' or 'P' && at + 1 < pattern.Length && pattern[at + 1] != '{')
        {
            text.Append('\\').Append(c).Append('{').Append(pattern[at + 1]).Append('}');
            return at + 1;
        }
        if (c == 'x' && at + 1 < pattern.Length && pattern[at + 1] == '{' && pattern.IndexOf('}', at) is > 0 and var end
            && int.TryParse(pattern.AsSpan(at + 2, end - at - 2), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var code) && code <= 0xffff)
        {
            text.Append("\\u").Append(code.ToString("x4", System.Globalization.CultureInfo.InvariantCulture));
            return end;
        }
        if (c == 'Q')
        {
            var close = pattern.IndexOf("\\E", at, StringComparison.Ordinal);
            var literal = close < 0 ? pattern[(at + 1)..] : pattern[(at + 1)..close];
            text.Append(Regex.Escape(literal));
            return close < 0 ? pattern.Length : close + 1;
        }
        text.Append('\\').Append(c);
        return at;
    }

    private static (string Name, string Ranges)? PosixClass(string pattern, int at)
    {
        if (at + 2 >= pattern.Length || pattern[at + 1] != ':')
            return null;
        var end = pattern.IndexOf(":]", at, StringComparison.Ordinal);
        if (end < 0)
            return null;
        var name = pattern[(at + 2)..end];
        var ranges = name switch
        {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => "\\x00-\\x7F",
            "blank" => "\\t ",
            "cntrl" => "\\x00-\\x1F\\x7F",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => "!-/:-@\\[-`{-~",
            "space" => "\\t\\n\\v\\f\\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => null,
        };
        return ranges is null ? null : (name, ranges);
    }
}
