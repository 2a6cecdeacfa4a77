using System.Globalization;
using System.Text.RegularExpressions;

namespace Timonier.Server.Api.Tests;

/// <summary>Reads Prometheus' text format 0.0.4, as strictly as its own parser and its linter of histograms. Source: prometheus.io/docs/instrumenting/exposition_formats.</summary>
internal sealed partial class PrometheusText
{
    private readonly Dictionary<string, string> _types = [];
    private readonly HashSet<string> _helped = [], _finished = [];
    private string _family = "";

    /// <summary>By name and labels as they stand in the text.</summary>
    public Dictionary<string, double> Samples { get; } = [];

    public IReadOnlyDictionary<string, string> Types => _types;

    /// <exception cref="FormatException">The first line that is wrong, and why.</exception>
    public static PrometheusText Parse(string text)
    {
        var read = new PrometheusText();
        if (!text.EndsWith('\n'))
            throw new FormatException("the last line has no end");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (read.Line(line) is { } fault)
                throw new FormatException($"{fault}: {line}");
        }
        read.CheckHistograms();
        return read;
    }

    private string? Line(string line)
    {
        if (Comment().Match(line) is { Success: true } comment)
        {
            var (kind, name, rest) = (comment.Groups[1].Value, comment.Groups[2].Value, comment.Groups[3].Value);
            if (Enter(name) is { } fault)
                return fault;
            if (kind == "HELP")
                return _helped.Add(name) ? null : "a second HELP";
            if (rest is not ("counter" or "gauge" or "histogram" or "summary" or "untyped"))
                return "no such type";
            return _types.TryAdd(name, rest) ? null : "a second TYPE";
        }
        if (Sample().Match(line) is not { Success: true } sample)
            return "neither a comment nor a sample";
        var family = FamilyOf(sample.Groups["name"].Value);
        if (!_types.TryGetValue(family, out var type) || !_helped.Contains(family))
            return "TYPE and HELP do not come before it";
        if (Enter(family) is { } apart)
            return apart;
        if (sample.Groups["label"].Captures.Select(c => c.Value).Distinct().Count() != sample.Groups["label"].Captures.Count)
            return "a label twice";
        var number = sample.Groups["value"].Value switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, "NaN" => double.NaN, var text => double.Parse(text, CultureInfo.InvariantCulture) };
        if (type is "counter" or "histogram" && !(number >= 0))
            return "counts below zero";
        return Samples.TryAdd(sample.Groups["series"].Value, number) ? null : "the series twice";
    }

    /// <summary>All lines of a family stand together.</summary>
    private string? Enter(string family)
    {
        if (family == _family)
            return null;
        _finished.Add(_family);
        _family = family;
        return _finished.Contains(family) ? "its family was finished" : null;
    }

    private string FamilyOf(string name)
    {
        foreach (var suffix in (string[])["_bucket", "_sum", "_count"])
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal) && _types.GetValueOrDefault(name[..^suffix.Length]) is "histogram" or "summary")
                return name[..^suffix.Length];
        }
        return name;
    }

    private void CheckHistograms()
    {
        foreach (var (name, _) in _types.Where(t => t.Value == "histogram"))
        {
            foreach (var group in Samples.Where(s => s.Key.StartsWith(name + "_bucket{", StringComparison.Ordinal)).GroupBy(s => Le().Replace(s.Key[(name.Length + 7)..], "")))
            {
                var labels = group.Key.Replace(",}", "}", StringComparison.Ordinal).Replace("{,", "{", StringComparison.Ordinal);
                var buckets = group.Select(s => (Bound: Le().Match(s.Key).Groups[1].Value is "+Inf" ? double.PositiveInfinity : double.Parse(Le().Match(s.Key).Groups[1].Value, CultureInfo.InvariantCulture), s.Value)).ToList();
                if (!buckets.SequenceEqual(buckets.OrderBy(b => b.Bound).ThenBy(b => b.Value)) || !buckets.Select(b => b.Value).SequenceEqual(buckets.Select(b => b.Value).Order()))
                    throw new FormatException($"{name}{labels}: buckets do not ascend");
                if (buckets[^1].Bound != double.PositiveInfinity || !Samples.TryGetValue(name + "_count" + (labels == "{}" ? "" : labels), out var count) || buckets[^1].Value != count || !Samples.ContainsKey(name + "_sum" + (labels == "{}" ? "" : labels)))
                    throw new FormatException($"{name}{labels}: the last bucket is not the count, or one of the two or the sum is missing");
            }
        }
    }

    [GeneratedRegex("""^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$""")]
    private static partial Regex Comment();

    [GeneratedRegex("""^(?<series>(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?<label>[a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]|\\["\\n])*",?)*\})?) (?<value>[+-]?(Inf|NaN|[0-9.]+([eE][+-]?[0-9]+)?))$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""le="([^"]+)",?""")]
    private static partial Regex Le();
}
