using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Printing;

/// <summary>Makes meta/v1 Tables: what kubectl get prints.</summary>
internal static class Tables
{
    private static readonly TableColumn[] Default = [TableColumn.NameColumn, TableColumn.CreatedAt];

    /// <summary>The columns of a built-in resource.</summary>
    public static TableColumn[] ColumnsOf(ResourceSchema resource)
    {
        // Events of both groups are stored as core events.
        var name = resource.GroupResource == "events.events.k8s.io" ? "events" : resource.GroupResource;
        return CoreColumns.All.GetValueOrDefault(name) ?? WorkloadColumns.All.GetValueOrDefault(name) ?? OtherColumns.All.GetValueOrDefault(name) ?? Default;
    }

    public static JsonMap Head(TableColumn[] columns, JsonMap metadata, string apiVersion)
    {
        var definitions = new JsonList(columns.Length);
        foreach (var column in columns)
            definitions.Add(column.Definition());
        return new JsonMap { ["kind"] = "Table", ["apiVersion"] = apiVersion, ["metadata"] = metadata, ["columnDefinitions"] = definitions, ["rows"] = new JsonList() };
    }

    /// <param name="obj">In the stored version.</param>
    /// <param name="shown">What stands beside the cells: the object, its metadata alone, or null.</param>
    public static JsonMap Row(TableColumn[] columns, JsonMap obj, JsonMap? shown, DateTimeOffset now)
    {
        var cells = new JsonList(columns.Length);
        foreach (var column in columns)
            cells.Add(column.Cell(obj, now));
        return new JsonMap { ["cells"] = cells, ["object"] = shown };
    }

    /// <summary>An object without anything but its metadata.</summary>
    public static JsonMap MetadataOnly(JsonMap obj, string apiVersion) =>
        new() { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = apiVersion, ["metadata"] = obj["metadata"] };
}
