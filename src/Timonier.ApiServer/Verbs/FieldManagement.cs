using Timonier.Api.Apply;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>What field management must know of a write.</summary>
internal static class FieldManagement
{
    /// <param name="schema">The resource in the version of the objects at hand.</param>
    public static ApplyContext Context(ServerCore core, RequestScope scope, ResourceStore resource, ResourceSchema schema) => new()
    {
        Type = schema.Type,
        ApiVersion = schema.GroupVersion.ToString(),
        Subresource = scope.Subresource,
        Time = core.Time,
        ResetFields = Reset(schema, scope.Subresource),
        Convert = core.Registry.Table.HasOneVersion(resource) ? null : (obj, version) => Convert(core.Registry.Table, resource, schema, obj, version),
    };

    /// <summary>The main resource cannot write the status where that is a subresource, nor the other way round.</summary>
    private static JsonMap? Reset(ResourceSchema schema, string subresource)
    {
        if (schema.Subresource("status") is null)
            return null;
        var reset = new JsonMap();
        if (subresource != "status")
            reset["f:status"] = new JsonMap();
        else if (schema.Type.Field("spec") is not null)
            reset["f:spec"] = new JsonMap();
        return reset;
    }

    private static (JsonMap Object, TypeSchema Type)? Convert(ResourceTable table, ResourceStore resource, ResourceSchema from, JsonMap obj, string version)
    {
        if (version == from.GroupVersion.ToString())
            return (obj, from.Type);
        var to = GroupVersion.Parse(version);
        var target = table.Resources.FirstOrDefault(r => r.Store == resource && r.Schema.GroupVersion == to);
        if (target is null)
            return null;
        var converted = obj.DeepClone();
        table.Find(from.Resource)?.Converter?.ToStored(converted);
        target.Converter?.FromStored(converted);
        return (converted, target.Schema.Type);
    }
}
