using Timonier.Api.Json;

namespace Timonier.ApiServer.Printing;

/// <summary>One column of a Table: what it is called, and how a cell comes from an object in the stored version.</summary>
/// <param name="Type">string, integer, number, boolean, date; with <paramref name="Format"/> "name" or "date-time" as OpenAPI has them.</param>
/// <param name="Priority">0: always shown; 1: with -o wide.</param>
/// <param name="Cell">Gets the object and the time of the request.</param>
internal sealed record TableColumn(string Name, string Type, Func<JsonMap, DateTimeOffset, object?> Cell, int Priority = 0, string Format = "")
{
    public string Description { get; init; } = "";

    public static TableColumn Text(string name, Func<JsonMap, object?> cell) => new(name, "string", (o, _) => cell(o));

    public static TableColumn Number(string name, Func<JsonMap, object?> cell) => new(name, "integer", (o, _) => cell(o) ?? 0L);

    /// <summary>A number that upstream calls a string.</summary>
    public static TableColumn Counted(string name, Func<JsonMap, object?> cell) => new(name, "string", (o, _) => cell(o) ?? 0L);

    public static TableColumn Wide(string name, Func<JsonMap, object?> cell) => new(name, "string", (o, _) => cell(o), 1);

    public static readonly TableColumn NameColumn = new("Name", "string", (o, _) => o.GetPath("metadata", "name"), Format: "name");

    public static readonly TableColumn Age = new("Age", "string", (o, now) => Cells.Since(o.GetPath("metadata", "creationTimestamp"), now));

    public static readonly TableColumn CreatedAt = new("Created At", "date", (o, _) => o.GetPath("metadata", "creationTimestamp"));

    public JsonMap Definition() => new()
    {
        ["name"] = Name, ["type"] = Type, ["format"] = Format, ["description"] = Description, ["priority"] = (long)Priority,
    };
}
