using System.Globalization;
using System.Text;

namespace Timonier.Controllers.Jobs;

/// <summary>Completion indexes as few ranges, in the text form of a Job's status: "0,2-5,7". Immutable.</summary>
internal sealed class IndexSet
{
    public static readonly IndexSet Empty = new([]);

    private readonly (int First, int Last)[] _ranges;

    private IndexSet((int, int)[] ranges) => _ranges = ranges;

    public int Count => _ranges.Sum(r => r.Last - r.First + 1);

    /// <summary>Reads the text form; what is out of order, or not below the limit, ends it: it was not written by us.</summary>
    /// <param name="below">The Job's completions.</param>
    public static IndexSet Parse(string? text, int below)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-');
            if (!TryNumber(ends[0], out var first) || !TryNumber(ends[^1], out var last) || first >= below || first > last || (ranges.Count > 0 && first <= ranges[^1].Last))
                break;
            Append(ranges, first, Math.Min(last, below - 1));
        }
        return new([.. ranges]);
    }

    public bool Contains(int index)
    {
        foreach (var (first, last) in _ranges)
        {
            if (index <= last)
                return index >= first;
        }
        return false;
    }

    public IndexSet With(IEnumerable<int> indexes)
    {
        var added = indexes.Where(i => !Contains(i)).Distinct().Select(i => (First: i, Last: i)).ToList();
        if (added.Count == 0)
            return this;
        var ranges = new List<(int First, int Last)>();
        foreach (var (first, last) in _ranges.Concat(added).OrderBy(r => r.First))
            Append(ranges, first, last);
        return new([.. ranges]);
    }

    /// <summary>How many indexes both have.</summary>
    public int CountCommon(IndexSet other) =>
        _ranges.Sum(a => other._ranges.Sum(b => Math.Max(0, Math.Min(a.Last, b.Last) - Math.Max(a.First, b.First) + 1)));

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (first, last) in _ranges)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first)
                text.Append(CultureInfo.InvariantCulture, $"{(last == first + 1 ? ',' : '-')}{last}");
        }
        return text.ToString();
    }

    private static void Append(List<(int First, int Last)> ranges, int first, int last)
    {
        if (ranges.Count > 0 && ranges[^1].Last == first - 1)
            ranges[^1] = (ranges[^1].First, last);
        else
            ranges.Add((first, last));
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
