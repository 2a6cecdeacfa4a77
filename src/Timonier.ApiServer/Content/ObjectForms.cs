using System.Buffers;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Content;

/// <summary>Makes of stored objects what a client asked for, when that is not the stored bytes themselves.</summary>
internal sealed class ObjectForms(ApiCall call, ResponseForm form)
{
    private readonly TableColumn[] _columns = form.Transform == Transform.Table ? call.Resource.Columns ?? Tables.ColumnsOf(call.Schema) : [];
    private readonly string _include = form.Transform == Transform.Table ? Include(call.Query("includeObject")) : "";

    private static string Include(string include) => include is "" or "None" or "Object" or "Metadata" ? include
        : throw ApiException.BadRequest($"Unable to convert to Table as requested: includeObject: Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty");

    public ResponseForm Form => form;

    /// <summary>The stored bytes are the answer.</summary>
    public bool IsRaw => form is { Wire: WireForm.Json, Transform: Transform.None, Pretty: false } && call.Resource.Converter is null;

    public TableColumn[] Columns => _columns;

    /// <summary>One whole object of the resource, ready to be sent.</summary>
    /// <param name="stored">In the stored version; is changed.</param>
    public byte[] Encode(JsonMap stored)
    {
        var obj = Shown(stored);
        return Encode(obj, TypeOf(obj));
    }

    /// <summary>Bytes of an object as it stands.</summary>
    /// <param name="type">For protobuf; null where there is none, which falls back to JSON.</param>
    public byte[] Encode(JsonMap obj, TypeSchema? type) => Encode(obj, form.Wire, form.Pretty, type);

    public static byte[] Encode(JsonMap obj, WireForm wire, bool pretty, TypeSchema? type)
    {
        if (wire == WireForm.Protobuf && type is { NoProto: false })
            return ProtobufEncoder.EncodeObject(JsonEncoder.Encode(obj), type);
        if (wire == WireForm.Yaml)
            return System.Text.Encoding.UTF8.GetBytes(YamlWriter.Write(obj));
        if (!pretty)
            return JsonEncoder.Encode(obj);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JsonEncoder.Options.Encoder, SkipValidation = true }))
            JsonEncoder.Write(obj, writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What is shown of an object: itself in the version asked for, its metadata, or a table with one row.</summary>
    public JsonMap Shown(JsonMap stored)
    {
        switch (form.Transform)
        {
            case Transform.PartialObjectMetadata:
                return Tables.MetadataOnly(stored, form.MetaVersion);
            case Transform.Table:
                var table = Tables.Head(_columns, new JsonMap { ["resourceVersion"] = stored.GetPath("metadata", "resourceVersion") }, form.MetaVersion);
                table.GetList("rows")!.Add(Row(stored));
                return table;
            default:
                return Converted.FromStored(call.Resource, stored);
        }
    }

    public JsonMap Row(JsonMap stored)
    {
        // The columns of a custom resource are those of the version asked for.
        if (!call.Schema.IsBuiltIn())
            stored = Converted.FromStored(call.Resource, stored);
        var cells = Tables.Row(_columns, stored, null, call.Core.Time.GetUtcNow());
        cells["object"] = _include switch
        {
            "None" => null,
            "Object" => Converted.FromStored(call.Resource, stored),
            _ => Tables.MetadataOnly(stored, form.MetaVersion),
        };
        return cells;
    }

    /// <summary>The type of what <see cref="Shown"/> gives.</summary>
    public TypeSchema? TypeOf(JsonMap shown) => form.Transform switch
    {
        Transform.PartialObjectMetadata => call.Core.Options.Schema.FindType("meta/v1.PartialObjectMetadata"),
        Transform.Table => null,
        _ => shown.GetString("kind") == call.Schema.Kind ? call.Schema.Type : call.Core.Options.Schema.FindKind(GroupVersion.Parse(shown.GetString("apiVersion") ?? ""), shown.GetString("kind") ?? ""),
    };
}
