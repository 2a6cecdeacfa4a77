using System.Globalization;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Api.Cel.Library;

/// <summary>Functions on texts: those of the language, of cel-go's strings extension, and of Kubernetes' regex library. Positions count code points.</summary>
internal static class StringLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        functions.Add("string::contains(string) bool", a => Text(a, 0).Contains(Text(a, 1), StringComparison.Ordinal));
        functions.Add("string::startsWith(string) bool", a => Text(a, 0).StartsWith(Text(a, 1), StringComparison.Ordinal));
        functions.Add("string::endsWith(string) bool", a => Text(a, 0).EndsWith(Text(a, 1), StringComparison.Ordinal));
        functions.Add("string::matches(string) bool", a => Pattern(Text(a, 1)).IsMatch(Text(a, 0)));
        functions.Add("matches(string, string) bool", a => Pattern(Text(a, 1)).IsMatch(Text(a, 0)));
        functions.Add("string::find(string) string", a => Pattern(Text(a, 1)).Match(Text(a, 0)).Value);
        functions.Add("string::findAll(string) list(string)", a => FindAll(a, int.MaxValue));
        functions.Add("string::findAll(string, int) list(string)", a => FindAll(a, (long)a[2]!));
        functions.Add("string::charAt(int) string", a => CharAt(Runes(a[0]), (long)a[1]!));
        functions.Add("string::indexOf(string) int", a => IndexOf(a, 0));
        functions.Add("string::indexOf(string, int) int", a => IndexOf(a, (long)a[2]!));
        functions.Add("string::lastIndexOf(string) int", a => LastIndexOf(a, long.MaxValue));
        functions.Add("string::lastIndexOf(string, int) int", a => LastIndexOf(a, (long)a[2]!));
        functions.Add("string::lowerAscii() string", a => Map(Text(a, 0), char.IsAsciiLetterUpper, 32));
        functions.Add("string::upperAscii() string", a => Map(Text(a, 0), char.IsAsciiLetterLower, -32));
        functions.Add("string::replace(string, string) string", a => Replace(Text(a, 0), Text(a, 1), Text(a, 2), -1));
        functions.Add("string::replace(string, string, int) string", a => Replace(Text(a, 0), Text(a, 1), Text(a, 2), (long)a[3]!));
        functions.Add("string::split(string) list(string)", a => Split(Text(a, 0), Text(a, 1), -1));
        functions.Add("string::split(string, int) list(string)", a => Split(Text(a, 0), Text(a, 1), (long)a[2]!));
        functions.Add("string::substring(int) string", a => Substring(Runes(a[0]), (long)a[1]!, null));
        functions.Add("string::substring(int, int) string", a => Substring(Runes(a[0]), (long)a[1]!, (long)a[2]!));
        functions.Add("string::trim() string", a => Text(a, 0).Trim());
        functions.Add("string::reverse() string", a => Join(Runes(a[0]).Reverse()));
        functions.Add("strings.quote(string) string", a => Quote(Text(a, 0)));
        functions.Add("list(string)::join() string", a => JoinTexts(a[0], ""));
        functions.Add("list(string)::join(string) string", a => JoinTexts(a[0], Text(a, 1)));
        functions.Add("string::format(list(dyn)) string", a => CelFormat.Format(Text(a, 0), (IReadOnlyList<object?>)a[1]!));
    }

    private static string Text(object?[] arguments, int at) => (string)arguments[at]!;

    private static Rune[] Runes(object? text) => [.. ((string)text!).EnumerateRunes()];

    private static string Join(IEnumerable<Rune> runes)
    {
        var text = new StringBuilder();
        foreach (var rune in runes)
            text.Append(rune);
        return text.ToString();
    }

    public static System.Text.RegularExpressions.Regex Pattern(string pattern)
    {
        try
        {
            return GoRegex.Compile(pattern);
        }
        catch (FormatException e)
        {
            throw new CelException(e.Message);
        }
    }

    private static JsonList FindAll(object?[] a, long limit)
    {
        var matches = Pattern(Text(a, 1)).Matches(Text(a, 0)).Select(m => (object?)m.Value);
        return new JsonList(limit < 0 ? matches : matches.Take((int)Math.Min(limit, int.MaxValue)));
    }

    private static CelException OutOfRange(long index) => new(string.Create(CultureInfo.InvariantCulture, $"index out of range: {index}"));

    private static string CharAt(Rune[] runes, long at) => at < 0 || at > runes.Length ? throw OutOfRange(at) : at == runes.Length ? "" : runes[at].ToString();

    private static long IndexOf(object?[] a, long from)
    {
        var runes = Runes(a[0]);
        if (from < 0 || from > runes.Length)
            throw OutOfRange(from);
        var sought = Runes(a[1]);
        for (var i = (int)from; i + sought.Length <= runes.Length; i++)
        {
            if (runes.AsSpan(i, sought.Length).SequenceEqual(sought))
                return i;
        }
        return -1;
    }

    private static long LastIndexOf(object?[] a, long from)
    {
        var runes = Runes(a[0]);
        if (from < 0 || (from > runes.Length && from != long.MaxValue))
            throw OutOfRange(from);
        var sought = Runes(a[1]);
        for (var i = (int)Math.Min(from, runes.Length - sought.Length); i >= 0; i--)
        {
            if (i + sought.Length <= runes.Length && runes.AsSpan(i, sought.Length).SequenceEqual(sought))
                return i;
        }
        return -1;
    }

    private static string Map(string text, Func<char, bool> applies, int shift) => string.Concat(text.Select(c => applies(c) ? (char)(c + shift) : c));

    private static string Replace(string text, string old, string replacement, long limit)
    {
        if (limit == 0)
            return text;
        // An empty text is found before each code point and at the end, as in Go.
        var parts = old.Length == 0 ? [.. text.EnumerateRunes().Select(r => r.ToString()).Prepend("").Append("")] : text.Split(old);
        var result = new StringBuilder(parts[0]);
        for (var i = 1; i < parts.Length; i++)
        {
            var last = old.Length == 0 && i == parts.Length - 1;
            result.Append(limit < 0 || i <= limit ? replacement : old).Append(last ? "" : parts[i]);
            // The product of two texts may be far larger than both.
            if (result.Length > TextMax)
                throw CelException.BudgetSpent();
        }
        return result.ToString();
    }

    /// <summary>Beyond this the budget would be spent anyway: ten characters cost one.</summary>
    internal const int TextMax = 10 * (int)CelBudget.PerCall;

    private static JsonList Split(string text, string separator, long limit)
    {
        if (limit == 0)
            return [];
        var parts = separator.Length == 0 ? [.. text.EnumerateRunes().Select(r => r.ToString())] : text.Split(separator);
        if (limit > 0 && parts.Length > limit)
            parts = [.. parts.Take((int)limit - 1), string.Join(separator, parts.Skip((int)limit - 1))];
        return new JsonList(parts);
    }

    private static string Substring(Rune[] runes, long start, long? end)
    {
        var stop = end ?? runes.Length;
        if (start < 0 || start > runes.Length)
            throw OutOfRange(start);
        if (stop < 0 || stop > runes.Length)
            throw OutOfRange(stop);
        return start > stop ? throw new CelException(string.Create(CultureInfo.InvariantCulture, $"invalid substring range. start: {start}, end: {stop}")) : Join(runes.Skip((int)start).Take((int)(stop - start)));
    }

    private static string JoinTexts(object? list, string separator)
    {
        var items = (IReadOnlyList<object?>)list!;
        var length = (long)separator.Length * items.Count;
        foreach (var item in items)
            length += item is string text ? text.Length : throw CelException.NoSuchOverload();
        return length <= TextMax ? string.Join(separator, items) : throw CelException.BudgetSpent();
    }

    private static string Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var c in text)
        {
            result.Append(c switch
            {
                '\a' => "\\a", '\b' => "\\b", '\f' => "\\f", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\v' => "\\v", '\\' => "\\\\", '"' => "\\\"",
                _ => c.ToString(),
            });
        }
        return result.Append('"').ToString();
    }
}
