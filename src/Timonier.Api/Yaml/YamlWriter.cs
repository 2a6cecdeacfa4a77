using System.Globalization;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Api.Yaml;

/// <summary>
/// Writes trees as kubectl prints them: keys sorted, lists not indented below their key, strings plain where they read back as
/// themselves, folded at 80 columns. Source: sigs.k8s.io/yaml over yaml.v2.
/// </summary>
public static class YamlWriter
{
    /// <summary>A longer key is no simple key: "? key" on a line, ": value" on the next. Source: the YAML specification gives 1024, libyaml 128.</summary>
    private const int SimpleKeyBytesMax = 128;

    public static string Write(object? value)
    {
        var output = new YamlOutput();
        switch (value)
        {
            case JsonMap { Count: > 0 } map:
                WriteMap(map, 0, output);
                break;
            case JsonList { Count: > 0 } list:
                WriteList(list, 0, output);
                break;
            default:
                WriteLeaf(value, 0, output);
                break;
        }
        return output.ToString();
    }

    /// <param name="indent">Where the keys stand. The first key is written where the output is when that is already past the indent (after "- ").</param>
    private static void WriteMap(JsonMap map, int indent, YamlOutput output)
    {
        foreach (var (key, value) in map.OrderBy(i => i.Key, KeyOrder))
        {
            output.Indent(indent);
            var simple = Encoding.UTF8.GetByteCount(key) <= SimpleKeyBytesMax && !key.Contains('\n', StringComparison.Ordinal);
            if (!simple)
                output.Put("? ");
            YamlText.WriteString(key, indent, output, isKey: simple);
            if (!simple)
            {
                output.EndLine();
                output.Indent(indent);
            }
            output.Put(":");
            switch (value)
            {
                case JsonMap { Count: > 0 } inner:
                    output.EndLine();
                    WriteMap(inner, indent + 2, output);
                    break;
                case JsonList { Count: > 0 } inner:
                    output.EndLine();
                    WriteList(inner, indent, output);
                    break;
                default:
                    output.Put(" ");
                    WriteLeaf(value, indent, output);
                    break;
            }
        }
    }

    private static void WriteList(JsonList list, int indent, YamlOutput output)
    {
        foreach (var item in list)
        {
            output.Indent(indent);
            output.Put("- ");
            switch (item)
            {
                case JsonMap { Count: > 0 } inner:
                    WriteMap(inner, indent + 2, output);
                    break;
                case JsonList { Count: > 0 } inner:
                    WriteList(inner, indent + 2, output);
                    break;
                default:
                    WriteLeaf(item, indent, output);
                    break;
            }
        }
    }

    private static void WriteLeaf(object? value, int indent, YamlOutput output)
    {
        switch (value)
        {
            case null: output.Put("null"); break;
            case bool flag: output.Put(flag ? "true" : "false"); break;
            case long number: output.Put(number.ToString(CultureInfo.InvariantCulture)); break;
            case int number: output.Put(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: output.Put(Number(number)); break;
            case JsonMap: output.Put("{}"); break;
            case JsonList: output.Put("[]"); break;
            default: YamlText.WriteString((string)value, indent, output, isKey: false); break;
        }
        output.EndLine();
    }

    /// <summary>Go's shortest form with "%g"'s choice of exponents; whole numbers as such.</summary>
    private static string Number(double number)
    {
        if (double.IsInteger(number) && Math.Abs(number) < 9e18)
            return ((long)number).ToString(CultureInfo.InvariantCulture);
        var text = number.ToString("E16", CultureInfo.InvariantCulture);
        var exponent = int.Parse(text.AsSpan(text.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        if (exponent is >= -4 and < 21 && !(exponent >= 6 && !double.IsInteger(number)))
            return decimal.TryParse(shortest, NumberStyles.Float, CultureInfo.InvariantCulture, out var plain) ? plain.ToString(CultureInfo.InvariantCulture) : shortest;
        var digits = new string([.. shortest.Split('E')[0].Where(char.IsAsciiDigit)]).TrimStart('0').TrimEnd('0');
        var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return $"{(number < 0 ? "-" : "")}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    /// <summary>yaml.v2's order of keys: letters after other characters, runs of digits by their number.</summary>
    private static readonly Comparer<string> KeyOrder = Comparer<string>.Create(CompareKeys);

    private static int CompareKeys(string a, string b)
    {
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            if (a[i] == b[i])
                continue;
            var (letterA, letterB) = (char.IsLetter(a[i]), char.IsLetter(b[i]));
            if (letterA || letterB)
                return letterA && letterB ? a[i] - b[i] : letterB ? -1 : 1;
            var zeros = (a[i] == '0' || b[i] == '0') && HasNumberBefore(a, i) ? 1L : 0;
            var (numberA, endA) = NumberAt(a, i, zeros);
            var (numberB, endB) = NumberAt(b, i, zeros);
            if (numberA != numberB)
                return numberA.CompareTo(numberB);
            return endA != endB ? endA - endB : a[i] - b[i];
        }
        return a.Length - b.Length;
    }

    private static bool HasNumberBefore(string text, int at)
    {
        for (var i = at - 1; i >= 0 && char.IsDigit(text[i]); i--)
        {
            if (text[i] != '0')
                return true;
        }
        return false;
    }

    private static (long Number, int End) NumberAt(string text, int at, long number)
    {
        for (; at < text.Length && char.IsDigit(text[at]); at++)
            number = unchecked((number * 10) + text[at] - '0');
        return (number, at);
    }
}
