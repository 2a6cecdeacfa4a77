using System.Globalization;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Api.Cel.Library;

/// <summary>'%s has %d'.format([...]): the verbs of cel-go's strings extension.</summary>
internal static class CelFormat
{
    private const int PrecisionMax = 100;

    public static string Format(string pattern, IReadOnlyList<object?> arguments)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] != '%')
            {
                text.Append(pattern[i]);
                continue;
            }
            i++;
            int? precision = null;
            if (i < pattern.Length && pattern[i] == '.')
            {
                var start = ++i;
                while (i < pattern.Length && char.IsAsciiDigit(pattern[i]))
                    i++;
                precision = int.TryParse(pattern.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out var digits) && digits <= PrecisionMax
                    ? digits : throw new CelException("could not parse formatting clause: invalid precision");
            }
            if (i >= pattern.Length)
                throw new CelException("unexpected end of string");
            if (pattern[i] == '%')
            {
                text.Append('%');
                continue;
            }
            if (next >= arguments.Count)
                throw new CelException(string.Create(CultureInfo.InvariantCulture, $"index {next} out of range"));
            text.Append(Verb(pattern[i], precision, arguments[next++]));
            if (text.Length > StringLibrary.TextMax)
                throw CelException.BudgetSpent();
        }
        return text.ToString();
    }

    private static string Verb(char verb, int? precision, object? value) => (verb, value) switch
    {
        ('s', _) => Show(value),
        ('d', long or ulong) => CelValues.ToText(value),
        ('f', double number) => number.ToString("F" + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        ('f', long or ulong) => Convert.ToDouble(value, CultureInfo.InvariantCulture).ToString("F" + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        ('e', double number) => Scientific(number, precision ?? 6),
        ('b', long number) => Radix(number, 2),
        ('b', bool flag) => flag ? "1" : "0",
        ('o', long number) => Radix(number, 8),
        ('x', long number) => Radix(number, 16),
        ('X', long number) => Radix(number, 16).ToUpperInvariant(),
        ('x', string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text)),
        ('X', string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text)),
        ('x', byte[] bytes) => Convert.ToHexStringLower(bytes),
        ('X', byte[] bytes) => Convert.ToHexString(bytes),
        ('d' or 'f' or 'e' or 'b' or 'o' or 'x' or 'X', _) => throw new CelException($"error during formatting: {CelValues.TypeOf(value)} is not supported by %{verb}"),
        _ => throw new CelException($"could not parse formatting clause: unrecognized formatting clause \"{verb}\""),
    };

    private static string Scientific(double number, int precision) =>
        number.ToString("0." + new string('0', precision) + "e+00", CultureInfo.InvariantCulture);

    private static string Radix(long number, int radix) => (number < 0 ? "-" : "") + Convert.ToString(Math.Abs(number), radix);

    private static string Show(object? value) => value switch
    {
        IReadOnlyList<object?> list => $"[{string.Join(", ", list.Select(Show))}]",
        JsonMap or CelMap => $"{{{string.Join(", ", CelValues.Entries(value).Select(e => $"{Show(e.Key)}: {Show(e.Value)}").Order(StringComparer.Ordinal))}}}",
        _ => CelValues.ToText(value),
    };
}
