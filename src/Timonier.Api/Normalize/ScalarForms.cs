using System.Buffers.Text;
using System.Globalization;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Normalize;

/// <summary>The canonical JSON form of each kind of scalar.</summary>
internal static class ScalarForms
{
    /// <returns>False when the value is of a type that Go would refuse as such.</returns>
    /// <exception cref="FormatException">The type is right, the text is not: Go's message.</exception>
    public static bool Normalize(object value, ValueKind kind, out object? normalized)
    {
        normalized = value;
        switch (kind)
        {
            case ValueKind.String: return value is string;
            case ValueKind.Bool: return value is bool;
            case ValueKind.Int64: return value is long;
            case ValueKind.Int32: return value is >= (long)int.MinValue and <= (long)int.MaxValue;
            case ValueKind.Float64: return value is long or double;
            case ValueKind.Bytes:
                normalized = value is string base64 ? Base64Text(base64) : null;
                return normalized is not null;
            case ValueKind.Time:
                normalized = value is string time ? Time(time) : null;
                return normalized is not null;
            case ValueKind.MicroTime:
                normalized = value is string microTime ? MicroTime(microTime) : null;
                return normalized is not null;
            case ValueKind.Duration:
                normalized = value is string duration ? Duration(duration) : null;
                return normalized is not null;
            case ValueKind.Quantity:
                normalized = value switch
                {
                    string text => QuantityText(text),
                    long or double => QuantityText(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)),
                    _ => null,
                };
                return normalized is not null;
            case ValueKind.IntOrString: return value is string or (>= (long)int.MinValue and <= (long)int.MaxValue);
            case ValueKind.FieldsV1: return value is JsonMap;
            default: return true;
        }
    }

    private static string Base64Text(string text)
    {
        var clean = text;
        if (text.AsSpan().IndexOfAny('\r', '\n') >= 0)
            clean = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        if (Base64.IsValid(clean.AsSpan()) && clean.AsSpan().IndexOfAny(' ', '\t') < 0)
            return clean;
        var bad = 0;
        while (bad < clean.Length && (char.IsAsciiLetterOrDigit(clean[bad]) || clean[bad] is '+' or '/'))
            bad++;
        throw new FormatException($"illegal base64 data at input byte {(bad == clean.Length ? bad & ~3 : bad)}");
    }

    private static string Time(string text)
    {
        if (IsCanonicalTime(text))
            return text;
        return ParseTime(text, "2006-01-02T15:04:05Z07:00").ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>Does the text have the canonical form, and a plausible date? Leap seconds and month lengths go the slow way.</summary>
    private static bool IsCanonicalTime(string t)
    {
        if (t.Length != 20 || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' || t[19] != 'Z')
            return false;
        return Two(t, 0) >= 0 && Two(t, 2) >= 0 && Two(t, 5) is >= 1 and <= 12 && Two(t, 8) is >= 1 and <= 28
            && Two(t, 11) is >= 0 and <= 23 && Two(t, 14) is >= 0 and <= 59 && Two(t, 17) is >= 0 and <= 59;
    }

    private static int Two(string text, int at) =>
        char.IsAsciiDigit(text[at]) && char.IsAsciiDigit(text[at + 1]) ? ((text[at] - '0') * 10) + text[at + 1] - '0' : -1;

    private static string MicroTime(string text) =>
        ParseTime(text, "2006-01-02T15:04:05.000000Z07:00").ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset ParseTime(string text, string goLayout)
    {
        // "T" and a zone are part of RFC 3339; .NET's own parser would accept much more.
        if (text.Length >= 20 && text[10] == 'T' && (text[^1] == 'Z' || (text[^3] == ':' && text[^6] is '+' or '-'))
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time))
            return time;
        var year = text.Length >= 4 && text.AsSpan(0, 4).IndexOfAnyExceptInRange('0', '9') < 0;
        throw new FormatException(year
            ? $"parsing time \"{text}\" as \"{goLayout}\": cannot parse \"{text[4..]}\" as \"-\""
            : $"parsing time \"{text}\" as \"{goLayout}\": cannot parse \"{text}\" as \"2006\"");
    }

    private static string Duration(string text) =>
        GoDuration.TryParse(text, out var duration) ? GoDuration.Format(duration) : throw new FormatException($"time: invalid duration \"{text}\"");

    public static string QuantityText(string text)
    {
        text = text.Trim();
        return IsCanonicalQuantity(text) ? text : Quantity.Parse(text).ToString();
    }

    /// <summary>One to three digits and a suffix are canonical already, and most quantities are of this form.</summary>
    private static bool IsCanonicalQuantity(string text)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        return digits is >= 1 and <= 3 && text[0] != '0' && (text.AsSpan(digits) is "" or "m" or "k" or "M" or "G" or "T" or "Ki" or "Mi" or "Gi" or "Ti");
    }
}
