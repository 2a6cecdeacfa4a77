using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Content;

/// <summary>Step 4 of the write path: from the bytes of a body to a tree in the version that the write is worked on in.</summary>
internal static class BodyDecoder
{
    /// <summary>Upstream's MaxRequestBodyBytes: 3 MB.</summary>
    public const int BytesMax = 3 * 1024 * 1024;

    /// <exception cref="ApiException">RequestEntityTooLarge.</exception>
    public static async ValueTask<byte[]> ReadBytesAsync(HttpContext http)
    {
        if (http.Request.ContentLength > BytesMax)
            throw TooLarge();
        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(http.RequestAborted);
            if (read.Buffer.Length > BytesMax)
                throw TooLarge();
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                Audit.AuditRecord.Of(http)?.NoteRequest(bytes);
                return bytes;
            }
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The object of a create or update.</summary>
    /// <exception cref="ApiException">UnsupportedMediaType, BadRequest: another kind or version, or no object at all.</exception>
    /// <param name="duplicates">Gets what the body says twice; null: nobody asks.</param>
    public static async ValueTask<JsonMap> ReadObjectAsync(ApiCall call, WriteOptions options, List<string>? duplicates = null)
    {
        var bytes = await ReadBytesAsync(call.Http);
        if (options.FieldValidation == FieldValidation.Ignore)
            duplicates = null;
        var subresource = call.Info.Subresource.Length > 0 ? call.Schema.Subresource(call.Info.Subresource) : null;
        var expected = new GroupVersionKind((subresource?.GroupVersion ?? call.Schema.GroupVersion).Group, (subresource?.GroupVersion ?? call.Schema.GroupVersion).Version, subresource?.Kind ?? call.Schema.Kind);
        var obj = Decode(call, bytes, expected.Kind, duplicates);
        CheckKind(call, obj, bytes, expected);
        return subresource is null || subresource.Kind == call.Schema.Kind ? Converted.ToWorking(call, obj, options, call.Warnings) : obj;
    }

    /// <summary>A patch.</summary>
    /// <param name="duplicates">Gets what it says twice.</param>
    public static object? Parse(byte[] bytes, List<string>? duplicates = null)
    {
        try
        {
            var value = JsonParser.Parse(bytes, out bool twice);
            if (twice && duplicates is not null)
                JsonParser.Parse(bytes, path => Note(duplicates, $"duplicate field \"{path}\""));
            return value;
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest("error decoding patch: " + (GoJson.Fault(bytes) ?? e.Message));
        }
    }

    /// <summary>As Go's decoder (sigs.k8s.io/json): each once, and no more than a hundred.</summary>
    internal static void Note(List<string> strictErrors, string error)
    {
        if (strictErrors.Count < 100 && !strictErrors.Contains(error))
            strictErrors.Add(error);
    }

    /// <summary>A body of options; null when there is none.</summary>
    public static async ValueTask<JsonMap?> ReadOptionsAsync(ApiCall call, string kind)
    {
        var bytes = await ReadBytesAsync(call.Http);
        if (bytes.Length == 0)
            return null;
        var options = Decode(call, bytes, kind);
        // A value of another type is refused, not passed over: who asks for a grace of "30" must not get none.
        options["kind"] = kind;
        return Normalizer.Normalize(options, call.Core.Options.Schema.Type("meta/v1." + kind));
    }

    private static JsonMap Decode(ApiCall call, byte[] bytes, string kind, List<string>? duplicates = null)
    {
        var type = MediaType(call.Http.Request.ContentType);
        if (type == "application/vnd.kubernetes.protobuf")
            return DecodeProtobuf(call, bytes, kind);
        if (type == "application/yaml")
            return DecodeYaml(bytes, kind, duplicates);
        if (type is not ("" or "application/json"))
            throw ApiException.UnsupportedMediaType("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf");
        try
        {
            var value = JsonParser.Parse(bytes, out bool twice);
            if (value is null)
                return [];
            if (value is not JsonMap map)
                throw Unrecognized(kind, bytes, $"couldn't get version/kind; json parse error: json: cannot unmarshal {GoJson.KindOf(value)} into Go value of type {TypeMeta}");
            if (twice && duplicates is not null)
                JsonParser.Parse(bytes, path => Note(duplicates, $"duplicate field \"{path}\""));
            return map;
        }
        catch (JsonException e)
        {
            throw Unrecognized(kind, bytes, $"couldn't get version/kind; json parse error: {GoJson.Fault(bytes) ?? e.Message}");
        }
    }

