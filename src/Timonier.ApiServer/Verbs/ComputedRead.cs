using System.Buffers;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Computed;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>GET of what is not stored: whoever makes it is asked.</summary>
internal static class ComputedRead
{
    /// <summary>Null: the resource is stored, or nobody makes it.</summary>
    public static IComputedResource? Find(ApiCall call) => call.Core.Computed.GetValueOrDefault((call.Schema.GroupVersion.Group, call.Schema.Plural));

    public static async Task GetAsync(ApiCall call, IComputedResource resource)
    {
        var obj = await resource.GetAsync(call.Info.Namespace, call.Info.Name, call.Cancel) ?? throw call.NotFound(call.Info.Name);
        await Responder.WriteTreeAsync(call, 200, call.Forms.Shown(obj));
    }

    public static async Task ListAsync(ApiCall call, IComputedResource resource)
    {
        var query = ListQuery.Parse(call.Http.Request.Query, watch: false);
        var labels = LabelSelectorParser.Parse(query.LabelSelector);
        var items = (await resource.ListAsync(call.Info.Namespace, call.Cancel)).Where(item => labels.Matches(LabelsOf(item))).ToList();
        var response = Responder.Begin(call, 200);
        var (forms, metadata) = (call.Forms, new JsonMap());
        if (forms.Form is { Wire: WireForm.Protobuf, Transform: Transform.None })
            ProtobufEncoder.WriteList(response.BodyWriter, call.Schema.GroupVersion.ToString(), call.Schema.Kind + "List", default, [.. items.Select(i => (ReadOnlyMemory<byte>)ProtobufEncoder.EncodeMessage(JsonEncoder.Encode(i), call.Schema.Type))]);
        else
        {
            var list = forms.Form.Transform == Transform.Table
                ? Tables.Head(forms.Columns, metadata, forms.Form.MetaVersion)
                : new JsonMap { ["kind"] = call.Schema.Kind + "List", ["apiVersion"] = call.Schema.GroupVersion.ToString(), ["metadata"] = metadata, ["items"] = new JsonList() };
            (list.GetList("rows") ?? list.GetList("items")!).AddRange(items.Select(i => forms.Form.Transform == Transform.Table ? forms.Row(i) : forms.Shown(i)));
            response.BodyWriter.Write(forms.Encode(list, null));
        }
        await response.BodyWriter.FlushAsync(call.Cancel);
    }

    private static Dictionary<string, string> LabelsOf(JsonMap item) =>
        ((item.GetPath("metadata", "labels") as JsonMap) ?? []).ToDictionary(l => l.Key, l => l.Value as string ?? "", StringComparer.Ordinal);
}
