namespace Timonier.Cli.Printing;

/// <summary>Columns of text, as wide as their longest cell, some spaces apart.</summary>
internal sealed class TextTable(TextWriter output, int gap = 3)
{
    /// <summary>No column but the last is narrower, gap included.</summary>
    private const int WidthMin = 6;

    private readonly List<string[]> _rows = [];
    private int[] _widths = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Writes what was added. Widths only grow, so that the rows of a watch stay aligned with those before.</summary>
    public void Flush()
    {
        var columns = _rows.Count == 0 ? 0 : _rows.Max(r => r.Length);
        if (_widths.Length < columns)
            Array.Resize(ref _widths, columns);
        foreach (var row in _rows)
        {
            for (var i = 0; i < row.Length; i++)
                _widths[i] = Math.Max(_widths[i], row[i].Length);
        }
        foreach (var row in _rows)
        {
            for (var i = 0; i < row.Length; i++)
                output.Write(i == row.Length - 1 ? row[i] : row[i].PadRight(Math.Max(_widths[i] + gap, gap == 3 ? WidthMin : 0)));
            output.WriteLine();
        }
        _rows.Clear();
    }
}