    private static ApiException Unrecognized(string kind, byte[] bytes, string why) => ApiException.BadRequest($"the object provided is unrecognized (must be of type {kind}): {why} ({Summary(bytes)})");

    private static JsonMap DecodeYaml(byte[] bytes, string kind, List<string>? duplicates)
    {
        try
        {
            return YamlReader.Read(bytes, duplicates is null ? null : fault => Note(duplicates, fault)) as JsonMap ?? throw Unrecognized(kind, bytes, "couldn't get version/kind; yaml: no object");
        }
        catch (FormatException e)
        {
            throw Unrecognized(kind, bytes, "yaml: " + e.Message);
        }
    }

    /// <summary>Into what upstream reads a body first, as Go shows the type.</summary>
    private const string TypeMeta = """struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }""";

    private static JsonMap DecodeProtobuf(ApiCall call, byte[] bytes, string expected)
    {
        try
        {
            var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(bytes);
            var schema = call.Core.Options.Schema;
            var type = schema.FindKind(GroupVersion.Parse(apiVersion), kind) ?? schema.FindType("meta/v1." + kind);
            return type is null ? new JsonMap { ["apiVersion"] = apiVersion, ["kind"] = kind } : ProtobufDecoder.Decode(message.Span, type, apiVersion, kind);
        }
        catch (ApiException e) when (e.Code == 400)
        {
            throw Unrecognized(expected, bytes, e.Message);
        }
    }

    /// <summary>"application/json" of "application/json; charset=utf-8", lower case.</summary>
    public static string MediaType(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType))
            return "";
        var semicolon = contentType.IndexOf(';', StringComparison.Ordinal);
        return (semicolon < 0 ? contentType : contentType[..semicolon]).Trim().ToLowerInvariant();
    }

    private static void CheckKind(ApiCall call, JsonMap obj, byte[] bytes, GroupVersionKind expected)
    {
        foreach (var field in (ReadOnlySpan<string>)["kind", "apiVersion"])
        {
            if (obj[field] is not (null or string))
                throw Unrecognized(expected.Kind, bytes, $"couldn't get version/kind; json parse error: json: cannot unmarshal {GoJson.KindOf(obj[field])} into Go struct field .{field} of type string");
        }
        var kind = obj.GetString("kind") is { Length: > 0 } k ? k : expected.Kind;
        var apiVersion = obj.GetString("apiVersion") is { Length: > 0 } v ? v : expected.GroupVersion.ToString();
        if (apiVersion.Count(c => c == '/') > 1)
            throw Unrecognized(expected.Kind, bytes, "unexpected GroupVersion string: " + apiVersion);
        var version = GroupVersion.Parse(apiVersion).Version;
        if (KindFault(call, GroupVersion.Parse(apiVersion), kind, expected) is { } fault)
            throw ApiException.BadRequest($"{kind} in version \"{version}\" cannot be handled as a {expected.Kind}: {fault}");
        // The one body that clients send in two versions, which are alike: kubectl drain before 1.22.
        if (kind == "Eviction" && apiVersion == "policy/v1beta1")
            apiVersion = expected.GroupVersion.ToString();
        if (apiVersion != expected.GroupVersion.ToString())
            throw ApiException.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({expected.GroupVersion})");
        obj["kind"] = kind;
        obj["apiVersion"] = apiVersion;
    }

    /// <summary>Why an object of this kind is none of the expected one; null when it is (in some version).</summary>
    public static string? KindFault(ApiCall call, GroupVersion version, string kind, GroupVersionKind expected)
    {
        if (call.Schema.IsBuiltIn() && call.Core.Options.Schema.FindKind(version, kind) is null)
            return $"no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
        return kind == expected.Kind ? null : $"converting ({version.Version}.{kind}) to ({Package(expected.Group)}.{expected.Kind}): unknown conversion";
    }

    /// <summary>Upstream's Go package of a group's internal kinds.</summary>
    private static string Package(string group) => group is "" or "events.k8s.io" ? "core" : group.Split('.')[0];

    /// <summary>The start of a body: as text where it looks like JSON, else in hexadecimal.</summary>
    private static string Summary(byte[] bytes)
    {
        if (bytes.Length == 0)
            return "<empty>";
        var start = bytes.AsSpan(0, Math.Min(bytes.Length, 30));
        var text = bytes[0] == '{' ? Encoding.UTF8.GetString(start) : Convert.ToHexStringLower(start);
        return bytes.Length > 30 ? text + " ..." : text;
    }

    internal static ApiException TooLarge() => ApiException.RequestEntityTooLarge($"Request entity too large: limit is {BytesMax}");
}
