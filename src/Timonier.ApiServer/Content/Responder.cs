using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>Step 11 of the write path, and the end of every read: status, headers, body in the form that was asked for.</summary>
internal static class Responder
{
    private const string Json = "application/json";

    /// <summary>A stored object: its own bytes, with resourceVersion, where that is what was asked for.</summary>
    public static ValueTask WriteAsync(ApiCall call, int code, in EncodedObject obj)
    {
        if (!call.Forms.IsRaw)
            return WriteAsync(call, code, obj.Parse());
        var response = Begin(call, code);
        response.ContentLength = obj.Length;
        obj.WriteTo(response.BodyWriter);
        return FlushAsync(response);
    }

    /// <summary>The outcome of a write.</summary>
    public static ValueTask WriteAsync(ApiCall call, int code, WriteResult result) =>
        result.Entry is { } entry ? WriteAsync(call, code, new EncodedObject(entry)) : WriteAsync(call, code, result.Object);

    private static ValueTask WriteAsync(ApiCall call, int code, JsonMap stored)
    {
        return Converted.AsksWebhook(call.Resource) ? AskedAsync() : WriteBytesAsync(Begin(call, code), call.Forms.Encode(stored));

        async ValueTask AskedAsync()
        {
            var asked = await Converted.AskAsync(call.Resource, stored, call.Cancel);
            await WriteBytesAsync(Begin(call, code), call.Forms.Encode(asked));
        }
    }

    /// <summary>An object as it stands: a Status, a Scale, a review.</summary>
    public static ValueTask WriteTreeAsync(ApiCall call, int code, JsonMap obj)
    {
        var type = call.Core.Options.Schema.FindKind(Api.Schema.GroupVersion.Parse(obj.GetString("apiVersion") ?? ""), obj.GetString("kind") ?? "");
        if (obj.GetString("kind") == "Status")
            type = call.Core.Options.Schema.FindType("meta/v1.Status");
        return WriteBytesAsync(Begin(call, code), call.Forms.Encode(obj, type));
    }

    /// <summary>The answer to a request that failed.</summary>
    public static ValueTask WriteErrorAsync(HttpContext http, ApiException error)
    {
        var response = http.Response;
        if (response.HasStarted)
        {
            http.Abort();
            return default;
        }
        response.StatusCode = error.Code;
        response.ContentType = Json;
        response.Headers.CacheControl = "no-cache, private";
        if (error.RetryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return WriteBytesAsync(response, JsonEncoder.Encode(error.ToStatus()));
    }

    /// <summary>Sets status and headers that every answer has.</summary>
    public static HttpResponse Begin(ApiCall call, int code)
    {
        var response = call.Http.Response;
        response.StatusCode = code;
        response.ContentType = call.Forms.Form.ContentType(call.Info.Verb == "watch");
        response.Headers.CacheControl = "no-cache, private";
        foreach (var warning in call.Warnings)
            response.Headers.Append("Warning", $"299 - \"{warning.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        return response;
    }

    private static ValueTask WriteBytesAsync(HttpResponse response, byte[] body)
    {
        response.ContentLength = body.Length;
        response.BodyWriter.Write(body);
        return FlushAsync(response);
    }

    private static async ValueTask FlushAsync(HttpResponse response) => await response.BodyWriter.FlushAsync();
}
