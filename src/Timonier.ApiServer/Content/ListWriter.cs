using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>Writes a page of a list: a prefix, the items with commas, a suffix. Never assembled in memory, but for protobuf, whose lengths stand first.</summary>
internal static class ListWriter
{
    public static async ValueTask WriteAsync(ApiCall call, ListPage page)
    {
        var forms = call.Forms;
        // Whole, and before the answer begins: a webhook that fails is an error of its own.
        if (page.Objects is null && Converted.AsksWebhook(call.Resource))
            page = page with { Objects = [.. await Converted.AskAsync(call.Resource, page.Items, call.Cancel).Select(o => o.Object).ToListAsync(call.Cancel)] };
        var response = Responder.Begin(call, 200);
        if (forms.Form.Wire == WireForm.Protobuf)
        {
            WriteProtobuf(call, page, response.BodyWriter);
            await response.BodyWriter.FlushAsync(call.Cancel);
            return;
        }
        if (forms.Form.Wire == WireForm.Yaml)
        {
            // A person reads it: assembled as a tree.
            var list = Head(call, page);
            var items = list.GetList(forms.Form.Transform == Transform.Table ? "rows" : "items")!;
            items.AddRange(page.Trees.Select(o => forms.Form.Transform == Transform.Table ? forms.Row(o) : Item(forms.Shown(o), call)));
            response.BodyWriter.Write(forms.Encode(list, null));
            await response.BodyWriter.FlushAsync(call.Cancel);
            return;
        }
        if (Compression.Wants(call, page))
        {
            response.Headers.ContentEncoding = "gzip";
            response.Headers.Vary = "Accept-Encoding";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest);
            var compressed = PipeWriter.Create(gzip, new StreamPipeWriterOptions(leaveOpen: true));
            await WriteAsync(call, page, compressed);
            await compressed.CompleteAsync();
            return;
        }
        await WriteAsync(call, page, response.BodyWriter);
    }

    private static async ValueTask WriteAsync(ApiCall call, ListPage page, PipeWriter pipe)
    {
        var output = new BlockWriter(pipe);
        WriteStart(call, page, output);
        if (!await (call.Forms.IsRaw ? WriteRawAsync(call, page, output) : WriteItemsAsync(call, page, output)))
            return;
        output.Write("]}\n"u8);
        await output.FlushAsync(call.Cancel);
    }

    /// <summary>False when the client is gone.</summary>
    private static async ValueTask<bool> WriteRawAsync(ApiCall call, ListPage page, BlockWriter output)
    {
        var (first, typeMeta) = (true, call.Store.TypeMetaInLists);
        foreach (var entry in page.Items)
        {
            if (!first)
                output.Write(","u8);
            first = false;
            new EncodedObject(entry).WriteTo(output, typeMeta);
            if (output.IsFull && !await output.FlushAsync(call.Cancel))
                return false;
        }
        return true;
    }

    private static async ValueTask<bool> WriteItemsAsync(ApiCall call, ListPage page, BlockWriter output)
    {
        var (first, forms) = (true, call.Forms);
        foreach (var stored in page.Trees)
        {
            if (!first)
                output.Write(","u8);
            first = false;
            JsonEncoder.Write(forms.Form.Transform == Transform.Table ? forms.Row(stored) : Item(forms.Shown(stored), call), output);
            if (output.IsFull && !await output.FlushAsync(call.Cancel))
                return false;
        }
        return true;
    }

    private static JsonMap Item(JsonMap shown, ApiCall call)
    {
        if (!call.Store.TypeMetaInLists && call.Forms.Form.Transform == Transform.None)
        {
            shown.Remove("kind");
            shown.Remove("apiVersion");
        }
        return shown;
    }

    private static void WriteProtobuf(ApiCall call, ListPage page, PipeWriter output)
    {
        var forms = call.Forms;
        var partial = forms.Form.Transform == Transform.PartialObjectMetadata;
        var type = partial ? call.Core.Options.Schema.Type("meta/v1.PartialObjectMetadata") : call.Schema.Type;
        // No custom resource comes here: they have no protobuf, except their metadata.
        var items = page.Objects is { } trees ? [.. trees.Select(t => (ReadOnlyMemory<byte>)ProtobufEncoder.EncodeMessage(JsonEncoder.Encode(forms.Shown(t)), type))] : page.Items.Select(e => (ReadOnlyMemory<byte>)ProtobufEncoder.EncodeMessage(
            !partial && call.Resource.Converter is null ? new EncodedObject(e).ToArray() : JsonEncoder.Encode(forms.Shown(new EncodedObject(e).Parse())), type)).ToList();
        var metadata = ProtobufEncoder.EncodeMessage(JsonEncoder.Encode(Metadata(page)), call.Core.Options.Schema.Type("meta/v1.ListMeta"));
        var (apiVersion, kind) = partial ? (forms.Form.MetaVersion, "PartialObjectMetadataList") : (call.Schema.GroupVersion.ToString(), call.Schema.Kind + "List");
        ProtobufEncoder.WriteList(output, apiVersion, kind, metadata, items);
    }

    private static JsonMap Metadata(ListPage page)
    {
        var metadata = new JsonMap { ["resourceVersion"] = page.Revision.ToString(CultureInfo.InvariantCulture) };
        if (page.Continue.Length > 0)
            metadata["continue"] = page.Continue;
        if (page.Remaining is > 0)
            metadata["remainingItemCount"] = page.Remaining.Value;
        return metadata;
    }

    /// <summary>Everything up to the first item: the empty list at the end is where the items go.</summary>
    private static void WriteStart(ApiCall call, ListPage page, BlockWriter output) => output.Write(JsonEncoder.Encode(Head(call, page)).AsSpan()[..^2]);

    private static JsonMap Head(ApiCall call, ListPage page)
    {
        var forms = call.Forms;
        return forms.Form.Transform switch
        {
            Transform.Table => Tables.Head(forms.Columns, Metadata(page), forms.Form.MetaVersion),
            Transform.PartialObjectMetadata => new JsonMap { ["kind"] = "PartialObjectMetadataList", ["apiVersion"] = forms.Form.MetaVersion, ["metadata"] = Metadata(page), ["items"] = new JsonList() },
            _ => new JsonMap { ["kind"] = call.Resource.ListKind ?? call.Schema.Kind + "List", ["apiVersion"] = call.Schema.GroupVersion.ToString(), ["metadata"] = Metadata(page), ["items"] = new JsonList() },
        };
    }
}
