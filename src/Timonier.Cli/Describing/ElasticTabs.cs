using System.Text;

namespace Timonier.Cli.Describing;

/// <summary>
/// Tabs as columns, as Go's text/tabwriter lays them out for kubectl: a cell ends with a tab; in a run of lines that all have the cell, it is as
/// wide as the widest plus two. What follows the last tab of a line belongs to no column.
/// </summary>
internal static class ElasticTabs
{
    private const int Padding = 2;

    public static string Format(string text)
    {
        var lines = text.Split('\n').Select(l => l.Split('\t')).ToArray();
        var output = new StringBuilder(text.Length * 2);
        Write(lines, [], output);
        // The last line break ends a line, and begins none.
        output.Length--;
        return output.ToString();
    }

    private static void Write(ReadOnlySpan<string[]> lines, List<int> widths, StringBuilder output)
    {
        var column = widths.Count;
        for (var start = 0; start < lines.Length;)
        {
            var end = start;
            var width = Padding;
            for (; end < lines.Length && lines[end].Length - 1 > column; end++)
                width = Math.Max(width, lines[end][column].EnumerateRunes().Count() + Padding);
            if (end == start)
            {
                WriteLine(lines[start++], widths, output);
                continue;
            }
            widths.Add(width);
            Write(lines[start..end], widths, output);
            widths.RemoveAt(column);
            start = end;
        }
    }

    private static void WriteLine(string[] cells, List<int> widths, StringBuilder output)
    {
        for (var i = 0; i < cells.Length; i++)
        {
            output.Append(cells[i]);
            if (i < cells.Length - 1)
                output.Append(' ', widths[i] - cells[i].EnumerateRunes().Count());
        }
        output.Append('\n');
    }
}
