using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Requests;

/// <summary>Reads a path as upstream's RequestInfoFactory does, the old /api/v1/watch/... form included.</summary>
public static class RequestInfoParser
{
    /// <exception cref="ApiException">BadRequest: a watch or proxy path without a resource.</exception>
    public static RequestInfo Parse(string method, string path, IQueryCollection query)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var plain = new RequestInfo { Path = path, Verb = method.ToLowerInvariant() };
        if (parts.Length < 3 || parts[0] is not ("api" or "apis"))
            return plain;
        var at = 1;
        var group = "";
        if (parts[0] == "apis")
        {
            if (parts.Length < 4)
                return plain;
            group = parts[at++];
        }
        var version = parts[at++];
        var verb = VerbOf(method);
        var special = at < parts.Length && parts[at] is "watch" or "proxy";
        if (special)
        {
            if (at + 1 >= parts.Length)
                throw ApiException.BadRequest("unable to determine kind and namespace from url, " + path);
            verb = parts[at++];
        }
        var info = plain with { IsResource = true, VerbInPath = special, Prefix = parts[0], Group = group, Version = version };
        return at >= parts.Length ? info with { Verb = verb } : ParseResource(info, parts.AsSpan(at), verb, query);
    }

    private static RequestInfo ParseResource(RequestInfo info, ReadOnlySpan<string> parts, string verb, IQueryCollection query)
    {
        var ns = "";
        if (parts[0] == "namespaces" && parts.Length > 1)
        {
            ns = parts[1];
            // What follows the namespace is a resource in it, unless it is a subresource of the namespace itself.
            if (parts.Length > 2 && parts[2] is not ("status" or "finalize"))
                parts = parts[2..];
        }
        var name = parts.Length > 1 ? parts[1] : "";
        if (parts.Length == 1)
        {
            if (verb == "get")
                verb = IsTrue(query["watch"]) ? "watch" : "list";
            else if (verb == "delete")
                verb = "deletecollection";
            if (verb is "list" or "watch" && query.ContainsKey("fieldSelector"))
                name = NameFromFieldSelector(query["fieldSelector"].ToString());
        }
        else if (parts.Length == 2 && verb == "get" && IsTrue(query["watch"]))
        {
            verb = "watch";
        }
        return info with
        {
            Verb = verb,
            Namespace = ns,
            Resource = parts[0],
            Name = name,
            Named = parts.Length > 1,
            Subresource = parts.Length > 2 && verb != "proxy" ? parts[2] : "",
            Rest = parts.Length > 3 ? RestOf(info.Path, parts.Length - 3) : info.Path.EndsWith('/') && parts.Length == 3 ? "/" : "",
        };
    }

    /// <summary>The last parts of the path as they stand there, double and closing slashes included.</summary>
    private static string RestOf(string path, int parts)
    {
        var at = path.TrimEnd('/').Length;
        for (var i = 0; i < parts; i++)
        {
            at = path.LastIndexOf('/', at - 1);
            while (at > 0 && path[at - 1] == '/')
                at--;
        }
        return path[at..];
    }

    private static string VerbOf(string method) => method switch
    {
        "POST" => "create",
        "GET" or "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    };

    /// <summary>As upstream reads a boolean parameter: present without a value is true; "false", "0" and what is no bool is not.</summary>
    internal static bool IsTrue(Microsoft.Extensions.Primitives.StringValues value) =>
        value.Count > 0 && value[0] is not ("0" or "f" or "F" or "false" or "FALSE" or "False");

    /// <summary>The name that metadata.name=X asks for: authorization treats the request as one for that name.</summary>
    private static string NameFromFieldSelector(string selector)
    {
        foreach (var term in selector.Split(','))
        {
            var equals = term.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && term[..equals] == "metadata.name")
                return term[(equals + 1)..].TrimStart('=');
        }
        return "";
    }
}
