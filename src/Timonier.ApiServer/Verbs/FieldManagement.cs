using Timonier.Api.Apply;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>What field management must know of a write.</summary>
internal static class FieldManagement
{
    /// <summary>Sets the managedFields of a create, update or patch: in the version that the client spoke.</summary>
    public static async ValueTask UpdateAsync(ServerCore core, RequestScope scope, Working working, JsonMap? old, JsonMap obj, CancellationToken cancel)
    {
        var asked = working.Served?.Schema ?? working.Schema;
        var (before, now) = (old, obj);
        if (asked.GroupVersion != working.Schema.GroupVersion)
            (before, now) = (old is null ? null : Converted.FromStored(working.Served!, old.DeepClone()), Converted.FromStored(working.Served!, obj.DeepClone()));
        await WebhookMemo.RunAsync(working.Served?.Webhook, memo =>
        {
            ManagedFields.Update(before, now, scope.FieldManager, Context(core, scope, working.Store, asked, memo));
            return true;
        }, cancel);
        if (ReferenceEquals(now, obj))
            return;
        var metadata = obj.EnsureMap("metadata");
        if (now.GetMap("metadata")?.GetList("managedFields") is { } managed)
            metadata["managedFields"] = managed;
        else
            metadata.Remove("managedFields");
    }

    /// <param name="schema">The resource in the version of the objects at hand.</param>
    public static ApplyContext Context(ServerCore core, RequestScope scope, ResourceStore resource, ResourceSchema schema, WebhookMemo memo) => new()
    {
        Type = schema.Type,
        ApiVersion = schema.GroupVersion.ToString(),
        Subresource = scope.Subresource,
        Time = core.Time,
        ResetFields = Reset(schema, scope.Subresource),
        Convert = core.Registry.Table.HasOneVersion(resource) ? null : (obj, version) => Convert(core.Registry.Table, resource, schema, obj, version, memo),
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

    private static (JsonMap Object, TypeSchema Type)? Convert(ResourceTable table, ResourceStore resource, ResourceSchema from, JsonMap obj, string version, WebhookMemo memo)
    {
        // Apply converts back and forth: the object's own version counts. A zero object has none.
        var written = obj.GetString("apiVersion") is { Length: > 0 } own ? own : from.GroupVersion.ToString();
        var to = GroupVersion.Parse(version);
        var target = version == from.GroupVersion.ToString() ? table.Find(from.Resource) : table.Resources.FirstOrDefault(r => r.Store == resource && r.Schema.GroupVersion == to);
        if (target is null)
            return null;
        if (written == version)
            return (obj, target.Schema.Type);
        if (target.Webhook is not null)
            return (Converted.FromStored(target, memo.Convert(obj, to)), target.Schema.Type);
        var converted = obj.DeepClone();
        var source = GroupVersion.Parse(written);
        table.Resources.FirstOrDefault(r => r.Store == resource && r.Schema.GroupVersion == source)?.Converter?.ToStored(converted);
        return (Converted.FromStored(target, converted), target.Schema.Type);
    }
}
