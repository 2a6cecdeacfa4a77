using System.Text;

namespace Timonier.Api.Cel;

/// <summary>Property names that are no identifiers stand escaped in expressions: a__dash__b, __namespace__. Source: CRD validation rules.</summary>
internal static class CelNames
{
    private static readonly (string Escaped, char Plain)[] Marks = [("__dot__", '.'), ("__dash__", '-'), ("__slash__", '/')];

    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    };

    public static string Unescape(string name)
    {
        if (!name.Contains("__", StringComparison.Ordinal))
            return name;
        if (name.Length > 4 && name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) && Reserved.Contains(name[2..^2]))
            return name[2..^2];
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length;)
        {
            var rest = name.AsSpan(i);
            if (rest.StartsWith("__underscores__"))
            {
                text.Append("__");
                i += "__underscores__".Length;
                continue;
            }
            var found = false;
            foreach (var (escaped, plain) in Marks)
            {
                if (!rest.StartsWith(escaped))
                    continue;
                text.Append(plain);
                i += escaped.Length;
                found = true;
                break;
            }
            if (!found)
                text.Append(name[i++]);
        }
        return text.ToString();
    }
}
