using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;

namespace Timonier.ApiServer.Conversion;

/// <summary>Objects as admission wants to see them: in any version that the same store is served in.</summary>
internal sealed class ObjectVersions(Func<ResourceTable> table) : IObjectVersions
{
    public IEnumerable<ResourceSchema> EquivalentsOf(ResourceSchema resource)
    {
        var (now, own) = (table(), table().Find(resource.Resource));
        return own?.Store is null ? [] : now.Resources.Where(r => r.Store == own.Store && r != own).Select(r => r.Schema);
    }

    public async ValueTask<JsonMap> ConvertAsync(JsonMap obj, ResourceSchema to, CancellationToken cancel)
    {
        var written = obj.GetString("apiVersion") ?? "";
        if (written.Length == 0 || written == to.GroupVersion.ToString() || table().Find(to.Resource) is not { Store: { } store } target)
            return obj;
        if (Converted.AsksWebhook(target))
            return Converted.FromStored(target, await Converted.AskAsync(target, obj.DeepClone(), cancel));
        var version = GroupVersion.Parse(written);
        var source = table().Resources.FirstOrDefault(r => r.Store == store && r.Schema.GroupVersion == version);
        var converted = obj.DeepClone();
        source?.Converter?.ToStored(converted);
        return Converted.FromStored(target, converted);
    }
}
