using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Verbs;

/// <summary>
/// The version that a write is worked on in. Of a built-in kind the stored one, as upstream's internal one; of a custom resource the
/// request's: its schema prunes, defaults and validates, and only what is stored is converted.
/// </summary>
internal sealed record Working(ResourceSchema Schema, ResourceStore Store, ServedResource? Served)
{
    public static Working Of(ServerCore core, Write write)
    {
        var (asked, store) = (write.Scope.Resource, write.Resource);
        var served = core.Registry.Table.Find(asked.Resource);
        if (served?.Store != store)
            served = null;
        return new Working(store.Schema.IsBuiltIn() || served is null ? store.Schema : served.Schema, store, served);
    }

    private bool IsStored => Schema.GroupVersion == Store.Schema.GroupVersion;

    public async ValueTask<JsonMap> ReadAsync(Entry entry, CancellationToken cancel)
    {
        if (Served is null || Schema.IsBuiltIn())
            return new EncodedObject(entry).Parse();
        return Converted.FromStored(Served, await Converted.ParseAsync(Served, new EncodedObject(entry), cancel));
    }

    /// <summary>The bytes to store.</summary>
    public async ValueTask<byte[]> EncodeAsync(JsonMap obj, CancellationToken cancel)
    {
        if (IsStored)
            return ObjectEncoder.Encode(obj, Store.Fields);
        var stored = obj.DeepClone();
        if (Served!.Webhook is { } webhook)
            stored = Normalizer.Normalize((await webhook.ConvertAsync([stored], Store.Schema.GroupVersion, cancel))[0], Store.Schema.Type);
        stored["apiVersion"] = Store.Schema.GroupVersion.ToString();
        return ObjectEncoder.Encode(stored, Store.Fields);
    }
}
