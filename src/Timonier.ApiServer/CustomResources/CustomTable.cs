using Timonier.Api.CustomResources;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.CustomResources;

/// <summary>From a compiled definition to what is served.</summary>
internal static class CustomTable
{
    /// <param name="changed">The definition changed since it was made: objects may be stored by another schema, or in another version.</param>
    public static IEnumerable<ServedResource> Served(CustomResource definition, bool changed, WebhookCaller webhooks, ServerCore core, long revision, CancellationToken removed)
    {
        var webhook = definition.ConversionWebhook is { } conversion ? new ConversionWebhook(conversion, webhooks) : null;
        var stored = definition.Storage.Resource;
        var resources = new ResourceStore(stored, new CustomStrategy(definition), core.Store, revision, core.Time) { TypeMetaInLists = true, Removed = removed };
        foreach (var version in definition.Versions.Where(v => v.Served))
        {
            // What is stored is what is served only where no other schema or version can have been at it.
            var asStored = version.Storage && !changed && definition.Versions.Count == 1;
            yield return new ServedResource(version.Resource, resources, asStored ? null : new CustomConverter(version.Resource, stored))
            {
                Webhook = webhook,
                Deprecation = version.DeprecationWarning,
                ListKind = definition.ListKind,
                Columns = [TableColumn.NameColumn, .. version.Columns.Select(Column)],
                Scale = version.Scale is { } scale ? new Verbs.ScalePaths(Steps(scale.SpecReplicas), Steps(scale.StatusReplicas), scale.LabelSelector.Length > 0 ? Steps(scale.LabelSelector) : null) : Verbs.ScalePaths.BuiltIn,
            };
        }
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

/// <summary>
/// Between versions of a custom resource. What the version's schema does not know is not shown, and defaults that it got after an object was
/// stored are, as upstream does on every read. Does nothing to an object that was so read already.
/// </summary>
internal sealed class CustomConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    private readonly TypeSchema _type = served.Type;

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        var pruned = Normalizer.Normalize(obj, _type);
        Defaults.Apply(pruned, _type);
        obj.ReplaceBy(pruned);
    }
}
