using Timonier.Api.CustomResources;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.CustomResources;

/// <summary>From a compiled definition to what is served.</summary>
internal static class CustomTable
{
    public static IEnumerable<ServedResource> Served(CustomResource definition, IStore store, long revision, CancellationToken removed)
    {
        var stored = definition.Storage.Resource;
        var resources = new ResourceStore(stored, new CustomStrategy(definition), store, revision) { TypeMetaInLists = true, Removed = removed };
        foreach (var version in definition.Versions.Where(v => v.Served))
        {
            // With a conversion webhook versions may differ in more than their name: until those are asked, only the stored one is served.
            if (definition.ConversionWebhook is not null && !version.Storage)
                continue;
            yield return new ServedResource(version.Resource, resources, ConverterOf(version, stored))
            {
                Deprecation = version.DeprecationWarning,
                ListKind = definition.ListKind,
                Columns = [TableColumn.NameColumn, .. version.Columns.Select(Column)],
                Scale = version.Scale is { } scale ? new Verbs.ScalePaths(Steps(scale.SpecReplicas), Steps(scale.StatusReplicas), scale.LabelSelector.Length > 0 ? Steps(scale.LabelSelector) : null) : Verbs.ScalePaths.BuiltIn,
            };
        }
    }

    /// <summary>Null: what is stored is what is served.</summary>
    private static CustomConverter? ConverterOf(CustomResourceVersion version, ResourceSchema stored)
    {
        // Any "default" in the schema will do: at worst an object is looked through for nothing.
        var defaults = version.OpenApi is not null && JsonEncoder.Encode(version.OpenApi).AsSpan().IndexOf("\"default\":"u8) >= 0;
        return version.Storage && !defaults ? null : new CustomConverter(version.Resource, stored, defaults);
    }

    private static string[] Steps(string path) => path.Split('.', StringSplitOptions.RemoveEmptyEntries);

    private static TableColumn Column(PrinterColumn column)
    {
        var path = new PathExpression(column.JsonPath);
        return new TableColumn(column.Name, column.Type == "date" ? "string" : column.Type, (o, now) => Cell(column.Type, path.First(o), now), (int)column.Priority, column.Format) { Description = column.Description };
    }

    private static object? Cell(string type, object? value, DateTimeOffset now) => (type, value) switch
    {
        (_, null) => null,
        ("date", _) => Cells.Since(value, now),
        ("string", _) => PathExpression.Text(value),
        ("integer", long) or ("number", long or double) or ("boolean", bool) => value,
        ("integer", double number) => (long)number,
        _ => null,
    };
}

/// <summary>Between versions of a custom resource. Defaults that the schema got after an object was stored show when it is read.</summary>
internal sealed class CustomConverter(ResourceSchema served, ResourceSchema stored, bool defaults) : VersionConverter(served, stored)
{
    private readonly TypeSchema _type = served.Type;

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        if (defaults)
            Defaults.Apply(obj, _type);
    }
}
