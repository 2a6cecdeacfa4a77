using System.Buffers;
using System.Globalization;
using System.Text;

namespace Timonier.Api.Yaml;

/// <summary>Chooses the style of a string and writes it: libyaml's rules.</summary>
internal static class YamlText
{
    /// <summary>Longer lines are folded at the next space.</summary>
    private const int WidthMax = 80;

    /// <param name="indent">Of the collection that holds the string; its further lines stand two deeper.</param>
    public static void WriteString(string text, int indent, YamlOutput output, bool isKey)
    {
        var traits = Analyze(text);
        if (text.Contains('\n', StringComparison.Ordinal) && traits.BlockAllowed && !isKey)
            WriteLiteral(text, indent + 2, output);
        else if (!YamlScalar.IsPlainText(text) && text != "<<" || traits.Special || text.Contains('\n', StringComparison.Ordinal))
            WriteDoubleQuoted(text, indent + 2, output, isKey);
        else if (traits.PlainAllowed)
            WriteFolded(text, indent + 2, output, isKey);
        else
            WriteSingleQuoted(text, indent + 2, output, isKey);
    }

    private readonly record struct Traits(bool PlainAllowed, bool BlockAllowed, bool Special);

    private static readonly SearchValues<char> FirstIndicators = SearchValues.Create("#,[]{}&*!|>'\"%@`");

    private static Traits Analyze(string text)
    {
        if (text.Length == 0)
            return new(true, false, false);
        var indicators = text.StartsWith("---", StringComparison.Ordinal) || text.StartsWith("...", StringComparison.Ordinal);
        bool special = false, spaceBreak = false;
        var before = ' ';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var spaceFollows = i + 1 == text.Length || text[i + 1] is ' ' or '\t' or '\n' or '\r';
            indicators |= i == 0
                ? FirstIndicators.Contains(c) || (c is '?' or ':' or '-' && spaceFollows)
                : (c == ':' && spaceFollows) || (c == '#' && before is ' ' or '\t' or '\n' or '\r');
            special |= !IsPrintable(text, i);
            spaceBreak |= c == '\n' && before == ' ' && i > 0;
            before = c;
        }
        var edges = text[0] is ' ' or '\n' || text[^1] is ' ' or '\n';
        return new(!edges && !indicators && !special, text[^1] != ' ' && !spaceBreak && !special, special || spaceBreak);
    }

    /// <summary>What yaml.v2 writes as it is: line feed, and all that is printable below the astral planes.</summary>
    private static bool IsPrintable(string text, int at) => text[at] is '\n' or (>= ' ' and <= '~') or (>= '\u00a0' and < '\u2028') or (> '\u2029' and <= '\ud7ff') or (>= '\ue000' and <= '\ufffd' and not '\ufeff');

    private static void WriteLiteral(string text, int indent, YamlOutput output)
    {
        output.Put("|");
        if (text[0] is ' ' or '\n')
            output.Put("2");
        if (text[^1] != '\n')
            output.Put("-");
        else if (text.Length == 1 || text[^2] == '\n')
            output.Put("+");
        var ended = text[^1] == '\n' ? text[..^1] : text;
        foreach (var line in ended.Split('\n'))
        {
            output.NewLine();
            if (line.Length > 0)
            {
                output.Indent(indent);
                output.Put(line);
            }
        }
        if (text[^1] == '\n')
            output.NewLine();
    }

    private static void WriteFolded(string text, int indent, YamlOutput output, bool isKey)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == ' ' && !isKey && output.Column > WidthMax && text[i - 1] != ' ' && text[i + 1] != ' ')
                output.Fold(indent);
            else
                output.Put(text[i]);
        }
    }

    private static void WriteSingleQuoted(string text, int indent, YamlOutput output, bool isKey)
    {
        output.Put("'");
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == ' ' && !isKey && output.Column > WidthMax && i > 0 && i < text.Length - 1 && text[i - 1] != ' ' && text[i + 1] != ' ')
                output.Fold(indent);
            else if (text[i] == '\'')
                output.Put("''");
            else
                output.Put(text[i]);
        }
        output.Put("'");
    }

    private static void WriteDoubleQuoted(string text, int indent, YamlOutput output, bool isKey)
    {
        output.Put("\"");
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == ' ' && !isKey && output.Column > WidthMax && i > 0 && i < text.Length - 1 && text[i - 1] != ' ')
            {
                output.Fold(indent);
                if (text[i + 1] == ' ')
                    output.Put("\\");
            }
            else if (c is '"' or '\\' or '\n' || !IsPrintable(text, i))
            {
                if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    output.Put(string.Create(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(c, text[++i]):X8}"));
                else
                    output.Put(Escape(c));
            }
            else
            {
                output.Put(c);
            }
        }
        output.Put("\"");
    }

    private static string Escape(char c) => c switch
    {
        '\0' => "\\0", '\a' => "\\a", '\b' => "\\b", '\t' => "\\t", '\n' => "\\n", '\v' => "\\v", '\f' => "\\f", '\r' => "\\r", '\e' => "\\e",
        '"' => "\\\"", '\\' => "\\\\", '\u0085' => "\\N", '\u2028' => "\\L", '\u2029' => "\\P",
        <= '\u00ff' => "\\x" + ((int)c).ToString("X2", CultureInfo.InvariantCulture),
        _ => "\\u" + ((int)c).ToString("X4", CultureInfo.InvariantCulture),
    };
}

/// <summary>Text that knows its column.</summary>
internal sealed class YamlOutput
{
    private readonly StringBuilder _text = new();

    public int Column { get; private set; }

    public void Put(string text)
    {
        _text.Append(text);
        Column += text.Length;
    }

    public void Put(char c)
    {
        _text.Append(c);
        if (!char.IsLowSurrogate(c))
            Column++;
    }

    /// <summary>Spaces up to a column; nothing when already there.</summary>
    public void Indent(int column)
    {
        if (column > Column)
            Put(new string(' ', column - Column));
    }

    public void NewLine()
    {
        _text.Append('\n');
        Column = 0;
    }

    /// <summary>Ends the line where it has not ended already.</summary>
    public void EndLine()
    {
        if (Column > 0)
            NewLine();
    }

    /// <summary>Breaks the line in place of a space.</summary>
    public void Fold(int indent)
    {
        NewLine();
        Indent(indent);
    }

    public override string ToString() => _text.ToString();
}
