using System.Text;
using Timonier.Api.Errors;

namespace Timonier.Api.Selectors;

/// <summary>One term of a field selector.</summary>
public sealed record FieldRequirement(string Field, bool Equal, string Value);

/// <summary>A fieldSelector query: a=b, a==b, a!=b, all of which must hold. Immutable. Source: apimachinery fields.ParseSelector.</summary>
public sealed class FieldSelector(IReadOnlyList<FieldRequirement> requirements)
{
    public static readonly FieldSelector Everything = new([]);

    /// <summary>Empty: everything matches.</summary>
    public IReadOnlyList<FieldRequirement> Requirements { get; } = requirements;

    /// <summary>The value that the field must have, when a term says so: what an index can be asked for. Null otherwise.</summary>
    public string? RequiresExactMatch(string field) => Requirements.FirstOrDefault(r => r.Equal && r.Field == field)?.Value;

    /// <param name="valueOf">The value of a field; an absent field is the empty string.</param>
    public bool Matches(Func<string, string> valueOf)
    {
        foreach (var requirement in Requirements)
        {
            if (valueOf(requirement.Field) == requirement.Value != requirement.Equal)
                return false;
        }
        return true;
    }

    /// <exception cref="ApiException">BadRequest with upstream's message.</exception>
    public static FieldSelector Parse(string text)
    {
        var requirements = new List<FieldRequirement>();
        foreach (var term in SplitTerms(text))
        {
            if (term.Length == 0)
                continue;
            requirements.Add(ParseTerm(term) ?? throw ApiException.BadRequest($"invalid selector: '{text}'; can't understand '{term}'"));
        }
        return requirements.Count == 0 ? Everything : new(requirements);
    }

    /// <summary>Splits at commas that no backslash escapes.</summary>
    private static IEnumerable<string> SplitTerms(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == ',')
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }

    private static FieldRequirement? ParseTerm(string term)
    {
        for (var i = 0; i < term.Length; i++)
        {
            var rest = term.AsSpan(i);
            var length = rest.StartsWith("!=") || rest.StartsWith("==") ? 2 : rest[0] == '=' ? 1 : 0;
            if (length > 0)
                return new(term[..i], rest[0] != '!', Unescape(term[(i + length)..]));
        }
        return null;
    }

    private static string Unescape(string value)
    {
        if (value.AsSpan().IndexOfAny('\\', ',', '=') < 0)
            return value;
        var text = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            switch (value[i])
            {
                case '\\' when i + 1 < value.Length && value[i + 1] is '\\' or ',' or '=':
                    text.Append(value[++i]);
                    break;
                case '\\':
                    throw ApiException.BadRequest($"invalid field selector: invalid escape sequence: {value.Substring(i, Math.Min(2, value.Length - i))}");
                case ',' or '=':
                    throw ApiException.BadRequest($"invalid field selector: unescaped character in value: {value[i]}");
                default:
                    text.Append(value[i]);
                    break;
            }
        }
        return text.ToString();
    }

    /// <summary>The query's text, terms in order of their fields.</summary>
    public override string ToString() =>
        string.Join(',', Requirements.Select(r => $"{r.Field}{(r.Equal ? "=" : "!=")}{r.Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal)}"));
}
