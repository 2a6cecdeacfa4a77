using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>
/// What upstream's router refuses before any verb runs, in its words: paths that no route has (404), methods that the path
/// does not take (405), patches of no known type (415), answers that cannot be given (406). In this order; the built-in
/// resources only, as custom ones have no routes upstream.
/// </summary>
internal static class Routes
{
    private static readonly string[] PatchTypes = [Verbs.Patch.Json, Verbs.Patch.Merge, Verbs.Patch.Strategic, Verbs.Patch.ApplyYaml];

    private static readonly string[] ObjectTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

    private static readonly string[] ListTypes = [.. ObjectTypes, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

    public static ApiException NotFound() => new(404, "NotFound", "the server could not find the requested resource") { Details = [] };

    public static ApiException MethodNotAllowed() => new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource") { Details = [] };

    /// <summary>Is the path below /api, or below a group that has built-in resources?</summary>
    public static bool Covers(ResourceTable table, RequestInfo info)
    {
        var parts = info.Path.Split('/', 4, StringSplitOptions.RemoveEmptyEntries);
        return parts is ["api", ..] || (parts is ["apis", var group, ..] && table.BuiltInGroups.Contains(group));
    }

    /// <exception cref="ApiException">No route takes the request.</exception>
    public static void Require(HttpRequest request, RequestInfo info, ResourceSchema resource)
    {
        if (IsPlain(request, info, resource))
            return;
        var methods = Methods(info, resource);
        if (methods.Count == 0)
            throw NotFound();
        if (!methods.Contains(request.Method))
            throw MethodNotAllowed();
        if (Streams(info, resource))
            return;
        // Upstream's router drops all routes of a patch that it cannot read; with an empty body it goes on with none, and has nothing to offer.
        var unread = request.Method == "PATCH" && !PatchTypes.Contains(MediaRange(request.ContentType ?? ""));
        if (unread && request.ContentLength > 0)
            throw new ApiException(415, "UnsupportedMediaType", "415: Unsupported Media Type") { Details = [] };
        var offered = info.Verb is "list" or "watch" ? ListTypes : ObjectTypes;
        if (unread || !Accepts(request.Headers.Accept.ToString(), offered))
            throw new ApiException(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: " + (unread ? "" : string.Join(", ", offered))) { Details = [] };
    }

    /// <summary>Most requests: an object or a collection where it belongs, a verb that it has, nothing special wanted. Told without a list.</summary>
    private static bool IsPlain(HttpRequest request, RequestInfo info, ResourceSchema resource)
    {
        if (info.VerbInPath || info.Subresource.Length > 0 || info.Namespace.Length > 0 != resource.Namespaced || request.Method == "PATCH" || request.Headers.Accept.Count > 0)
            return false;
        foreach (var (verb, method) in info.Named ? ByName : ByCollection)
        {
            if (method == request.Method)
                return resource.Verbs.Contains(verb);
        }
        return false;
    }

    private static bool Accepts(string accept, string[] offered) =>
        accept.Length == 0 || accept.Split(',').Any(range => MediaRange(range) is "*/*" || offered.Contains(MediaRange(range)));

    private static string MediaRange(string text) => text.Split(';', 2)[0].Trim();

    /// <summary>What subresources answer is their own: text, bytes, streams.</summary>
    private static bool Streams(RequestInfo info, ResourceSchema resource) =>
        info.Subresource.Length > 0 && (info.Subresource == "log" || resource.Subresource(info.Subresource) is { Connect: true });

    /// <summary>The methods that the path has routes for; empty: there is no such path.</summary>
    private static List<string> Methods(RequestInfo info, ResourceSchema resource)
    {
        var inNamespace = info.Namespace.Length > 0 && resource is not { Plural: "namespaces", GroupVersion.Group: "" };
        var named = info.Named;
        if (info.VerbInPath)
            return info.Verb == "watch" && resource.Verbs.Contains("watch") && inNamespace == (resource.Namespaced && (named || info.Namespace.Length > 0)) ? ["GET"] : [];
        if (inNamespace && !resource.Namespaced)
            return [];
        if (resource.Namespaced && !inNamespace)
            return !named && resource.Verbs.Contains("list") ? ["GET"] : [];
        if (info.Subresource.Length == 0)
            return [.. (named ? ByName : ByCollection).Where(m => resource.Verbs.Contains(m.Verb)).Select(m => m.Method)];
        if (resource.Subresource(info.Subresource) is not { } subresource || (info.Rest.Length > 0 && info.Subresource != "proxy"))
            return [];
        var methods = BySubresource.Where(m => subresource.Verbs.Contains(m.Verb)).Select(m => m.Method).ToList();
        if (info.Subresource == "proxy")
            methods.AddRange(["HEAD", "OPTIONS"]);
        return methods;
    }

    private static readonly (string Verb, string Method)[] ByCollection = [("list", "GET"), ("create", "POST"), ("deletecollection", "DELETE")];
    private static readonly (string Verb, string Method)[] ByName = [("get", "GET"), ("update", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")];
    private static readonly (string Verb, string Method)[] BySubresource = [.. ByName, ("create", "POST")];
}
