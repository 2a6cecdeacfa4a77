using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>The fields of metadata that are the server's, and the checks between request and metadata.</summary>
internal static class ObjectMetaRules
{
    /// <summary>Names are cut so that prefix and suffix together are a DNS label.</summary>
    private const int GeneratedPrefixMax = 63 - 5;

    public static string Timestamp(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The body must mean the namespace and name that the path means; where it says nothing, the path counts.</summary>
    public static void MatchPath(JsonMap metadata, ResourceStore resource, RequestScope scope)
    {
        if (!resource.Schema.Namespaced)
        {
            if (metadata.GetString("namespace") is { Length: > 0 })
                throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
            metadata.Remove("namespace");
        }
        else if (metadata.GetString("namespace") is not { Length: > 0 } ns)
        {
            metadata["namespace"] = scope.Namespace;
        }
        else if (ns != scope.Namespace)
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }
        if (scope.Name.Length == 0 || scope.Verb == "create")
            return;
        if (metadata.GetString("name") is not { Length: > 0 } name)
            metadata["name"] = scope.Name;
        else if (name != scope.Name)
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({scope.Name})");
    }

    /// <summary>What a new object gets from the server.</summary>
    public static void FillForCreate(ServerCore core, JsonMap metadata, RequestScope scope)
    {
        foreach (var key in (ReadOnlySpan<string>)["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"])
            metadata.Remove(key);
        if (metadata.GetString("name") is not { Length: > 0 } && metadata.GetString("generateName") is { Length: > 0 } prefix)
            metadata["name"] = string.Concat(prefix.AsSpan(0, Math.Min(prefix.Length, GeneratedPrefixMax)), core.NewSuffix());
        metadata["uid"] = core.NewId().ToString();
        metadata["creationTimestamp"] = Timestamp(scope.Now);
    }

    /// <summary>An update keeps what is the server's.</summary>
    public static void CarryOver(JsonMap metadata, JsonMap old)
    {
        metadata.Remove("selfLink");
        foreach (var key in (ReadOnlySpan<string>)["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"])
        {
            if (old.TryGetValue(key, out var value))
            {
                // A different uid is a precondition that fails, and is told so; empty means whatever there is.
                if (key != "uid" || metadata.GetString("uid") is not { Length: > 0 })
                    metadata[key] = value;
            }
            else
            {
                metadata.Remove(key);
            }
        }
    }

    /// <summary>Empty maps and lists of metadata are left out, as Go's omitempty does.</summary>
    public static void DropEmpty(JsonMap metadata)
    {
        foreach (var key in metadata.Keys.ToArray())
        {
            if (metadata[key] is null or "" or JsonMap { Count: 0 } or JsonList { Count: 0 })
                metadata.Remove(key);
        }
    }
}
