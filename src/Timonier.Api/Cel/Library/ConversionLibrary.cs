using System.Globalization;
using System.Text;
using Timonier.Api.Normalize;

namespace Timonier.Api.Cel.Library;

/// <summary>int(), string(), duration(), ... and type(), dyn().</summary>
internal static class ConversionLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        functions.Add("type(A) type", a => CelValues.TypeOf(a[0]));
        functions.Add("dyn(A) dyn", a => a[0]);
        functions.Add("bool(bool) bool", a => a[0]);
        functions.Add("bool(string) bool", a => (string)a[0]! switch
        {
            "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
            "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
            var other => throw Failed("string", "bool", other),
        });
        foreach (var type in (string[])["int", "uint", "double", "string", "timestamp", "duration"])
            functions.Add($"int({type}) int", a => ToInt(a[0]));
        foreach (var type in (string[])["int", "uint", "double", "string"])
        {
            functions.Add($"uint({type}) uint", a => ToUint(a[0]));
            functions.Add($"double({type}) double", a => ToDouble(a[0]));
        }
        foreach (var type in (string[])["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "quantity", "ip", "cidr", "semver"])
            functions.Add($"string({type}) string", a => CelValues.ToText(a[0]));
        functions.Add("bytes(bytes) bytes", a => a[0]);
        functions.Add("bytes(string) bytes", a => Encoding.UTF8.GetBytes((string)a[0]!));
        functions.Add("duration(duration) duration", a => a[0]);
        functions.Add("duration(string) duration", a => GoDuration.TryParse((string)a[0]!, out var value) ? value : throw new CelException($"time: invalid duration \"{a[0]}\""));
        functions.Add("duration(int) duration", a => Math.Abs((decimal)(long)a[0]!) < 315_576_000_000m ? TimeSpan.FromSeconds((long)a[0]!) : throw new CelException("duration overflow"));
        functions.Add("timestamp(timestamp) timestamp", a => a[0]);
        functions.Add("timestamp(string) timestamp", a => ParseTime((string)a[0]!));
        functions.Add("timestamp(int) timestamp", a => (long)a[0]! is >= -62135596800 and <= 253402300799 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : throw new CelException("timestamp overflow"));
    }

    private static CelException Failed(string from, string to, string value) => new($"type conversion error from '{from}' to '{to}': {value}");

    private static DateTimeOffset ParseTime(string text)
    {
        try
        {
            return ScalarForms.ParseTime(text, "2006-01-02T15:04:05Z07:00");
        }
        catch (FormatException e)
        {
            throw new CelException(e.Message);
        }
    }

    private static object ToInt(object? value) => value switch
    {
        long => value,
        ulong number => number <= long.MaxValue ? (long)number : throw new CelException("integer overflow"),
        double number => number is > -9223372036854775808.0 and < 9223372036854775808.0 ? (long)number : throw new CelException("integer overflow"),
        string text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new CelException($"strconv.ParseInt: parsing \"{text}\": invalid syntax"),
        DateTimeOffset time => time.ToUnixTimeSeconds(),
        TimeSpan duration => duration.Ticks * 100,
        _ => throw CelException.NoSuchOverload(),
    };

    private static object ToUint(object? value) => value switch
    {
        ulong => value,
        long number => number >= 0 ? (ulong)number : throw new CelException("unsigned integer overflow"),
        double number => number is >= 0 and < 18446744073709551616.0 ? (ulong)number : throw new CelException("unsigned integer overflow"),
        string text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new CelException($"strconv.ParseUint: parsing \"{text}\": invalid syntax"),
        _ => throw CelException.NoSuchOverload(),
    };

    private static object ToDouble(object? value) => value switch
    {
        double => value,
        long number => (double)number,
        ulong number => (double)number,
        string text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw new CelException($"strconv.ParseFloat: parsing \"{text}\": invalid syntax"),
        _ => throw CelException.NoSuchOverload(),
    };
}
