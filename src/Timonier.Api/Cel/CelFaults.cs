using System.Globalization;

namespace Timonier.Api.Cel;

/// <summary>What is wrong with an expression, told as cel-go does: each fault with its line and a mark below. Bounded, for each quotes the whole line.</summary>
internal sealed class CelFaults
{
    /// <summary>cel-go's bounds: maxErrorsToReport and maxSnippetLength.</summary>
    private const int ReportedMax = 100, SnippetMax = 16384;

    private readonly List<(int Position, string Message)> _faults = [];
    private int _count;

    public bool Any => _count > 0;

    public void Add(int position, string message)
    {
        if (_count++ < ReportedMax)
            _faults.Add((position, message));
    }

    public string ToText(string source)
    {
        var text = string.Join('\n', _faults.OrderBy(f => f.Position).Select(f => Format(source, f.Position, f.Message)));
        return _count <= ReportedMax ? text : string.Create(CultureInfo.InvariantCulture, $"{text}\n{_count - ReportedMax} more errors were truncated");
    }

    public static string Format(string source, int position, string message)
    {
        position = Math.Min(position, source.Length);
        var lineStart = position == 0 ? 0 : source.LastIndexOf('\n', position - 1) + 1;
        var lineEnd = source.IndexOf('\n', lineStart) is >= 0 and var end ? end : source.Length;
        var line = source.AsSpan(0, lineStart).Count('\n') + 1;
        var column = position - lineStart;
        var head = string.Create(CultureInfo.InvariantCulture, $"ERROR: <input>:{line}:{column + 1}: {message}");
        return lineEnd - lineStart > SnippetMax ? head : $"{head}\n | {source.AsSpan(lineStart, lineEnd - lineStart)}\n | {new string('.', column)}^";
    }
}
