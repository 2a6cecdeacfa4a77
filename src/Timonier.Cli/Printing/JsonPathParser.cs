using System.Globalization;
using System.Text;

namespace Timonier.Cli.Printing;

/// <summary>Reads the inside of one {...} of a JSONPath template.</summary>
internal sealed class JsonPathParser(string text)
{
    private int _at;

    /// <exception cref="CliException">What stands there is no path.</exception>
    public static IReadOnlyList<JsonPathStep> Parse(string text)
    {
        var parser = new JsonPathParser(text.Trim());
        var steps = parser.Steps();
        return parser._at == parser.Text.Length ? steps : throw parser.Wrong();
    }

    private string Text => text;

    private CliException Wrong() => new($"error parsing jsonpath {text}, unrecognized character in path: {(_at < text.Length ? text[_at..] : "end")}");

    private List<JsonPathStep> Steps()
    {
        var steps = new List<JsonPathStep>();
        if (_at < text.Length && text[_at] is '$' or '@')
            _at++;
        while (_at < text.Length)
        {
            if (text[_at] == '.')
            {
                _at++;
                if (_at < text.Length && text[_at] == '.')
                {
                    steps.Add(new RecursiveStep());
                    _at++;
                }
                if (_at < text.Length && text[_at] == '[')
                    continue;
                if (_at == text.Length)
                    break;
                AddName(steps);
            }
            else if (text[_at] == '[')
                steps.Add(Bracket());
            else if (steps.Count == 0 && IsNamePart(text[_at]))
                AddName(steps);
            else
                break;
        }
        return steps;
    }

    private void AddName(List<JsonPathStep> steps)
    {
        var name = Name();
        steps.Add(name == "*" ? new WildcardStep() : name.Length > 0 ? new FieldStep(name) : throw Wrong());
    }

    private string Name()
    {
        var name = new StringBuilder();
        while (_at < text.Length && (IsNamePart(text[_at]) || text[_at] == '\\'))
        {
            // A backslash keeps a dot as part of the key.
            if (text[_at] == '\\' && ++_at == text.Length)
                throw Wrong();
            name.Append(text[_at++]);
        }
        return name.ToString();
    }

    private static bool IsNamePart(char c) => c is not ('.' or '[' or ']' or ' ' or '(' or ')' or '=' or '!' or '<' or '>' or ',' or '&' or '|' or '\\' or '"' or '\'');

    private JsonPathStep Bracket()
    {
        _at++;
        if (Take("?("))
            return Filter();
        var end = Closing();
        var inside = text[_at..end].Trim();
        _at = end + 1;
        if (inside == "*")
            return new WildcardStep();
        if (inside.Length > 0 && inside[0] is '\'' or '"')
        {
            var names = inside.Split(',').Select(n => n.Trim().Trim('\'', '"')).ToList();
            return names.Count == 1 ? new FieldStep(names[0]) : new UnionStep([.. names.Select(n => (IReadOnlyList<JsonPathStep>)[new FieldStep(n)])]);
        }
        if (inside.Contains(','))
            return new UnionStep([.. inside.Split(',').Select(p => (IReadOnlyList<JsonPathStep>)[Slice(p.Trim())])]);
        return Slice(inside);
    }

    private int Closing()
    {
        char quote = default;
        for (var i = _at; i < text.Length; i++)
        {
            if (quote != default)
                quote = text[i] == quote ? default : quote;
            else if (text[i] is '\'' or '"')
                quote = text[i];
            else if (text[i] == ']')
                return i;
        }
        throw new CliException($"error parsing jsonpath {text}, unterminated array");
    }

    private SliceStep Slice(string inside)
    {
        var parts = inside.Split(':');
        int? Number(int i) => i >= parts.Length || parts[i].Length == 0 ? null
            : int.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
            : throw new CliException($"error parsing jsonpath {text}, invalid array index {inside}");
        if (parts.Length == 1)
            return new SliceStep(Number(0) ?? throw Wrong(), null, 1, Single: true);
        return new SliceStep(Number(0), Number(1), Number(2) is { } step && step > 0 ? step : 1, Single: false);
    }

    private FilterStep Filter()
    {
        SkipSpace();
        var left = Steps();
        SkipSpace();
        var symbol = new[] { "==", "!=", "<=", ">=", "<", ">" }.FirstOrDefault(Take) ?? "";
        SkipSpace();
        IReadOnlyList<JsonPathStep>? right = null;
        object? literal = null;
        if (symbol.Length > 0)
        {
            if (_at < text.Length && text[_at] is '@' or '$')
                right = Steps();
            else
                literal = Literal();
        }
        SkipSpace();
        return Take(")]") ? new FilterStep(left, symbol, right, literal) : throw new CliException($"error parsing jsonpath {text}, unterminated filter");
    }

    private object? Literal()
    {
        if (_at < text.Length && text[_at] is '\'' or '"')
        {
            var end = text.IndexOf(text[_at], _at + 1);
            if (end < 0)
                throw new CliException($"error parsing jsonpath {text}, unterminated quoted string");
            var quoted = text[(_at + 1)..end];
            _at = end + 1;
            return quoted;
        }
        var start = _at;
        while (_at < text.Length && text[_at] is not (')' or ' '))
            _at++;
        var word = text[start.._at];
        return word switch
        {
            "true" => true,
            "false" => false,
            _ when long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer) => integer,
            _ when double.TryParse(word, CultureInfo.InvariantCulture, out var number) => number,
            _ => word,
        };
    }

    private void SkipSpace()
    {
        while (_at < text.Length && text[_at] == ' ')
            _at++;
    }

    private bool Take(string expected)
    {
        if (string.CompareOrdinal(text, _at, expected, 0, expected.Length) != 0)
            return false;
        _at += expected.Length;
        return true;
    }
}
