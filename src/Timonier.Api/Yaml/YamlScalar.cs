using System.Globalization;
using System.Text.RegularExpressions;

namespace Timonier.Api.Yaml;

/// <summary>What a plain (unquoted) YAML scalar is: the rules of yaml.v2, which all of Kubernetes' tools use. YAML 1.1 with a little of 1.2.</summary>
internal static partial class YamlScalar
{
    /// <summary>Null, bool, long, double or, for all else, the text itself. A timestamp stays text.</summary>
    public static object? Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON":
                return true;
            case "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF":
                return false;
            case ".nan" or ".NaN" or ".NAN":
                return double.NaN;
            case ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF":
                return double.PositiveInfinity;
            case "-.inf" or "-.Inf" or "-.INF":
                return double.NegativeInfinity;
        }
        if (text[0] is not ('+' or '-' or '.') && !char.IsAsciiDigit(text[0]))
            return text;
        var plain = text.Replace("_", "", StringComparison.Ordinal);
        if (TryParseInteger(plain, out var integer))
            return integer;
        if (Float().IsMatch(plain) && double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return number;
        return text;
    }

    private static bool TryParseInteger(string text, out long value)
    {
        value = 0;
        var digits = text.AsSpan();
        var negative = digits.StartsWith("-");
        if (negative || digits.StartsWith("+"))
            digits = digits[1..];
        if (digits.IsEmpty)
            return false;
        var (radix, prefix) = (digits.Length > 1 ? digits[..2] : digits) switch
        {
            "0x" or "0X" => (16, 2),
            "0o" or "0O" => (8, 2),
            "0b" or "0B" => (2, 2),
            _ => digits.Length > 1 && digits[0] == '0' ? (8, 1) : (10, 0),
        };
        var magnitude = 0UL;
        if (digits.Length == prefix)
            return false;
        foreach (var c in digits[prefix..])
        {
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : 99;
            if (digit >= radix || magnitude > ulong.MaxValue / (ulong)radix - (ulong)digit)
                return false;
            magnitude = (magnitude * (ulong)radix) + (ulong)digit;
        }
        if (magnitude > (ulong)long.MaxValue + (negative ? 1UL : 0))
            return false;
        value = negative ? unchecked(-(long)magnitude) : (long)magnitude;
        return true;
    }

    /// <summary>Would the text be read back as itself when written plain?</summary>
    public static bool IsPlainText(string text) => Resolve(text) is string && !Base60().IsMatch(text) && !Timestamp().IsMatch(text);

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.NonBacktracking)]
    private static partial Regex Float();

    /// <summary>Sexagesimal numbers of YAML 1.1, which other readers may know.</summary>
    [GeneratedRegex(@"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\z", RegexOptions.NonBacktracking)]
    private static partial Regex Base60();

    [GeneratedRegex(@"^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?\z", RegexOptions.NonBacktracking)]
    private static partial Regex Timestamp();
}
