using System.Text;

namespace Timonier.Kubelet.Pods;

/// <summary><c>$(NAME)</c> in commands, arguments, environment and subPathExpr; <c>$$</c> is a dollar sign. Upstream: third_party/forked/golang/expansion.</summary>
internal static class Expansion
{
    /// <param name="variables">A reference to a name that is not there stays as it is written.</param>
    /// <param name="onMissing">Called with each such name; null when nobody cares.</param>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables, Action<string>? onMissing = null)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }
            i++;
            var end = text[i] == '(' ? text.IndexOf(')', i) : -1;
            if (end > 0)
            {
                var name = text[(i + 1)..end];
                if (variables.TryGetValue(name, out var value))
                    result.Append(value);
                else
                {
                    onMissing?.Invoke(name);
                    result.Append("$(").Append(name).Append(')');
                }
                i = end;
            }
            else if (text[i] == '$')
                result.Append('$');
            else
                result.Append('$').Append(text[i]);
        }
        return result.ToString();
    }
}
