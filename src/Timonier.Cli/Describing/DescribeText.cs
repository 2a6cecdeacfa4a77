using System.Text;

namespace Timonier.Cli.Describing;

/// <summary>Lines of "Name:  value" whose values stand one below the other, as describe prints them.</summary>
internal sealed class DescribeText
{
    private const int Gap = 2;

    private readonly List<string[]> _lines = [];

    public void Line(int level, params string[] cells) => _lines.Add([new string(' ', level * 2) + cells[0], .. cells[1..]]);

    /// <summary>The first value beside the name, the others below it.</summary>
    public void List(int level, string name, IEnumerable<string> values)
    {
        var any = false;
        foreach (var value in values)
        {
            Line(level, any ? "" : name, value);
            any = true;
        }
        if (!any)
            Line(level, name, "<none>");
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        // Neighbours with the same number of cells form a block of their own.
        for (var start = 0; start < _lines.Count;)
        {
            var end = start;
            while (end < _lines.Count && (_lines[end].Length > 1) == (_lines[start].Length > 1))
                end++;
            Append(text, _lines[start..end]);
            start = end;
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, List<string[]> block)
    {
        var widths = new int[block.Max(l => l.Length)];
        foreach (var line in block)
        {
            for (var i = 0; i < line.Length - 1; i++)
                widths[i] = Math.Max(widths[i], line[i].Length);
        }
        foreach (var line in block)
        {
            for (var i = 0; i < line.Length; i++)
                text.Append(i == line.Length - 1 ? line[i] : line[i].PadRight(widths[i] + Gap));
            text.Append('\n');
        }
    }
}
