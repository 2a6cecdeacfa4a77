using System.Globalization;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Cli.Printing;

/// <summary>A template of -o jsonpath=: text, {paths}, {"quoted"}, {range path}...{end}.</summary>
internal sealed class JsonPathTemplate
{
    private readonly List<Part> _parts;

    private abstract record Part;

    private sealed record TextPart(string Text) : Part;

    private sealed record PathPart(IReadOnlyList<JsonPathStep> Steps) : Part;

    private sealed record RangePart(IReadOnlyList<JsonPathStep> Steps, List<Part> Inner) : Part;

    private JsonPathTemplate(List<Part> parts) => _parts = parts;

    /// <exception cref="CliException">The template cannot be read.</exception>
    public static JsonPathTemplate Parse(string template)
    {
        // Without braces it is one path, with or without a leading dot.
        if (!template.Contains('{'))
            return new JsonPathTemplate([new PathPart(JsonPathParser.Parse(template.StartsWith('.') || template.StartsWith('$') ? template : "." + template))]);
        var open = new Stack<(IReadOnlyList<JsonPathStep> Steps, List<Part> Parts)>();
        var parts = new List<Part>();
        var at = 0;
        while (at < template.Length)
        {
            var start = template.IndexOf('{', at);
            if (start < 0)
                start = template.Length;
            if (start > at)
                parts.Add(new TextPart(template[at..start]));
            if (start == template.Length)
                break;
            var end = Closing(template, start);
            var inside = template[(start + 1)..end].Trim();
            at = end + 1;
            if (inside.StartsWith("range ", StringComparison.Ordinal))
            {
                open.Push((JsonPathParser.Parse(inside[6..]), parts));
                parts = [];
            }
            else if (inside == "end")
            {
                if (!open.TryPop(out var outer))
                    throw new CliException($"error parsing jsonpath {template}, not in range, nothing to end");
                outer.Parts.Add(new RangePart(outer.Steps, parts));
                parts = outer.Parts;
            }
            else if (inside is ['"' or '\'', ..])
                parts.Add(new TextPart(Unquote(inside)));
            else
                parts.Add(new PathPart(JsonPathParser.Parse(inside)));
        }
        return open.Count == 0 ? new JsonPathTemplate(parts) : throw new CliException($"error parsing jsonpath {template}, unterminated range");
    }

    public string Execute(object? root)
    {
        var output = new StringBuilder();
        Execute(_parts, root, root, output);
        return output.ToString();
    }

    /// <summary>The values of a template that is one path, as --sort-by and custom-columns use it.</summary>
    public IReadOnlyList<object?> Values(object? root) => _parts is [PathPart path] ? [.. JsonPathEvaluation.Run(path.Steps, root, root)] : [];

    private static void Execute(List<Part> parts, object? value, object? root, StringBuilder output)
    {
        foreach (var part in parts)
        {
            switch (part)
            {
                case TextPart text:
                    output.Append(text.Text);
                    break;
                case PathPart path:
                    output.AppendJoin(' ', JsonPathEvaluation.Run(path.Steps, value, root).Select(Show));
                    break;
                case RangePart range:
                    foreach (var item in JsonPathEvaluation.Run(range.Steps, value, root))
                        Execute(range.Inner, item, root, output);
                    break;
            }
        }
    }

    public static string Show(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => Encoding.UTF8.GetString(JsonEncoder.Encode(OutputFlags.Sorted(value))),
    };

    private static int Closing(string template, int start)
    {
        char quote = default;
        for (var i = start + 1; i < template.Length; i++)
        {
            if (quote != default)
            {
                if (template[i] == '\\')
                    i++;
                else if (template[i] == quote)
                    quote = default;
            }
            else if (template[i] is '"' or '\'')
                quote = template[i];
            else if (template[i] == '}')
                return i;
        }
        throw new CliException($"error parsing jsonpath {template}, unclosed action");
    }

    private static string Unquote(string quoted)
    {
        var text = new StringBuilder();
        for (var i = 1; i < quoted.Length - 1; i++)
        {
            if (quoted[i] != '\\' || i + 1 == quoted.Length - 1)
            {
                text.Append(quoted[i]);
                continue;
            }
            i++;
            text.Append(quoted[i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var c => c });
        }
        return text.ToString();
    }
}
