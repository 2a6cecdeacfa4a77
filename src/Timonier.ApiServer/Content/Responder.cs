using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>Step 11 of the write path, and the end of every read: status, headers, body in the form that was asked for.</summary>
internal static class Responder
{
    public const string NoCache = "no-cache, private";

    private static ReadOnlySpan<byte> PageNotFound => "404 page not found\n"u8;

    /// <summary>A stored object: its own bytes, with resourceVersion, where that is what was asked for.</summary>
    public static ValueTask WriteAsync(ApiCall call, int code, in EncodedObject obj)
    {
        if (!call.Forms.IsRaw)
            return WriteAsync(call, code, obj.Parse());
        var response = Begin(call, code);
        response.ContentLength = obj.Length + 1;
        obj.WriteTo(response.BodyWriter);
        response.BodyWriter.Write("\n"u8);
        return FlushAsync(response);
    }

    /// <summary>The outcome of a write.</summary>
    public static ValueTask WriteAsync(ApiCall call, int code, WriteResult result) =>
        result.Entry is { } entry ? WriteAsync(call, code, new EncodedObject(entry)) : WriteAsync(call, code, result.Object);

    private static ValueTask WriteAsync(ApiCall call, int code, JsonMap stored)
    {
        return Converted.AsksWebhook(call.Resource) ? AskedAsync() : WriteBytesAsync(Begin(call, code), call.Forms.Encode(stored), call.Forms.Form);

        async ValueTask AskedAsync()
        {
            var asked = await Converted.AskAsync(call.Resource, stored, call.Cancel);
            await WriteBytesAsync(Begin(call, code), call.Forms.Encode(asked), call.Forms.Form);
        }
    }

    /// <summary>An object as it stands: a Status, a Scale, a review.</summary>
    public static ValueTask WriteTreeAsync(ApiCall call, int code, JsonMap obj)
    {
        var type = call.Core.Options.Schema.FindKind(GroupVersion.Parse(obj.GetString("apiVersion") ?? ""), obj.GetString("kind") ?? "");
        if (obj.GetString("kind") == "Status")
            type = call.Core.Options.Schema.FindType("meta/v1.Status");
        return WriteBytesAsync(Begin(call, code), call.Forms.Encode(obj, type), call.Forms.Form);
    }

    /// <summary>The answer to a request that failed, in the encoding that the client takes; JSON for people when it takes none.</summary>
    public static ValueTask WriteErrorAsync(HttpContext http, ApiException error, ApiSchema schema)
    {
        var response = http.Response;
        if (response.HasStarted)
        {
            http.Abort();
            return default;
        }
        response.StatusCode = error.Code;
        response.Headers.ContentEncoding = default;
        var form = ResponseForm.OfStatus(http.Request);
        response.ContentType = form.ContentType(watch: false);
        response.Headers.CacheControl = NoCache;
        if (error.RetryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return WriteBytesAsync(response, ObjectForms.Encode(error.ToStatus(), form.Wire, form.Pretty, schema.FindType("meta/v1.Status")), form);
    }

    /// <summary>The answer to a path that is nobody's: no Status, as upstream's last handler is Go's own.</summary>
    public static ValueTask WritePageNotFoundAsync(HttpContext http)
    {
        var response = http.Response;
        response.StatusCode = 404;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = NoCache;
        response.ContentLength = PageNotFound.Length;
        response.BodyWriter.Write(PageNotFound);
        return FlushAsync(response);
    }

    /// <summary>Sets status and headers that every answer has.</summary>
    public static HttpResponse Begin(ApiCall call, int code)
    {
        var response = call.Http.Response;
        response.StatusCode = code;
        response.ContentType = call.Forms.Form.ContentType(call.Info.Verb == "watch");
        response.Headers.CacheControl = NoCache;
        if (call.Warnings.Count > 0)
            WarningHeaders.Write(response, call.Warnings);
        return response;
    }

    /// <summary>As Go's encoder does, a line ends after compact JSON.</summary>
    private static ValueTask WriteBytesAsync(HttpResponse response, byte[] body, ResponseForm form)
    {
        ReadOnlySpan<byte> end = form is { Wire: WireForm.Json, Pretty: false } ? "\n"u8 : [];
        response.ContentLength = body.Length + end.Length;
        response.BodyWriter.Write(body);
        response.BodyWriter.Write(end);
        return FlushAsync(response);
    }

    private static async ValueTask FlushAsync(HttpResponse response) => await response.BodyWriter.FlushAsync();
}
