using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.ApiServer.CustomResources;

/// <summary>
/// The JSONPath of printer columns: fields (.a, ['a']), items ([0], [*]) and items by a field's value ([?(@.type=="Ready")]). The first match
/// counts, as in upstream's table of custom resources.
/// </summary>
internal sealed class PathExpression
{
    private readonly List<Func<object?, IEnumerable<object?>>> _steps = [];

    /// <param name="text">".status.conditions[?(@.type==\"Ready\")].status".</param>
    public PathExpression(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            if (text[at] == '.')
            {
                var end = at + 1;
                while (end < text.Length && (text[end] is not ('.' or '[') || text[end - 1] == '\\'))
                    end++;
                if (end > at + 1)
                    AddField(text[(at + 1)..end].Replace("\\.", ".", StringComparison.Ordinal));
                at = end;
                continue;
            }
            var close = text[at] == '[' ? text.IndexOf(']', at) : -1;
            // What is no path at all shows nothing; validation has refused it before.
            if (close < 0)
                return;
            AddBracket(text[(at + 1)..close]);
            at = close + 1;
        }
    }

    /// <summary>Null when nothing matches.</summary>
    public object? First(object? root)
    {
        IEnumerable<object?> found = [root];
        foreach (var step in _steps)
            found = found.SelectMany(step);
        return found.FirstOrDefault(v => v is not null);
    }

    private void AddField(string name) => _steps.Add(v => v is JsonMap map && map.TryGetValue(name, out var inner) ? [inner] : []);

    private void AddBracket(string inner)
    {
        if (inner == "*")
        {
            _steps.Add(v => v as JsonList ?? []);
        }
        else if (int.TryParse(inner, CultureInfo.InvariantCulture, out var index))
        {
            _steps.Add(v => v is JsonList list && Math.Abs(index) <= list.Count && (index < 0 ? list.Count + index : index) < list.Count ? [list[index < 0 ? list.Count + index : index]] : []);
        }
        else if (inner.StartsWith("?(@", StringComparison.Ordinal) && inner.IndexOf("==", StringComparison.Ordinal) is > 0 and var equals)
        {
            var field = new PathExpression(inner[3..equals].Trim());
            var wanted = inner[(equals + 2)..].TrimEnd(')').Trim().Trim('"', '\'');
            _steps.Add(v => (v as JsonList ?? []).Where(i => Text(field.First(i)) == wanted));
        }
        else
        {
            AddField(inner.Trim('\'', '"'));
        }
    }

    public static string Text(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        JsonMap or JsonList => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
