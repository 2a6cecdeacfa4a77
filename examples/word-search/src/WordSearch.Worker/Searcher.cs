using System.Text.RegularExpressions;

namespace WordSearch.Worker;

/// <summary>Finds whole words, whatever their case.</summary>
public static partial class Searcher
{
    private const int LinesMax = 10;

    public static IReadOnlyList<WordHits> Search(string text, IReadOnlyList<string> words)
    {
        var counts = new Dictionary<string, (int Count, List<int> Lines)>(StringComparer.OrdinalIgnoreCase);
        foreach (var word in words)
            counts[word.Trim()] = (0, []);
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            foreach (var match in Word().EnumerateMatches(line))
            {
                var word = line.Slice(match.Index, match.Length).ToString();
                if (!counts.TryGetValue(word, out var hits))
                    continue;
                if (hits.Lines.Count < LinesMax && (hits.Lines.Count == 0 || hits.Lines[^1] != number))
                    hits.Lines.Add(number);
                counts[word] = (hits.Count + 1, hits.Lines);
            }
        }
        return [.. words.Select(word => new WordHits(word, counts[word.Trim()].Count, counts[word.Trim()].Lines))];
    }

    [GeneratedRegex(@"[\p{L}\p{N}'’-]+")]
    private static partial Regex Word();
}
