using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Requests;

/// <summary>meta/v1 ListOptions as the query has them, checked as upstream checks them.</summary>
internal sealed record ListQuery
{
    public string LabelSelector { get; init; } = "";
    public string FieldSelector { get; init; } = "";

    /// <summary>As sent: empty means the newest, "0" any.</summary>
    public string ResourceVersion { get; init; } = "";
    public string ResourceVersionMatch { get; init; } = "";
    public string Continue { get; init; } = "";

    /// <summary>Items of a page; 0: all.</summary>
    public int Limit { get; init; }
    public int? TimeoutSeconds { get; init; }
    public bool AllowWatchBookmarks { get; init; }

    /// <summary>Null when the client did not say.</summary>
    public bool? SendInitialEvents { get; init; }

    public long Revision { get; init; }

    private static readonly ListQuery None = new();

    /// <exception cref="ApiException">BadRequest, Invalid.</exception>
    public static ListQuery Parse(IQueryCollection query, bool watch)
    {
        if (query.Count == 0)
            return None;
        var version = query["resourceVersion"].ToString();
        if (!long.TryParse(version.Length == 0 ? "0" : version, NumberStyles.None, CultureInfo.InvariantCulture, out var revision))
        {
            var fault = new FieldErrors();
            fault.Invalid("resourceVersion", version, $"strconv.ParseUint: parsing \"{version}\": invalid syntax");
            throw ApiException.Invalid(new("meta.k8s.io", "v1", "ListOptions"), "", fault.Errors);
        }
        var parsed = new ListQuery
        {
            LabelSelector = query["labelSelector"].ToString(),
            FieldSelector = query["fieldSelector"].ToString(),
            ResourceVersion = version,
            Revision = revision,
            ResourceVersionMatch = query["resourceVersionMatch"].ToString(),
            Continue = query["continue"].ToString(),
            Limit = (int)Math.Min(int.MaxValue, Integer(query, "limit") ?? 0),
            TimeoutSeconds = (int?)Integer(query, "timeoutSeconds"),
            AllowWatchBookmarks = RequestInfoParser.IsTrue(query["allowWatchBookmarks"]),
            SendInitialEvents = query.TryGetValue("sendInitialEvents", out var send) ? RequestInfoParser.IsTrue(send) : null,
        };
        var errors = new FieldErrors();
        if (watch)
            parsed.CheckWatch(errors);
        else
            parsed.CheckList(errors);
        if (errors.Any)
            throw ApiException.Invalid(new("meta.k8s.io", "v1", "ListOptions"), "", errors.Errors);
        return parsed;
    }

    private void CheckList(FieldErrors errors)
    {
        if (SendInitialEvents is not null)
            errors.Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
        if (ResourceVersionMatch.Length == 0)
            return;
        if (ResourceVersion.Length == 0)
            errors.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (Continue.Length > 0)
            errors.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        if (ResourceVersionMatch is not ("Exact" or "NotOlderThan"))
            errors.NotSupported("resourceVersionMatch", ResourceVersionMatch, ["Exact", "NotOlderThan", ""]);
        if (ResourceVersionMatch == "Exact" && ResourceVersion == "0")
            errors.Forbidden("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    }

    private void CheckWatch(FieldErrors errors)
    {
        if (SendInitialEvents is not null)
        {
            if (ResourceVersionMatch != "NotOlderThan")
                errors.Forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        else if (ResourceVersionMatch.Length > 0)
        {
            errors.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if (Continue.Length > 0)
            errors.Forbidden("continue", "continue is forbidden for watch");
    }

    private static long? Integer(IQueryCollection query, string key)
    {
        var text = query[key].ToString();
        if (text.Length == 0)
            return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }
}
