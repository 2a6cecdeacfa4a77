using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Content;

namespace Timonier.ApiServer.Audit;

/// <summary>The bodies of a request and its answer, kept as bytes and made JSON only when an event shows them.</summary>
internal sealed class AuditBodies(ApiSchema schema)
{
    private object? _request;
    private bool _requestRead;

    /// <summary>As sent; null when there was none, or nobody read it.</summary>
    public byte[]? Request { get; set; }

    /// <summary>Takes the answer's bytes as they go out; null when the level does not ask for them.</summary>
    public TeeStream? Response { get; set; }

    /// <summary>A patch may be a list; null for what is no object.</summary>
    public object? RequestObject(HttpContext http, bool omitManagedFields)
    {
        if (!_requestRead && Request is { Length: > 0 } bytes)
        {
            _request = Decode(bytes, http.Request.ContentType);
            if (omitManagedFields)
                OmitManagedFields(_request);
        }
        _requestRead = true;
        return _request;
    }

    public object? ResponseObject(HttpContext http, bool omitManagedFields, AuditRecord record)
    {
        if (Response is null || Response.Length == 0)
            return null;
        if (Response.Overflowed)
        {
            record.Annotate("audit.k8s.io/truncated", "true");
            return null;
        }
        var response = Decode(Response.Copied(), http.Response.ContentType);
        if (omitManagedFields)
            OmitManagedFields(response);
        return response;
    }

    private object? Decode(byte[] bytes, string? contentType)
    {
        try
        {
            return BodyDecoder.MediaType(contentType) switch
            {
                "application/vnd.kubernetes.protobuf" => DecodeProtobuf(bytes),
                "application/yaml" or "application/apply-patch+yaml" => YamlReader.Read(bytes),
                "text/plain" or "application/openapi+json" => null,
                _ => JsonParser.Parse(bytes),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or ApiException)
        {
            return null; // what could not be read was refused, which the event's status tells
        }
    }

    private JsonMap DecodeProtobuf(byte[] bytes)
    {
        var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(bytes);
        var type = schema.FindKind(GroupVersion.Parse(apiVersion), kind) ?? schema.FindType("meta/v1." + kind);
        if (type is not null)
            return ProtobufDecoder.Decode(message.Span, type, apiVersion, kind);
        var list = new JsonMap { ["kind"] = kind, ["apiVersion"] = apiVersion };
        // Lists are all alike, and not in the schema: metadata, then the items without their type.
        if (kind.EndsWith("List", StringComparison.Ordinal) && schema.FindKind(GroupVersion.Parse(apiVersion), kind[..^4]) is { } item)
        {
            var fields = WireFields.Parse(message.Span);
            list["metadata"] = ProtobufDecoder.Decode(fields.Bytes(1), schema.FindType("meta/v1.ListMeta")!);
            list["items"] = new JsonList(fields.All(2).Select(i => ProtobufDecoder.Decode(i, item, apiVersion, kind[..^4])));
        }
        return list;
    }

    private static void OmitManagedFields(object? tree)
    {
        if (tree is not JsonMap map)
            return;
        map.GetMap("metadata")?.Remove("managedFields");
        foreach (var item in map.GetList("items")?.OfType<JsonMap>() ?? [])
            item.GetMap("metadata")?.Remove("managedFields");
    }
}
