using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.Selectors;

/// <summary>Reads a labelSelector query: a=b, c==d, e!=f, g in (x,y), h notin (z), i, !j, k&gt;1, l&lt;2. Source: apimachinery labels.Parse.</summary>
public static class LabelSelectorParser
{
    /// <exception cref="ApiException">BadRequest with upstream's message.</exception>
    public static LabelMatcher Parse(string text) => text.Length == 0 ? LabelMatcher.Everything : new Run(text).Selector();

    /// <summary>From a meta/v1 LabelSelector tree: null matches nothing, an empty one everything.</summary>
    /// <exception cref="ApiException">BadRequest: an operator, key or value is none.</exception>
    public static LabelMatcher FromTree(JsonMap? selector)
    {
        if (selector is null)
            return LabelMatcher.Nothing;
        var requirements = new List<LabelRequirement>();
        foreach (var (key, value) in selector.GetMap("matchLabels") ?? [])
            requirements.Add(Check(new(key, "In", [value as string ?? ""]), "In"));
        foreach (var expression in (selector.GetList("matchExpressions") ?? []).OfType<JsonMap>())
        {
            var op = expression.GetString("operator") ?? "";
            if (op is not ("In" or "NotIn" or "Exists" or "DoesNotExist"))
                throw ApiException.BadRequest($"\"{op}\" is not a valid label selector operator");
            requirements.Add(Check(new(expression.GetString("key") ?? "", op, [.. (expression.GetList("values") ?? []).OfType<string>()]), op));
        }
        return requirements.Count == 0 ? LabelMatcher.Everything : new(requirements);
    }

    private static LabelRequirement Check(LabelRequirement requirement, string written)
    {
        if (LabelFormats.KeyFaults(requirement.Key) is { } keyFaults)
            throw Invalid("key", $"\"{requirement.Key}\"", keyFaults);
        switch (written)
        {
            case "In" or "NotIn" when requirement.Values.Count == 0:
                throw Invalid("values", "[]", "for 'in', 'notin' operators, values set can't be empty");
            case "Exists" or "DoesNotExist" when requirement.Values.Count > 0:
                throw Invalid("values", $"[\"{string.Join("\",\"", requirement.Values)}\"]", "values set must be empty for exists and does not exist");
            case "Gt" or "Lt" when !long.TryParse(requirement.Values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _):
                throw Invalid("values[0]", $"\"{requirement.Values[0]}\"", "for 'Gt', 'Lt' operators, the value must be an integer");
        }
        for (var i = 0; i < requirement.Values.Count; i++)
        {
            if (LabelFormats.ValueFaults(requirement.Values[i]) is { } faults)
                throw Invalid($"values[{i}][{requirement.Key}]", $"\"{requirement.Values[i]}\"", faults);
        }
        return requirement;
    }

    private static ApiException Invalid(string path, string value, string why) => ApiException.BadRequest($"unable to parse requirement: {path}: Invalid value: {value}: {why}");

    /// <summary>One parse: tokens are identifiers or the symbols , ( ) ! = == != &lt; &gt;; the end is an empty symbol.</summary>
    private ref struct Run(string text)
    {
        private int _at;

        private const string Specials = "=!(),><";

        private readonly (string Text, bool Identifier, int End) Look()
        {
            var at = _at;
            while (at < text.Length && text[at] is ' ' or '\t' or '\r' or '\n')
                at++;
            if (at == text.Length)
                return ("", false, at);
            if (Specials.Contains(text[at]))
            {
                var length = at + 1 < text.Length && text[at + 1] == '=' && text[at] is '=' or '!' ? 2 : 1;
                return (text.Substring(at, length), false, at + length);
            }
            var end = at;
            while (end < text.Length && !Specials.Contains(text[end]) && text[end] is not (' ' or '\t' or '\r' or '\n'))
                end++;
            return (text[at..end], true, end);
        }

        private (string Text, bool Identifier) Take()
        {
            var (token, identifier, end) = Look();
            _at = end;
            return (token, identifier);
        }

        public LabelMatcher Selector()
        {
            var requirements = new List<LabelRequirement>();
            while (true)
            {
                var first = Look();
                if (first is ("", false, _))
                    break;
                if (!first.Identifier && first.Text != "!")
                    throw ApiException.BadRequest($"found '{first.Text}', expected: !, identifier, or 'end of string'");
                requirements.Add(Requirement());
                var (separator, identifier) = Take();
                if (separator.Length == 0)
                    break;
                if (identifier || separator != ",")
                    throw ApiException.BadRequest($"found '{separator}', expected: ',' or 'end of string'");
                var next = Look();
                if (!next.Identifier && next.Text != "!")
                    throw ApiException.BadRequest($"found '{next.Text}', expected: identifier after ','");
            }
            return requirements.Count == 0 ? LabelMatcher.Everything : new(requirements);
        }

        private static ApiException Unparsable(string why) => ApiException.BadRequest("unable to parse requirement: " + why);

        private LabelRequirement Requirement()
        {
            var (key, isKey) = Take();
            var absent = !isKey && key == "!";
            if (absent)
                (key, isKey) = Take();
            if (!isKey)
                throw Unparsable($"found '{key}', expected: identifier");
            if (LabelFormats.KeyFaults(key) is { } faults)
                throw Invalid("<nil>", $"\"{key}\"", faults);
            if (absent)
                return new(key, "DoesNotExist", []);
            if (Look() is (Text: "" or ",", Identifier: false, _))
                return new(key, "Exists", []);
            var (op, word) = Take();
            switch (op, word)
            {
                case ("in", true): return Check(new(key, "In", Values()), "In");
                case ("notin", true): return Check(new(key, "NotIn", Values()), "NotIn");
                case ("=" or "==", false): return Check(new(key, "In", [ExactValue()]), "=");
                case ("!=", false): return Check(new(key, "NotIn", [ExactValue()]), "!=");
                case (">", false): return Check(new(key, "Gt", [ExactValue()]), "Gt");
                case ("<", false): return Check(new(key, "Lt", [ExactValue()]), "Lt");
                default: throw Unparsable($"found '{op}', expected: in, notin, =, ==, !=, gt, lt");
            }
        }

        private string ExactValue()
        {
            if (Look() is (Text: "" or ",", Identifier: false, _))
                return "";
            var (value, identifier) = Take();
            return identifier ? value : throw Unparsable($"found '{value}', expected: identifier");
        }

        /// <summary>The list in parentheses; "(,a)" and "(a,)" hold the empty value too.</summary>
        private SortedSetList Values()
        {
            var values = new SortedSetList();
            var open = Take();
            if (open is not ("(", false))
                throw Unparsable($"found '{open.Text}' expected: '('");
            var expectValue = true;
            while (true)
            {
                var (token, identifier) = Take();
                if (identifier && expectValue)
                {
                    values.Insert(token);
                    expectValue = false;
                }
                else if (!identifier && token is "," or ")")
                {
                    if (expectValue && !(token == ")" && values.Count == 0))
                        values.Insert("");
                    expectValue = true;
                    if (token == ")")
                        return values;
                }
                else
                {
                    throw Unparsable($"found '{token}', expected: {(expectValue ? "',', ')' or identifier" : "',' or ')'")}");
                }
            }
        }
    }

    private sealed class SortedSetList : List<string>
    {
        public void Insert(string value)
        {
            var at = BinarySearch(value, StringComparer.Ordinal);
            if (at < 0)
                Insert(~at, value);
        }
    }
}
