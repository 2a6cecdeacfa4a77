using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Cli.Printing;

/// <summary>Prints the server's own tables (meta/v1 Table): the server knows the columns of every kind.</summary>
internal sealed class ServerTable(TextWriter output, bool wide, bool noHeaders, bool showNamespace, bool showKind, bool showLabels, IReadOnlyList<string> labelColumns)
{
    /// <summary>Asked for with whole objects, for sorting and labels.</summary>
    public const string Accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

    private readonly TextTable _table = new(output);
    private IReadOnlyList<int> _columns = [];
    private bool _headersPrinted;

    public bool HasColumns => _columns.Count > 0;

    /// <summary>Adds the rows of a table; the first one brings the columns.</summary>
    /// <param name="prefix">"pod/" before the name, when several kinds are printed.</param>
    public void Add(JsonMap table, IEnumerable<JsonMap> rows, string prefix)
    {
        if (table.GetList("columnDefinitions") is { Count: > 0 } definitions)
        {
            var columns = definitions.OfType<JsonMap>().ToList();
            _columns = [.. Enumerable.Range(0, columns.Count).Where(i => wide || (columns[i].GetInteger("priority") ?? 0) == 0)];
            if (!noHeaders && !_headersPrinted)
                _table.Add([.. Headers(columns)]);
            _headersPrinted = true;
        }
        foreach (var row in rows)
            _table.Add([.. Cells(row, prefix)]);
    }

    public void Flush() => _table.Flush();

    private IEnumerable<string> Headers(List<JsonMap> columns)
    {
        if (showNamespace)
            yield return "NAMESPACE";
        foreach (var i in _columns)
            yield return (columns[i].GetString("name") ?? "").ToUpperInvariant();
        foreach (var label in labelColumns)
            yield return label[(label.LastIndexOf('/') + 1)..].ToUpperInvariant();
        if (showLabels)
            yield return "LABELS";
    }

    private IEnumerable<string> Cells(JsonMap row, string prefix)
    {
        var metadata = row.GetPath("object", "metadata") as JsonMap ?? [];
        if (showNamespace)
            yield return metadata.GetString("namespace") ?? "";
        var cells = row.GetList("cells") ?? [];
        for (var i = 0; i < _columns.Count; i++)
        {
            var cell = _columns[i] < cells.Count ? Show(cells[_columns[i]]) : "";
            yield return i == 0 && showKind ? prefix + cell : cell;
        }
        var labels = metadata.GetMap("labels") ?? [];
        foreach (var label in labelColumns)
            yield return labels.GetString(label) ?? "";
        if (showLabels)
            yield return labels.Count == 0 ? "<none>" : string.Join(',', labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
    }

    private static string Show(object? cell) => cell switch
    {
        null => "<none>",
        string text => text.Contains('\n') ? text[..text.IndexOf('\n')] + "..." : text,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        JsonList list => string.Join(',', list.Select(Show)),
        _ => JsonPathTemplate.Show(cell),
    };
}
